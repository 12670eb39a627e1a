package faultproxy

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// echo is a server that remembers the bodies it read and answers with a Location.
type echo struct {
	mu     sync.Mutex
	bodies []int
	errs   int
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	e.mu.Lock()
	e.bodies = append(e.bodies, len(body))
	if err != nil {
		e.errs++
	}
	e.mu.Unlock()
	w.Header().Set("Location", "http://"+r.Host+"/next")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, "echo")
}

func (e *echo) seen() ([]int, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.bodies), e.errs
}

func start(t *testing.T, seed uint64, rules ...Rule) (*echo, *Proxy, string) {
	t.Helper()
	e := &echo{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := New(target, seed, rules...)
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	t.Cleanup(p.Close)
	return e, p, front.URL
}

func ask(t *testing.T, method, address string, size int) (*http.Response, string, error) {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // nothing is tried again behind our back
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Second,
	}
	req, err := http.NewRequest(method, address, bytes.NewReader(make([]byte, size)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

func TestPassThrough(t *testing.T) {
	e, p, base := start(t, 1, Rule{Method: "PUT", Do: Drop()})
	res, body, err := ask(t, "POST", base+"/a?b=c", 10)
	if err != nil || res.StatusCode != http.StatusAccepted || body != "echo" {
		t.Fatalf("%v, %q, %v", res, body, err)
	}
	if want := base + "/next"; res.Header.Get("Location") != want {
		t.Errorf("Location = %q, want %q: the server was told its own host", res.Header.Get("Location"), want)
	}
	log := p.Log()
	if len(log) != 1 || log[0].URI != "/a?b=c" || log[0].Length != 10 || log[0].Fault != "" || p.Faults() != 0 {
		t.Errorf("log = %+v", log)
	}
	if bodies, _ := e.seen(); !slices.Equal(bodies, []int{10}) {
		t.Errorf("the server read %v", bodies)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		do       Action
		status   int
		header   string // Retry-After or Location
		body     string
		upstream bool
	}{
		{Answer(503, "later", "Retry-After", "7"), 503, "7", "later", false},
		{Swallow(416, "too large"), 416, "", "too large", false},
		{Redirect(307, "http://other.example"), 307, "http://other.example/x?y=z", "", false},
		{Location(func(l string) string { return strings.TrimPrefix(l, "http://") }), 202, "/next", "echo", true},
		{Change(func(r *http.Response) error { r.StatusCode = 201; return nil }), 201, "/next", "echo", true},
	} {
		e, p, base := start(t, 1, Rule{Do: c.do})
		res, body, err := ask(t, "PATCH", base+"/x?y=z", 100)
		if err != nil {
			t.Errorf("%v: %v", c.do, err)
			continue
		}
		header := res.Header.Get("Retry-After") + res.Header.Get("Location")
		if res.StatusCode != c.status || body != c.body || !strings.HasSuffix(header, c.header) {
			t.Errorf("%v: %d %q %q", c.do, res.StatusCode, header, body)
		}
		if bodies, _ := e.seen(); len(bodies) > 0 != c.upstream {
			t.Errorf("%v: the server read %v", c.do, bodies)
		}
		if p.Faults() != 1 || p.Log()[0].Fault != c.do.Name {
			t.Errorf("%v: log = %+v", c.do, p.Log())
		}
	}
}

func TestBrokenConnections(t *testing.T) {
	const size = 8 << 20 // more than the buffers between client and server hold
	for _, c := range []struct {
		do   Action
		read int // by the server, -1 for not asked
	}{
		{Cut(0), -1},
		{Cut(1 << 20), 1 << 20},
		{Drop(), size},
	} {
		e, _, base := start(t, 1, Rule{Do: c.do})
		_, _, err := ask(t, "PATCH", base, size)
		if err == nil {
			t.Errorf("%v: no error", c.do)
		}
		deadline := time.Now().Add(5 * time.Second)
		for {
			bodies, _ := e.seen()
			if c.read < 0 && len(bodies) == 0 || len(bodies) == 1 && bodies[0] <= c.read && bodies[0] > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v: the server read %v, want %d", c.do, bodies, c.read)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestHold(t *testing.T) {
	_, p, base := start(t, 1, Rule{Do: Hold()})
	ended := make(chan error, 1)
	go func() {
		_, _, err := ask(t, "GET", base, 0)
		ended <- err
	}()
	for len(p.Log()) == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-ended:
		t.Fatalf("answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	p.Close() // the cleanup does it again
	if err := <-ended; err == nil {
		t.Error("no error")
	}
}

func TestRulesChoose(t *testing.T) {
	_, p, base := start(t, 1,
		Rule{Method: "GET", Path: regexp.MustCompile(`^/a.*z$`), Nth: 2, Do: Named("second", Answer(500, ""))},
		Rule{Path: regexp.MustCompile(`^/b`), Do: Named("all", Answer(501, ""))},
	)
	for _, path := range []string{"/a?z", "/a?y", "/a?z", "/a?z", "/b", "/b"} {
		if _, _, err := ask(t, "GET", base+path, 0); err != nil {
			t.Fatal(err)
		}
	}
	var faults []string
	for _, e := range p.Log() {
		faults = append(faults, e.Fault)
	}
	if want := []string{"", "", "second", "", "all", "all"}; !slices.Equal(faults, want) {
		t.Errorf("faults = %q, want %q", faults, want)
	}
}

func TestChanceFollowsTheSeed(t *testing.T) {
	run := func(seed uint64) (faults []bool) {
		_, p, base := start(t, seed, Rule{Chance: 0.5, Do: Answer(500, "")})
		for range 40 {
			if _, _, err := ask(t, "GET", base, 0); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range p.Log() {
			faults = append(faults, e.Fault != "")
		}
		return faults
	}
	first := run(7)
	if !slices.Equal(first, run(7)) {
		t.Error("one seed, two outcomes")
	}
	if slices.Equal(first, run(8)) {
		t.Error("two seeds, one outcome")
	}
}
