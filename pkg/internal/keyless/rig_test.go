package keyless_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/org/ai-ship/pkg/internal/keyless"
)

func trustedRoot(t *testing.T, r *keyless.Rig) *root.TrustedRoot {
	t.Helper()
	tr, err := root.NewTrustedRootFromJSON(r.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func signed(t *testing.T, r *keyless.Rig, token string) (*protobundle.Bundle, error) {
	t.Helper()
	return signedWith(t, r, token, r.Rekor.URL)
}

func signedWith(t *testing.T, r *keyless.Rig, token, log string) (*protobundle.Bundle, error) {
	t.Helper()
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	statement := []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"` + strings.Repeat("0", 64) + `"}}],"predicateType":"https://example.com/p/v1","predicate":{}}`)
	return sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: "application/vnd.in-toto+json"}, pair, sign.BundleOptions{
		Context:                    t.Context(),
		TrustedRoot:                trustedRoot(t, r),
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: r.Fulcio.URL, Timeout: 5 * time.Second}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: token},
		TimestampAuthorities:       []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: r.TSA.URL, Timeout: 5 * time.Second})},
		TransparencyLogs:           []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: log, Version: 2})},
	})
}

func check(t *testing.T, r *keyless.Rig, b *protobundle.Bundle, w keyless.Workload, options ...verify.VerifierOption) error {
	t.Helper()
	v, err := verify.NewVerifier(trustedRoot(t, r), append(options, verify.WithTransparencyLog(1), verify.WithSignedCertificateTimestamps(1))...)
	if err != nil {
		t.Fatal(err)
	}
	id, err := verify.NewShortCertificateIdentity(w.Issuer, "", w.Subject, "")
	if err != nil {
		t.Fatal(err)
	}
	entity, err := bundle.NewBundle(b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(entity, verify.NewPolicy(verify.WithArtifactDigest("sha256", make([]byte, 32)), verify.WithCertificateIdentity(id)))
	return err
}

// TestOffline signs as each kind of workload, an hour ago by the rig's clock,
// and verifies with every service stopped.
func TestOffline(t *testing.T) {
	r := keyless.New(t)
	fresh, err := signed(t, r, r.Token(r.Person("dev@acme.example")))
	if err != nil {
		t.Fatal(err)
	}
	if err := check(t, r, fresh, r.Person("dev@acme.example"), verify.WithCurrentTime()); err != nil {
		t.Errorf("a fresh certificate at the present time: %v", err)
	}
	r.Shift(-time.Hour)
	workloads := []keyless.Workload{
		r.GitHub("acme/app", "release.yml", "refs/heads/main"),
		r.GitLab("acme/app", "main"),
		r.Person("dev@acme.example"),
	}
	var bundles []*protobundle.Bundle
	for _, w := range workloads {
		b, err := signed(t, r, r.Token(w))
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	if proof := bundles[2].VerificationMaterial.TlogEntries[0].InclusionProof; proof.TreeSize != 4 || len(proof.Hashes) != 2 {
		t.Errorf("the fourth entry is proven by %d hashes in a tree of %d; want 2 in 4", len(proof.Hashes), proof.TreeSize)
	}
	r.Stop()
	if _, err := http.Get(r.Fulcio.URL + "/api/v2/trustBundle"); err == nil {
		t.Error("Fulcio answers after Stop")
	}
	for i, b := range bundles {
		if err := check(t, r, b, workloads[i], verify.WithSignedTimestamps(1)); err != nil {
			t.Errorf("%s: %v", workloads[i].Subject, err)
		}
		if err := check(t, r, b, workloads[(i+1)%len(workloads)], verify.WithSignedTimestamps(1)); err == nil {
			t.Errorf("%s is taken for another workload", workloads[i].Subject)
		}
		if err := check(t, r, b, workloads[i], verify.WithCurrentTime()); err == nil || !strings.Contains(err.Error(), "leaf certificate") {
			t.Errorf("an hour-old certificate at the present time: %v; want its leaf to be refused", err)
		}
		if err := check(t, keyless.New(t), b, workloads[i], verify.WithSignedTimestamps(1)); err == nil {
			t.Error("another rig's root vouches for it")
		}
	}
}

func TestRefusals(t *testing.T) {
	r := keyless.New(t)
	w := r.GitHub("acme/app", "release.yml", "refs/heads/main")
	token := r.Token(w)
	middle := strings.IndexByte(token, '.') + 20
	for name, token := range map[string]string{
		"no token":         "",
		"tampered token":   token[:middle] + "AAAA" + token[middle+4:],
		"another issuer":   keyless.New(t).Token(w),
		"unknown issuer":   r.Token(keyless.Workload{Issuer: r.Issuer.URL + "/other", Claims: w.Claims}),
		"claims too few":   r.Token(keyless.Workload{Issuer: w.Issuer, Claims: map[string]any{"sub": "a"}}),
		"GitLab as GitHub": r.Token(keyless.Workload{Issuer: r.GitLab("acme/app", "main").Issuer, Claims: w.Claims}),
	} {
		if _, err := signed(t, r, token); err == nil {
			t.Errorf("%s: Fulcio issued a certificate", name)
		}
	}
	r.OmitSCT(true)
	b, err := signed(t, r, token)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(t, r, b, w, verify.WithSignedTimestamps(1)); err == nil {
		t.Error("a certificate that is in no log passes")
	}
}

// TestConflict drops the log's answer and asks again, as a client does that
// does not know what became of its entry.
func TestConflict(t *testing.T) {
	r := keyless.New(t)
	var entry []byte
	log := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		entry, _ = io.ReadAll(q.Body)
		http.Error(w, "taken down", http.StatusTeapot)
	}))
	defer log.Close()
	if _, err := signedWith(t, r, r.Token(r.Person("dev@acme.example")), log.URL); err == nil {
		t.Fatal("signed without a log")
	}
	post := func() (int, string, error) {
		p, err := http.Post(r.Rekor.URL+"/api/v2/log/entries", "application/json", bytes.NewReader(entry))
		if err != nil {
			return 0, "", err
		}
		defer p.Body.Close()
		body, err := io.ReadAll(p.Body)
		return p.StatusCode, string(body), err
	}
	r.Rekor.Drop()
	if status, _, err := post(); err == nil {
		t.Fatalf("the dropped answer arrived: %d", status)
	}
	if status, body, err := post(); status != http.StatusConflict || !strings.Contains(body, "with index 0") {
		t.Errorf("the same entry again: %d %q %v; want a conflict with index 0", status, body, err)
	}
	entry = bytes.Replace(entry, []byte(`"content":"`), []byte(`"content":"AAAA`), 1)
	if status, body, _ := post(); status != http.StatusBadRequest {
		t.Errorf("an entry whose signature does not verify: %d %q", status, body)
	}
}

func TestActions(t *testing.T) {
	r := keyless.New(t)
	env := r.ActionsEnv(r.GitHub("acme/app", "release.yml", "refs/heads/main"))
	ask := func(bearer, audience string) (int, string) {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["ACTIONS_ID_TOKEN_REQUEST_URL"]+"&audience="+audience, nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "bearer "+bearer)
		p, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Body.Close()
		var answer struct{ Value string }
		_ = json.NewDecoder(p.Body).Decode(&answer)
		return p.StatusCode, answer.Value
	}
	if status, token := ask("wrong", "sigstore"); status != http.StatusUnauthorized || token != "" {
		t.Errorf("a wrong bearer: %d, token %q", status, token)
	}
	_, token := ask(env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], keyless.Audience)
	if _, err := signed(t, r, token); err != nil {
		t.Error(err)
	}
	_, token = ask(env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], "other")
	if _, err := signed(t, r, token); err == nil {
		t.Error("Fulcio took a token for another audience")
	}
}

func TestFaults(t *testing.T) {
	r := keyless.New(t)
	get := func(ctx context.Context) (int, error) {
		q, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.Fulcio.URL+"/api/v2/trustBundle", nil)
		p, err := http.DefaultClient.Do(q)
		if err != nil {
			return 0, err
		}
		return p.StatusCode, p.Body.Close()
	}
	r.Fulcio.Fail(http.StatusServiceUnavailable, 2)
	for i, want := range []int{503, 503, 200} {
		if status, err := get(t.Context()); status != want {
			t.Errorf("request %d: %d (%v), want %d", i, status, err, want)
		}
	}
	r.Fulcio.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if status, err := get(ctx); err == nil {
		t.Errorf("a hanging service answers %d", status)
	}
	r.Fulcio.Drop()
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, r.Fulcio.URL+"/api/v2/signingCert", strings.NewReader("{}"))
	if _, err := http.DefaultClient.Do(q); err == nil {
		t.Error("the dropped answer arrived")
	}
	r.Fulcio.Break()
	if status, err := get(t.Context()); status != 200 {
		t.Errorf("healed: %d (%v)", status, err)
	}
	if r.Fulcio.Served() < 6 {
		t.Errorf("served %d requests", r.Fulcio.Served())
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		keyless.New(b).Stop()
	}
}
