package publish

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	fault "github.com/org/ai-ship/pkg/internal/faultproxy"
)

// canary is a keychain whose password must not turn up elsewhere.
type canary struct{}

func (canary) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "acme", Password: "canary"}, nil
}

func redirect(base string) fault.Action {
	return fault.Named("redirect", fault.Redirect(http.StatusTemporaryRedirect, base))
}

// gate asks for bearer tokens before a registry, as its own token server.
type gate struct {
	registry http.Handler

	mu     sync.Mutex
	issued int
	uses   int // left of the newest token
	limit  int // uses of a token
	body   bool
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	if r.URL.Path == "/token" {
		defer g.mu.Unlock()
		if _, password, _ := r.BasicAuth(); password != "canary" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		g.issued++
		g.uses = g.limit
		_, _ = fmt.Fprintf(w, `{"token":"t%d"}`, g.issued)
		return
	}
	ok := r.Header.Get("Authorization") == fmt.Sprintf("Bearer t%d", g.issued) && g.uses > 0
	if ok {
		g.uses--
	}
	g.mu.Unlock()
	if !ok {
		if g.body {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x",scope="repository:acme/digits:push,pull"`, r.Host))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.registry.ServeHTTP(w, r)
}

// TestPushSurvivesTokensThatExpire uses tokens up after a few requests, so
// that it also happens in front of, and after, the body of a PATCH.
func TestPushSurvivesTokensThatExpire(t *testing.T) {
	for _, limit := range []int{2, 3, 5} {
		for _, body := range []bool{false, true} {
			t.Run(fmt.Sprint(limit, body), func(t *testing.T) {
				t.Parallel()
				g := &gate{registry: newOlareg(t), limit: limit, body: body}
				front := httptest.NewServer(g)
				defer front.Close()
				r := quick()
				r.Keychain, r.Jobs = canary{}, 1
				r.Retry.Attempts = 20
				view := newView(1, 3*mib)
				img := image(t, view, newView(2, 100<<10).known(t))
				if _, err := r.Push(t.Context(), repository(t, front.URL, "acme/digits"), img); err != nil {
					t.Fatal(err)
				}
				open := httptest.NewServer(g.registry)
				defer open.Close()
				pull(t, repository(t, open.URL, "acme/digits"), digestOf(t, img))
				if g.issued < 2 {
					t.Errorf("%d tokens were issued", g.issued)
				}
			})
		}
	}
}

func TestPushWithoutTheRightPassword(t *testing.T) {
	t.Parallel()
	front := httptest.NewServer(&gate{registry: newOlareg(t), limit: 9})
	defer front.Close()
	_, err := quick().Push(t.Context(), repository(t, front.URL, "acme/digits"), image(t))
	if !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "logging in to") {
		t.Fatalf("error = %v, want ErrDenied", err)
	}
	wantHint(t, err, "log in with: docker login "+strings.TrimPrefix(front.URL, "http://"))
}

type brokenKeychain struct{}

func (brokenKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, errors.New("helper crashed")
}

func TestPushWithABrokenKeychain(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t))
	r := quick()
	r.Keychain = brokenKeychain{}
	_, err := r.Push(t.Context(), s.repo, image(t))
	if err == nil || !strings.Contains(err.Error(), "finding credentials for") || len(s.proxy.Log()) != 0 {
		t.Errorf("error = %v after %d requests", err, len(s.proxy.Log()))
	}
}
