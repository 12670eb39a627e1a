package sigstore_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

// trust is whom a case's verifier trusts.
type trust int

const (
	byJob     trust = iota // a GitHub job, with all that the rig's root demands: log, stamp and SCT
	byKey                  // the forge's key, nothing more
	byLogged               // the key, in the log
	byPattern              // jobs of two workflows
	byStamp                // the job, and the log is not demanded
	byPerson               // an address of GitHub's issuer, which gives none
)

// pattern could be read as two, of which each lacks an end.
const pattern = `https://github\.com/acme/app/\.github/workflows/nightly\.yml@refs/heads/main|https://github\.com/acme/app/\.github/workflows/release\.yml@refs/heads/main`

func (f *forge) verifier(t *testing.T, by trust) *sigstore.Verifier {
	t.Helper()
	var trust sigstore.Trust
	switch by {
	case byJob:
		trust = sigstore.Trust{Identity: f.trusted.Subject, Issuer: f.trusted.Issuer, Root: f.rig.TrustedRoot(), Offline: true}
	case byStamp:
		trust = sigstore.Trust{Identity: f.trusted.Subject, Issuer: f.trusted.Issuer, Root: f.rig.TrustedRoot(), Offline: true, Log: sigstore.LogNotRequired}
	case byPattern:
		trust = sigstore.Trust{IdentityPattern: pattern, Issuer: f.trusted.Issuer, Root: f.rig.TrustedRoot(), Offline: true}
	case byPerson:
		trust = sigstore.Trust{Identity: "dev@acme.example", Issuer: f.trusted.Issuer, Root: f.rig.TrustedRoot(), Offline: true}
	case byKey, byLogged:
		pem, err := f.pair.GetPublicKeyPem()
		if err != nil {
			t.Fatal(err)
		}
		trust = sigstore.Trust{KeyPEM: []byte(pem)}
		if by == byLogged {
			trust.Root, trust.Log = f.rig.TrustedRoot(), sigstore.LogRequired
		}
	}
	v, err := sigstore.NewVerifier(t.Context(), trust, sigstore.Registry{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// forgery is something that must not count.
type forgery struct {
	name  string
	trust trust
	plant func(s *scene)
	// want is in the error of sign.Prove.
	want string
	// signed and attested are what counts all the same: the forgery is only of
	// the other one, or the verdict is no good.
	signed, attested bool
	// unknown: the verifier itself fails, and nothing is known.
	unknown bool
}

// watched keeps what its verifier found.
type watched struct {
	sign.Verifier
	found sign.Evidence
}

func (w *watched) Verify(ctx context.Context, digest name.Digest) (sign.Evidence, error) {
	found, err := w.Verifier.Verify(ctx, digest)
	w.found = found
	return found, err
}

func (w *watched) attested() bool {
	return slices.ContainsFunc(w.found.Attestations, func(a sign.Attestation) bool { return a.PredicateType == verdict })
}

// TestForgeries plants every forgery beside an image of its own. None may make
// a proof, and each must be refused for its own reason.
func TestForgeries(t *testing.T) {
	f := newForge(t)
	cases := slices.Concat(signers(), witnesses(), payloads(), texts(), shelves(), tags())
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			s := f.scene(t)
			c.plant(s)
			verifier := &watched{Verifier: f.verifier(t, c.trust)}
			proof, err := sign.Prove(t.Context(), verifier, s.digest, demands())
			if subject, ok := proof.Subject(); ok || err == nil {
				t.Fatalf("accepted: %s, %s", subject, proof.Note())
			}
			if errors.Is(err, sign.ErrUnproven) == c.unknown || !strings.Contains(err.Error(), c.want) || c.want == "" {
				t.Errorf("refused with\n%v\nwant %q (unknown: %v)", err, c.want, c.unknown)
			}
			if signed := len(verifier.found.Signatures) > 0; signed != c.signed || verifier.attested() != c.attested {
				t.Errorf("signed: %v, attested: %v; want %v, %v", signed, verifier.attested(), c.signed, c.attested)
			}
			if text := strings.ReplaceAll(err.Error(), "\n", " "); len(text) > 4<<10 || plain.Text(text) != text {
				t.Errorf("the reasons, of %d bytes, are not plain: %.200q", len(text), text)
			}
		})
	}
	t.Logf("%d forgeries", len(cases))
	if len(cases) < 40 {
		t.Errorf("only %d forgeries", len(cases))
	}
}

// TestHonest is the control: the same plants, with nothing forged, make proofs.
func TestHonest(t *testing.T) {
	f := newForge(t)
	logged := func(s *scene) recipe { return recipe{keyed: true, logged: true} }
	for _, c := range []struct {
		name  string
		trust trust
		plant func(s *scene)
	}{
		{"a job", byJob, func(s *scene) { s.honest(recipe{}) }},
		{"a job by a pattern", byPattern, func(s *scene) { s.honest(recipe{}) }},
		{"an hour after the certificate's end", byJob, expired(func(s *scene) { s.honest(recipe{}) })},
		{"a key", byKey, func(s *scene) { s.honest(keyed) }},
		{"a key in the log", byLogged, sealed(logged)},
		{"changed by nothing", byKey, bundled(keyed, func(*scene, *protobundle.Bundle) {})},
		{"written as it is", byKey, written(keyed, func(b []byte) []byte { return b })},
		{"stated as it is", byKey, stated(keyed, func(_ *scene, text string) string { return text })},
		{"another key's name for the right key", byKey, bundled(keyed, func(s *scene, b *protobundle.Bundle) {
			// The name is not signed: only the signature says whose it is.
			b.VerificationMaterial.GetPublicKey().Hint = string(s.strange.GetHint())
		})},
		{"in-toto's older statement", byKey, stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(text, "Statement/v1", "Statement/v0.1", 1)
		})},
		{"among several subjects", byKey, stated(keyed, func(s *scene, text string) string {
			return strings.Replace(text, `"subject":[`, `"subject":[`+subjectOf("registry.example/other", "sha256", hexOf(s.platform))+",", 1)
		})},
		{"beside what strangers say", byJob, func(s *scene) {
			s.honest(recipe{})
			s.honest(recipe{keyed: true, pair: s.strange})
			s.attach([]byte("junk"), verdict)
		}},
		{"among 300 junk referrers", byKey, func(s *scene) {
			s.honestVerdict(keyed)
			s.junk(300)
			s.honestSignature(keyed)
		}},
		{"a job in a tag, an hour after the certificate's end", byStamp, expired(func(s *scene) {
			s.honestVerdict(recipe{noLog: true})
			s.legacy(".sig", s.certified(simple(s.digest, s.digest.Context().Name()), recipe{}))
		})},
		{"a job in both tags", byStamp, func(s *scene) {
			s.legacy(".att", s.certifiedAtt(s.statement(verdict, passed), recipe{}))
			s.legacy(".sig", s.certified(simple(s.digest, s.digest.Context().Name()), recipe{}))
		}},
		{"in tags", byKey, func(s *scene) {
			s.legacy(".att", s.att(s.pair, s.statement(verdict, passed), s.statement(verdict, passed)))
			s.legacy(".sig", s.sig(s.pair, simple(s.digest, s.digest.Context().Name()), simple(s.digest, s.digest.Context().Name())))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := f.scene(t)
			c.plant(s)
			proof, err := sign.Prove(t.Context(), f.verifier(t, c.trust), s.digest, demands())
			if subject, _ := proof.Subject(); err != nil || subject != s.digest {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// honest plants the verdict, then the signature.
func (s *scene) honest(r recipe) {
	s.honestVerdict(r)
	s.honestSignature(r)
}

func (s *scene) honestVerdict(r recipe) {
	s.attach(s.json(s.seal(s.statement(verdict, passed), r)), verdict)
}

func (s *scene) honestSignature(r recipe) {
	s.attach(s.json(s.seal(s.statement(sign.SignaturePredicate, "{}"), r)), sign.SignaturePredicate)
}

// both are the honest statements, predicates by their types.
var both = map[string]string{verdict: passed, sign.SignaturePredicate: "{}"}

// sealed plants both, sealed by the recipe.
func sealed(recipe func(s *scene) recipe) func(*scene) {
	return func(s *scene) { s.honest(recipe(s)) }
}

// bundled plants both after a change to their bundles.
func bundled(r recipe, change func(s *scene, b *protobundle.Bundle)) func(*scene) {
	return func(s *scene) {
		for predicateType, predicate := range both {
			b := s.seal(s.statement(predicateType, predicate), r)
			change(s, b)
			s.attach(s.json(b), predicateType)
		}
	}
}

// written plants both after a change to their JSON.
func written(r recipe, change func([]byte) []byte) func(*scene) {
	return func(s *scene) {
		for predicateType, predicate := range both {
			s.attach(change(s.json(s.seal(s.statement(predicateType, predicate), r))), predicateType)
		}
	}
}

// stated plants both as the trusted signer signed them, after a change to the
// statements.
func stated(r recipe, change func(s *scene, statement string) string) func(*scene) {
	return func(s *scene) {
		for predicateType, predicate := range both {
			s.attach(s.json(s.seal(change(s, s.statement(predicateType, predicate)), r)), predicateType)
		}
	}
}

var keyed = recipe{keyed: true}
