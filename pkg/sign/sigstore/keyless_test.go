package sigstore

import (
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/internal/keyless"
)

// keylessOptions sign as the workload with the rig's services.
func keylessOptions(rig *keyless.Rig, who keyless.Workload) Options {
	return Options{
		Token:    Token{Value: NewSecret(rig.Token(who)), From: "SIGSTORE_ID_TOKEN"},
		Services: Services{Fulcio: rig.Fulcio.URL, Rekor: rig.Rekor.URL, RekorVersion: 2, Timestamps: rig.TSA.URL, Root: rig.TrustedRoot()},
	}
}

func keylessTrust(rig *keyless.Rig, who keyless.Workload) Trust {
	return Trust{Identity: who.Subject, Issuer: who.Issuer, Root: rig.TrustedRoot(), Offline: true}
}

// TestKeyless signs as people and jobs do, and verifies when every service is
// gone and the certificate has expired.
func TestKeyless(t *testing.T) {
	rig := keyless.New(t)
	rig.Shift(-time.Hour) // certificates last ten minutes
	for label, who := range map[string]keyless.Workload{
		"github": rig.GitHub("acme/app", "release.yml", "refs/heads/main"),
		"gitlab": rig.GitLab("acme/app", "main"),
		"person": rig.Person("dev@example.com"),
	} {
		for kind, serve := range kinds() {
			t.Run(label+"/"+kind, func(t *testing.T) {
				digest := pushImage(t, serve(t), "acme/app")
				signer, err := NewSigner(t.Context(), keylessOptions(rig, who))
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				written, err := signer.Sign(t.Context(), digest, examples())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("signed in %s", time.Since(start))
				if written.By.Subject != who.Subject || written.By.Issuer != who.Issuer || written.Signature.Log == "" {
					t.Errorf("written is %+v", written)
				}
				verifier, err := NewVerifier(t.Context(), keylessTrust(rig, who), Registry{})
				if err != nil {
					t.Fatal(err)
				}
				evidence, err := verifier.Verify(t.Context(), digest)
				if err != nil {
					t.Fatal(err)
				}
				if len(evidence.Refused) != 0 || len(evidence.Signatures) != 1 || len(evidence.Attestations) != 2 {
					t.Fatalf("found %+v", evidence)
				}
				got := evidence.Signatures[0]
				if got.By != written.By || got.Log != written.Signature.Log || time.Since(got.At) < 50*time.Minute || time.Since(got.At) > 70*time.Minute {
					t.Errorf("the signature is %+v, written was %+v", got, written)
				}
			})
		}
	}
}

// TestKeylessLegacy signs into cosign's tags: with the timestamp authority's
// word alone, since entries of a log of version 2 do not fit there.
func TestKeylessLegacy(t *testing.T) {
	rig := keyless.New(t)
	who := rig.GitHub("acme/app", "release.yml", "refs/heads/main")
	digest := pushImage(t, serveEmbedded(t), "acme/app")
	options := keylessOptions(rig, who)
	options.Format, options.Services.Rekor = Both, ""
	signer, err := NewSigner(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), digest, examples()); err != nil {
		t.Fatal(err)
	}
	rig.Stop()
	for demand, want := range map[LogDemand]int{LogNotRequired: 2, LogByRoot: 0, LogRequired: 0} {
		trust := keylessTrust(rig, who)
		trust.Log = demand
		verifier, err := NewVerifier(t.Context(), trust, Registry{})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := verifier.Verify(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if len(evidence.Signatures) != want || len(evidence.Attestations) != 2*want || len(evidence.Refused) != 6-3*want {
			t.Errorf("with demand %d found %+v", demand, evidence)
		}
	}
}
