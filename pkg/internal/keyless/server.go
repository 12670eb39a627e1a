package keyless

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/org/ai-ship/pkg/internal/faultproxy"
)

// Server is one service of a rig.
type Server struct {
	URL string // of what clients ask

	served atomic.Int64
	front  *httptest.Server
	back   func() *url.URL // the service without its faults, started when first asked for
	stop   sync.Once

	mu    sync.Mutex
	proxy *faultproxy.Proxy // nil when the service is well
	ends  []func()
}

// serve starts a service; path is what follows its address in URL.
func serve(h http.Handler, path string) *Server {
	s := &Server{}
	s.back = sync.OnceValue(func() *url.URL {
		back := quiet(h)
		s.ends = append(s.ends, back.Close)
		u, err := url.Parse(back.URL)
		if err != nil {
			panic(err) // httptest made it
		}
		return u
	})
	s.front = quiet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		s.mu.Lock()
		proxy := s.proxy
		s.mu.Unlock()
		if proxy != nil {
			proxy.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	s.URL = s.front.URL + path
	return s
}

func quiet(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	return s
}

// Break puts the rules between clients and the service, in place of those
// before; none make it well again.
func (s *Server) Break(rules ...faultproxy.Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proxy != nil {
		s.proxy.Close()
		s.proxy = nil
	}
	if len(rules) > 0 {
		s.proxy = faultproxy.New(s.back(), 1, rules...)
	}
}

// Fail answers the next n requests with the status; 0 answers all of them so.
func (s *Server) Fail(status, n int) {
	answer := faultproxy.Answer(status, http.StatusText(status))
	if n == 0 {
		s.Break(faultproxy.Rule{Do: answer})
		return
	}
	var rules []faultproxy.Rule
	for i := 1; i <= n; i++ {
		// Each rule counts the requests that reach it, which are those that the ones before let pass.
		rules = append(rules, faultproxy.Rule{Nth: 1, Do: answer})
	}
	s.Break(rules...)
}

// Hang holds every request until its client leaves.
func (s *Server) Hang() { s.Break(faultproxy.Rule{Do: faultproxy.Hold()}) }

// Drop does the work of the next request and resets the connection in place of
// the answer.
func (s *Server) Drop() { s.Break(faultproxy.Rule{Nth: 1, Do: faultproxy.Drop()}) }

// Served is the number of requests so far, broken ones included.
func (s *Server) Served() int { return int(s.served.Load()) }

// Stop ends the service: connections are refused from then on.
func (s *Server) Stop() {
	if s == nil {
		return
	}
	s.stop.Do(func() {
		s.Break()
		s.front.CloseClientConnections()
		s.front.Close()
		for _, end := range s.ends {
			end()
		}
	})
}
