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
	serve func(w http.ResponseWriter, r *http.Request, upstream http.Handler)
}

// Answer replies in the server's place, without reading the request's body.
// headers are name, value, name, value….
func Answer(status int, body string, headers ...string) Action {
	return Action{fmt.Sprintf("answer %d", status), func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
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
	return Action{fmt.Sprintf("swallow %d", status), func(w http.ResponseWriter, r *http.Request, upstream http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer.serve(w, r, upstream)
	}}
}

// Cut resets the connection after n bytes of the request's body have reached
// the server.
func Cut(n int64) Action {
	return Action{fmt.Sprintf("cut %d", n), func(w http.ResponseWriter, r *http.Request, upstream http.Handler) {
		if n == 0 {
			reset(w)
			return
		}
		r.Body = &cutBody{r.Body, n}
		upstream.ServeHTTP(w, r)
	}}
}

// Drop lets the server do its work and resets the connection instead of
// passing its answer on.
func Drop() Action {
	return Action{"drop", func(w http.ResponseWriter, r *http.Request, upstream http.Handler) {
		Change(func(*http.Response) error { return errCut }).serve(w, r, upstream)
	}}
}

// Hold neither reads nor answers until the client leaves or done is closed, and
// then resets the connection. A client that leaves in the middle of a body is
// not noticed, so done should end with the test.
func Hold(done <-chan struct{}) Action {
	return Action{"hold", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
		reset(w)
	}}
}

// Change passes the request on and changes the server's answer. An error of
// change resets the connection.
func Change(change func(*http.Response) error) Action {
	return Action{"change", func(w http.ResponseWriter, r *http.Request, upstream http.Handler) {
		upstream.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), changeKey{}, change)))
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
