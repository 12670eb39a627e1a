package sigstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
)

// paged serves the referrers API one entry a page. link writes the Link header
// of the next page.
func paged(store http.Handler, link func(r *http.Request, next int) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			store.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		store.ServeHTTP(recorded, r)
		var index v1.IndexManifest
		if err := json.Unmarshal(recorded.Body.Bytes(), &index); err != nil || recorded.Code != http.StatusOK {
			w.WriteHeader(recorded.Code)
			return
		}
		slices.SortFunc(index.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.Hex, b.Digest.Hex) })
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		w.Header().Set("Content-Type", string(types.OCIImageIndex)+"; charset=utf-8")
		if page+1 < len(index.Manifests) {
			w.Header().Add("Link", link(r, page+1))
		}
		index.Manifests = index.Manifests[min(page, len(index.Manifests)):min(page+1, len(index.Manifests))]
		_ = json.NewEncoder(w).Encode(index)
	})
}

func TestPages(t *testing.T) {
	folder := keyFiles(t, "secret")
	var stranger atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stranger.Add(1) }))
	defer other.Close()
	for label, c := range map[string]struct {
		link func(r *http.Request, next int) string
		want string // in the error
	}{
		"relative": {func(r *http.Request, next int) string {
			return fmt.Sprintf(`<%s?page=%d>; rel="next"`, r.URL.Path, next)
		}, ""},
		"absolute": {func(r *http.Request, next int) string {
			return fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, next)
		}, ""},
		"elsewhere": {func(*http.Request, int) string { return fmt.Sprintf(`<%s/x>; rel="next"`, other.URL) }, "refusing to follow its Link header"},
		"forever":   {func(r *http.Request, _ int) string { return fmt.Sprintf(`<%s?page=0>; rel="next"`, r.URL.Path) }, "found more than"},
	} {
		t.Run(label, func(t *testing.T) {
			store := inMemory(true)
			plainHost, pagedHost := serveHTTP(t, store), serveHTTP(t, paged(store, c.link))
			digest := pushImage(t, plainHost, "acme/app")
			if _, err := keySigner(t, folder).Sign(t.Context(), digest, examples()); err != nil {
				t.Fatal(err)
			}
			there, err := nameDigest(pagedHost+"/acme/app", []byte(digest.DigestStr()[len("sha256:"):]))
			if err != nil {
				t.Fatal(err)
			}
			evidence, err := keyVerifier(t, folder, func(t *Trust) { t.AnyRepository = true }).Verify(t.Context(), there)
			if c.want != "" {
				wantError(t, label, err, c.want)
				return
			}
			if err != nil || len(evidence.Signatures) != 1 || len(evidence.Attestations) != 2 {
				t.Errorf("found %+v, %v", evidence, err)
			}
		})
	}
	if stranger.Load() != 0 {
		t.Error("a page was asked of another host")
	}
}

// TestRegistryAnswers holds that what cannot be read is an error, and that what
// is not there is none.
func TestRegistryAnswers(t *testing.T) {
	folder := keyFiles(t, "secret")
	store := inMemory(true)
	digest := pushImage(t, serveHTTP(t, store), "acme/app")
	answer := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}
	}
	oci := string(types.OCIImageIndex)
	for label, c := range map[string]struct {
		path string // the answer to which is changed
		do   func(http.ResponseWriter)
		want string
	}{
		"unauthorized":      {"/referrers/", answer(401, "", ""), "401"},
		"forbidden":         {"/referrers/", answer(403, "", ""), "403"},
		"no index":          {"/referrers/", answer(200, oci, "{"), "it is no OCI index"},
		"another schema":    {"/referrers/", answer(200, oci, `{"schemaVersion":1}`), "schemaVersion is 1"},
		"a page for people": {"/referrers/", answer(200, "text/html", "<html>"), ""},
		"no such API":       {"/referrers/", answer(404, "", ""), ""},
		"too large":         {"/referrers/", answer(200, oci, strings.Repeat(" ", maxList+1)), "larger than"},
		"redirect":          {"/referrers/", func(w http.ResponseWriter) { w.Header().Set("Location", "http://127.0.0.2/"); w.WriteHeader(302) }, "refusing to follow"},
		"no .sig":           {".sig", answer(404, "", ""), ""},
		"broken .sig":       {".sig", answer(200, "", "{"), "it is no manifest"},
		"forbidden .att":    {".att", answer(403, "", ""), "403"},
	} {
		t.Run(label, func(t *testing.T) {
			host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, c.path) {
					c.do(w)
					return
				}
				store.ServeHTTP(w, r)
			}))
			there, err := nameDigest(host+"/acme/app", []byte(digest.DigestStr()[len("sha256:"):]))
			if err != nil {
				t.Fatal(err)
			}
			evidence, err := keyVerifier(t, folder).Verify(t.Context(), there)
			if c.want == "" {
				if err != nil || len(evidence.Signatures) != 0 {
					t.Errorf("found %+v, %v", evidence, err)
				}
				return
			}
			wantError(t, label, err, c.want)
			if strings.HasPrefix(c.want, "40") && len(hint.Of(err)) == 0 {
				t.Error("no hint")
			}
		})
	}
}

// TestCredentials logs in for reading and writing, with a token, as most
// registries want it.
func TestCredentials(t *testing.T) {
	folder := keyFiles(t, "secret")
	store := inMemory(true)
	digest := pushImage(t, serveHTTP(t, store), "acme/app")
	var scopes atomic.Value
	scopes.Store("")
	host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			user, password, _ := r.BasicAuth()
			if user != "ci" || password != "registry-password" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			scopes.Store(r.URL.Query().Get("scope"))
			_, _ = fmt.Fprint(w, `{"token":"registry-token"}`)
			return
		}
		if r.Header.Get("Authorization") != "Bearer registry-token" {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		store.ServeHTTP(w, r)
	}))
	there, err := nameDigest(host+"/acme/app", []byte(digest.DigestStr()[len("sha256:"):]))
	if err != nil {
		t.Fatal(err)
	}
	known := Registry{Keychain: keychain{"ci", "registry-password"}}
	signer := keySigner(t, folder, func(o *Options) { o.Registry, o.Format = known, Both })
	if _, err := signer.Sign(t.Context(), there, examples()); err != nil {
		t.Fatal(err)
	}
	if got := scopes.Load(); got != "repository:acme/app:push,pull" {
		t.Errorf("asked for scope %q", got)
	}
	v, err := NewVerifier(t.Context(), Trust{Key: &Key{Ref: "cosign.pub", Folder: folder}}, known)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := v.Verify(t.Context(), there)
	if err != nil || len(evidence.Signatures) != 2 {
		t.Errorf("found %+v, %v", evidence, err)
	}
	if got := scopes.Load(); got != "repository:acme/app:pull" {
		t.Errorf("asked for scope %q", got)
	}
	_, err = keySigner(t, folder).Sign(t.Context(), there, nil)
	wantError(t, "anonymous", err, "403")
	if strings.Contains(fmt.Sprint(err), "registry-password") {
		t.Errorf("the error tells the password: %v", err)
	}
}

type keychain struct{ user, password string }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: k.user, Password: k.password}), nil
}

// TestLost has a registry that takes everything and lists nothing.
func TestLost(t *testing.T) {
	t.Parallel() // it waits for the bound, about 12 s
	folder := keyFiles(t, "secret")
	store := inMemory(true)
	host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/referrers/") {
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_, _ = fmt.Fprint(w, `{"schemaVersion":2,"manifests":[]}`)
			return
		}
		store.ServeHTTP(w, r)
	}))
	digest := pushImage(t, host, "acme/app")
	ctx, cancel := contextOfTest()
	defer cancel()
	_, err := keySigner(t, folder).Sign(ctx, digest, nil)
	wantError(t, "lost", err, "could not be read back")
	if len(hint.Of(err)) == 0 {
		t.Error("no hint")
	}
}

func TestShown(t *testing.T) {
	at, err := url.Parse("https://user:password@host:1/path?token=x#y")
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(at); got != "https://host:1/path" {
		t.Errorf("shown as %q", got)
	}
	if err := errors.New("x"); plainly(err).Error() != "x" || plainly(nil) != nil {
		t.Error("plainly changed an error of ours")
	}
}

// TestScheme reaches a registry that is not on loopback, without TLS as its
// reference says, through the transport that it was given.
func TestScheme(t *testing.T) {
	folder := keyFiles(t, "secret")
	for _, referrers := range []bool{true, false} {
		loopback := serveHTTP(t, inMemory(referrers))
		pushed := pushImage(t, loopback, "acme/app")
		digest, err := name.NewDigest("registry.example.com/acme/app@"+pushed.DigestStr(), name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		away := Registry{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "registry.example.com:80" {
				return nil, fmt.Errorf("dialed %s", address)
			}
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, loopback)
		}}}
		signer := keySigner(t, folder, func(o *Options) { o.Registry, o.Format = away, Both })
		written, err := signer.Sign(t.Context(), digest, examples())
		if err != nil {
			t.Fatal(err)
		}
		verifiedAsWritten(t, Trust{Key: &Key{Ref: "cosign.pub", Folder: folder}}, away, digest, written, 2)
	}
}
