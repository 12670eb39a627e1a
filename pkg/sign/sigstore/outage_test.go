package sigstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/internal/keyless"
)

// quick bounds retries so that tests end.
func quick() Retry { return Retry{Tries: 3, Within: 2 * time.Second} }

// services are those of the rig that signing asks.
func services(rig *keyless.Rig) map[string]*keyless.Server {
	return map[string]*keyless.Server{"fulcio": rig.Fulcio, "tsa": rig.TSA, "rekor": rig.Rekor}
}

func TestOutages(t *testing.T) {
	named := map[string]string{"fulcio": "the certificate authority", "tsa": "the timestamp authority", "rekor": "the transparency log"}
	for label := range named {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			rig := keyless.New(t)
			server := services(rig)[label]
			digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
			options := keylessOptions(rig, rig.Person("dev@example.com"))
			options.Services.Retry = quick()
			signer, err := NewSigner(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			try := func(deadline time.Duration) (time.Duration, error) {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				start := time.Now()
				_, err := signer.Sign(ctx, digest, nil)
				return time.Since(start), err
			}

			for _, status := range []int{500, 503, 429} {
				server.Fail(status, 2)
				if _, err := try(time.Minute); err != nil {
					t.Errorf("two answers of %d were not survived: %v", status, err)
				}
				server.Fail(status, 0)
				before := server.Served()
				_, err := try(time.Minute)
				wantError(t, "out", err, fmt.Sprintf("asking %s at %s", named[label], server.URL))
				wantError(t, "out", err, fmt.Sprintf("%d", status))
				if asked := server.Served() - before; asked != 3 {
					t.Errorf("%d: asked %d times, not 3", status, asked)
				}
				if len(hint.Of(err)) == 0 {
					t.Errorf("%d: no hint", status)
				}
			}

			server.Fail(400, 0)
			before := server.Served()
			_, err = try(time.Minute)
			wantError(t, "400", err, "400 Bad Request")
			if asked := server.Served() - before; asked != 1 {
				t.Errorf("400: asked %d times, not once", asked)
			}

			server.Hang()
			took, err := try(300 * time.Millisecond)
			if !errors.Is(err, context.DeadlineExceeded) || took > 2*time.Second {
				t.Errorf("a hang ended after %s with %v", took, err)
			}
			took, err = try(time.Minute)
			wantError(t, "hang", err, "no answer within 2s")
			if took > 5*time.Second {
				t.Errorf("a hang ended after %s", took)
			}

			server.Break()
			server.Drop() // did its work, and the answer got lost
			if _, err := try(time.Minute); err != nil {
				t.Errorf("a lost answer was not survived: %v", err)
			}

			server.Stop()
			_, err = try(time.Minute)
			wantError(t, "stopped", err, "refused")
		})
	}
}

// TestNothingWritten holds the order: what cannot be signed is not written.
func TestNothingWritten(t *testing.T) {
	rig := keyless.New(t)
	who := rig.Person("dev@example.com")
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	rig.Rekor.Fail(503, 0)
	options := keylessOptions(rig, who)
	options.Services.Retry = Retry{Tries: 1}
	signer, err := NewSigner(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), digest, examples()); err == nil {
		t.Fatal("it signed without a log")
	}
	verifier, err := NewVerifier(t.Context(), keylessTrust(rig, who), Registry{})
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := verifier.Verify(t.Context(), digest)
	if err != nil || len(evidence.Signatures)+len(evidence.Attestations)+len(evidence.Refused) != 0 {
		t.Errorf("something was written: %+v, %v", evidence, err)
	}
}

// TestRetryAfter waits as long as it is told, and not longer than it may.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		header string
		within time.Duration
		least  time.Duration
		asked  int32
	}{
		{"1", 10 * time.Second, time.Second, 2},
		{"3600", 2 * time.Second, 0, 1},
	} {
		var asked atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", c.header)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = fmt.Fprint(w, `{"value":"token"}`)
		}))
		defer s.Close()
		start := time.Now()
		_, err := GitHub{URL: s.URL, Request: NewSecret("x"), Retry: Retry{Within: c.within}}.Token(t.Context())
		if took := time.Since(start); took < c.least || took > c.within+time.Second {
			t.Errorf("Retry-After %s: took %s", c.header, took)
		}
		if (err == nil) != (c.asked == 2) || asked.Load() != c.asked {
			t.Errorf("Retry-After %s: asked %d times, %v", c.header, asked.Load(), err)
		}
	}
}

func TestTokens(t *testing.T) {
	const bearer = "very-secret-bearer"
	answers := map[string]struct {
		handler http.HandlerFunc
		want    string // in the error; "" for none
	}{
		"fine": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("audience") != Audience || r.URL.Query().Get("v") != "2" || r.Header.Get("Authorization") != "bearer "+bearer {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = fmt.Fprint(w, `{"value":"the-token"}`)
		}, ""},
		"500": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			_, _ = fmt.Fprintf(w, "you sent %s", r.Header.Get("Authorization"))
		}, "it answered 500 Internal Server Error: you sent bearer [secret] (tried 3 times)"},
		"403":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "it answered 403 Forbidden"},
		"empty":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, `{"value":""}`) }, "its answer holds no token"},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, "its answer is not JSON"},
		"html":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") }, "its answer is not JSON"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, strings.Repeat(" ", maxServiceAnswer+1))
		}, "larger than"},
		"hang": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 2s"},
	}
	for label, c := range answers {
		t.Run(label, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			at := strings.Replace(s.URL, "http://", "http://user:hidden@", 1) + "/token?v=2"
			token, err := GitHub{URL: at, Request: NewSecret(bearer), Retry: quick()}.Token(t.Context())
			if c.want == "" {
				if err != nil || token.Reveal() != "the-token" {
					t.Errorf("got %v", err)
				}
				return
			}
			wantError(t, label, err, c.want)
			wantError(t, label, err, "asking the token endpoint at "+s.URL+"/token")
			for _, secret := range []string{bearer, "hidden", "user"} {
				if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
		})
	}
	_, err := GitHub{}.Token(t.Context())
	wantError(t, "not on GitHub", err, "is not set")
	_, err = Token{From: "SIGSTORE_ID_TOKEN"}.Token(t.Context())
	wantError(t, "no token", err, "SIGSTORE_ID_TOKEN is empty")
}

// TestActionsToken signs as a job of GitHub that asks its runner.
func TestActionsToken(t *testing.T) {
	rig := keyless.New(t)
	who := rig.GitHub("acme/app", "release.yml", "refs/heads/main")
	env := rig.ActionsEnv(who)
	options := keylessOptions(rig, who)
	options.Token = GitHub{URL: env["ACTIONS_ID_TOKEN_REQUEST_URL"], Request: NewSecret(env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])}
	signer, err := NewSigner(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	written, err := signer.Sign(t.Context(), pushImage(t, serveHTTP(t, inMemory(true)), "acme/app"), nil)
	if err != nil || written.By.Subject != who.Subject {
		t.Errorf("signed by %s, %v", written.By, err)
	}
}

// TestRegistryOutage holds both sides to the context.
func TestRegistryOutage(t *testing.T) {
	folder := keyFiles(t, "secret")
	hang := serveHTTP(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	digest, err := name.NewDigest(hang + "/acme/app@sha256:" + strings.Repeat("a", 64))
	if err != nil {
		t.Fatal(err)
	}
	signer, verifier := keySigner(t, folder), keyVerifier(t, folder)
	for label, run := range map[string]func(context.Context) error{
		"sign":   func(ctx context.Context) error { _, err := signer.Sign(ctx, digest, nil); return err },
		"verify": func(ctx context.Context) error { _, err := verifier.Verify(ctx, digest); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		start := time.Now()
		err := run(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 3*time.Second {
			t.Errorf("%s: ended after %s with %v", label, time.Since(start), err)
		}
		cancel()
	}
}
