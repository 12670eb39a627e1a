package faultproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Action is what happens to a request. Make one with the functions below.
type Action struct {
	Name  string
	serve func(w http.ResponseWriter, r *http.Request, p *Proxy)
}

// Answer replies in the server's place, without reading the request's body.
// headers are name, value, name, value….
func Answer(status int, body string, headers ...string) Action {
	return Action{fmt.Sprintf("answer %d", status), func(w http.ResponseWriter, _ *http.Request, _ *Proxy) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}}
}

// Swallow reads the request's body to its end and then replies in the
// server's place.
func Swallow(status int, body string, headers ...string) Action {
	answer := Answer(status, body, headers...)
	return Action{fmt.Sprintf("swallow %d", status), func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer.serve(w, r, p)
	}}
}

// Cut resets the connection after n bytes of the request's body have reached
// the server.
func Cut(n int64) Action {
	return Action{fmt.Sprintf("cut %d", n), func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		if n == 0 {
			reset(w)
			return
		}
		r.Body = &cutBody{r.Body, n}
		p.upstream.ServeHTTP(w, r)
	}}
}

// Drop lets the server do its work and resets the connection instead of
// passing its answer on.
func Drop() Action {
	return Action{"drop", func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		Change(func(*http.Response) error { return errCut }).serve(w, r, p)
	}}
}

// Hold neither reads nor answers until the client leaves or the proxy is
// closed, and then resets the connection.
func Hold() Action {
	return Action{"hold", func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		select {
		case <-r.Context().Done(): // not noticed in the middle of a body
		case <-p.closed:
		}
		reset(w)
	}}
}

// First calls a function and goes on with an action.
func First(call func(), a Action) Action {
	return Action{a.Name, func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		call()
		a.serve(w, r, p)
	}}
}

// Change passes the request on and changes the server's answer. An error of
// change resets the connection.
func Change(change func(*http.Response) error) Action {
	return Action{"change", func(w http.ResponseWriter, r *http.Request, p *Proxy) {
		p.upstream.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), changeKey{}, change)))
	}}
}

// Location passes the request on and rewrites the Location of the answer.
func Location(rewrite func(string) string) Action {
	return Change(func(r *http.Response) error {
		if location := r.Header.Get("Location"); location != "" {
			r.Header.Set("Location", rewrite(location))
		}
		return nil
	})
}

// Named gives an action another name in the log.
func Named(name string, a Action) Action {
	a.Name = name
	return a
}

// Redirect sends the client to the same path and query on another server,
// given as scheme://host, without reading the request's body.
func Redirect(status int, base string) Action {
	return Action{fmt.Sprintf("redirect %d", status), func(w http.ResponseWriter, r *http.Request, _ *Proxy) {
		w.Header().Set("Location", base+r.URL.RequestURI())
		w.WriteHeader(status)
	}}
}
