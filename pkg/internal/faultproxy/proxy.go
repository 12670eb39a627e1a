package faultproxy

import (
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
)

// Rule breaks the requests that it matches.
type Rule struct {
	Method string         // "" matches every method
	Path   *regexp.Regexp // searched in path?query; nil matches all
	Nth    int            // only the nth match, from 1 on; 0: every one
	From   int            // not the matches before this one
	Chance float64        // of a match being broken, at random; 0: certain
	Do     Action
}

// Entry is one request as the proxy saw it.
type Entry struct {
	Method, Host, URI string
	Header            http.Header
	Length            int64  // Content-Length of the request
	Fault             string // name of the action, "" for none
}

// Proxy is an http.Handler in front of a server.
type Proxy struct {
	upstream *httputil.ReverseProxy
	closed   chan struct{}
	once     sync.Once

	mu     sync.Mutex
	rules  []Rule
	hits   []int
	random *rand.Rand
	log    []Entry
}

// New is a proxy to the server at target. The seed decides about rules with a
// chance: the same requests in the same order meet the same faults. The Host
// of requests is kept, so that servers that name themselves name the proxy.
func New(target *url.URL, seed uint64, rules ...Rule) *Proxy {
	p := &Proxy{rules: rules, hits: make([]int, len(rules)), random: rand.New(rand.NewPCG(seed, seed)), closed: make(chan struct{})}
	p.upstream = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if change, ok := r.Request.Context().Value(changeKey{}).(func(*http.Response) error); ok {
				return change(r)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	return p
}

// Close ends the requests that are being held. It must come before the end of
// the server that the proxy runs in, which waits for them, and may be repeated.
func (p *Proxy) Close() { p.once.Do(func() { close(p.closed) }) }

type changeKey struct{}

// Log is what has been asked so far.
func (p *Proxy) Log() []Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Entry(nil), p.log...)
}

// Faults is the number of requests that were broken.
func (p *Proxy) Faults() int {
	n := 0
	for _, e := range p.Log() {
		if e.Fault != "" {
			n++
		}
	}
	return n
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := p.decide(r)
	if action.serve == nil {
		p.upstream.ServeHTTP(w, r)
		return
	}
	action.serve(w, r, p)
}

// decide finds the first rule that breaks r, and logs.
func (p *Proxy) decide(r *http.Request) Action {
	p.mu.Lock()
	defer p.mu.Unlock()
	var action Action
	for i, rule := range p.rules {
		if rule.Method != "" && rule.Method != r.Method || rule.Path != nil && !rule.Path.MatchString(r.URL.RequestURI()) {
			continue
		}
		p.hits[i]++
		if rule.Nth != 0 && rule.Nth != p.hits[i] || p.hits[i] < rule.From || rule.Chance != 0 && p.random.Float64() >= rule.Chance {
			continue
		}
		action = rule.Do
		break
	}
	p.log = append(p.log, Entry{
		Method: r.Method, Host: r.Host, URI: r.URL.RequestURI(),
		Header: r.Header.Clone(), Length: r.ContentLength, Fault: action.Name,
	})
	return action
}

// reset ends the client's connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

var errCut = errors.New("cut by the fault proxy")

// cutBody passes on left bytes and then fails.
type cutBody struct {
	io.ReadCloser
	left int64
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errCut
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func (a Action) String() string { return fmt.Sprintf("fault %q", a.Name) }
