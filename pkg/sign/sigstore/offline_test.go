package sigstore_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/internal/keyless"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

// signs has the project's own signer sign a verdict about the scene's digest.
func (s *scene) signs(token sigstore.TokenSource) {
	s.t.Helper()
	signer, err := sigstore.NewSigner(s.t.Context(), sigstore.Options{Token: token, Services: sigstore.Services{
		Fulcio: s.rig.Fulcio.URL, Rekor: s.rig.Rekor.URL, RekorVersion: 2, Timestamps: s.rig.TSA.URL, Root: s.rig.TrustedRoot(),
	}})
	s.push(err)
	_, err = signer.Sign(s.t.Context(), s.digest, []sign.Statement{{PredicateType: verdict, Predicate: json.RawMessage(passed)}})
	s.push(err)
}

// proves verifies as the workload, with nothing at hand but the registry.
func (s *scene) proves(w keyless.Workload) (sign.Proof, error) {
	s.t.Helper()
	verifier, err := sigstore.NewVerifier(s.t.Context(), sigstore.Trust{
		Identity: w.Subject, Issuer: w.Issuer, Root: s.rig.TrustedRoot(), Offline: true,
	}, sigstore.Registry{Transport: only{s.t, s.host}})
	s.push(err)
	return sign.Prove(s.t.Context(), verifier, s.digest, demands())
}

// only is a transport to one host.
type only struct {
	t    *testing.T
	host string
}

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != o.host {
		o.t.Errorf("verifying asks %s", r.URL)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// token is a workload's, as its CI hands it out.
func (s *scene) token(w keyless.Workload) sigstore.TokenSource {
	if _, job := w.Claims["job_workflow_ref"]; job {
		env := s.rig.ActionsEnv(w)
		return sigstore.GitHub{URL: env["ACTIONS_ID_TOKEN_REQUEST_URL"], Request: sigstore.NewSecret(env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])}
	}
	return sigstore.Token{Value: sigstore.NewSecret(s.rig.Token(w)), From: "SIGSTORE_ID_TOKEN"}
}

func workloads(r *keyless.Rig) map[string]keyless.Workload {
	return map[string]keyless.Workload{
		"a GitHub job": r.GitHub("acme/app", "release.yml", "refs/heads/main"),
		"a GitLab job": r.GitLab("acme/app", "main"),
		"a person":     r.Person("dev@acme.example"),
	}
}

// TestServersStopped signs, stops the whole keyless world, and verifies.
func TestServersStopped(t *testing.T) {
	f := newForge(t)
	scenes := map[string]*scene{}
	for name, w := range workloads(f.rig) {
		scenes[name] = f.scene(t)
		scenes[name].signs(scenes[name].token(w))
	}
	served := map[string]int{}
	for name, server := range f.rig.Servers() {
		served[name] = server.Served()
	}
	f.rig.Stop()
	for name, w := range workloads(f.rig) {
		proof, err := scenes[name].proves(w)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		by := sign.Identity{Subject: w.Subject, Issuer: w.Issuer}
		for _, s := range proof.Evidence().Signatures {
			if s.By != by || s.Log == "" || time.Since(s.At) > time.Minute {
				t.Errorf("%s: signed by %s at %s, in log %q; want %s, now, in a log", name, s.By, s.At, s.Log, by)
			}
		}
	}
	for name, server := range f.rig.Servers() {
		if n := server.Served(); n != served[name] || n == 0 {
			t.Errorf("%s was asked %d times to sign and %d times to verify", name, served[name], n-served[name])
		}
	}
}

// TestCertificateExpired signs an hour ago, by the clock of all services. The
// certificate was good for ten minutes.
func TestCertificateExpired(t *testing.T) {
	f := newForge(t)
	f.rig.Shift(-time.Hour)
	s := f.scene(t)
	s.signs(s.token(f.trusted))
	proof, err := s.proves(f.trusted)
	if err != nil {
		t.Fatal(err)
	}
	for _, signature := range proof.Evidence().Signatures {
		if age := time.Since(signature.At); age < 59*time.Minute || age > 61*time.Minute {
			t.Errorf("it was signed %s ago, not an hour", age)
		}
	}
	// The same certificate with nobody to vouch for its time is in TestForgeries.
}
