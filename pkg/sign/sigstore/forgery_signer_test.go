package sigstore_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	engine "github.com/sigstore/sigstore-go/pkg/sign"

	"github.com/org/ai-ship/pkg/internal/keyless"
)

// signers are not the ones that are trusted.
func signers() []forgery {
	job := func(repository, workflow, ref string) func(*scene) recipe {
		return func(s *scene) recipe {
			w := s.rig.GitHub(repository, workflow, ref)
			return recipe{who: &w}
		}
	}
	return []forgery{
		{name: "nothing at all", plant: func(*scene) {}, want: "it has no signature by"},
		{name: "wrong key", trust: byKey, plant: sealed(func(s *scene) recipe { return recipe{keyed: true, pair: s.strange} }), want: "accepted signatures do not match threshold"},
		{name: "key in place of an identity", plant: sealed(func(*scene) recipe { return keyed }), want: "it is signed with a key, not by"},
		{name: "identity in place of a key", trust: byKey, plant: sealed(func(*scene) recipe { return recipe{} }), want: "it is signed with a certificate, not with key"},
		{name: "another key by the name of the trusted one", trust: byKey, want: "accepted signatures do not match threshold", plant: bundled(recipe{keyed: true, pair: nil}, func(s *scene, b *protobundle.Bundle) {
			forged := s.seal(string(b.GetDsseEnvelope().Payload), recipe{keyed: true, pair: s.strange})
			b.GetDsseEnvelope().Signatures = forged.GetDsseEnvelope().Signatures
		})},
		{name: "another repository's workflow", plant: sealed(job("acme/other", "release.yml", "refs/heads/main")), want: "it is signed by https://github.com/acme/other/.github/workflows/release.yml@refs/heads/main ("},
		{name: "another workflow", plant: sealed(job("acme/app", "test.yml", "refs/heads/main")), want: "it is signed by https://github.com/acme/app/.github/workflows/test.yml@refs/heads/main ("},
		{name: "another branch", plant: sealed(job("acme/app", "release.yml", "refs/pull/1/merge")), want: "release.yml@refs/pull/1/merge ("},
		{name: "identity that begins with the trusted one", plant: sealed(job("acme/app", "release.yml", "refs/heads/main-2")), want: "release.yml@refs/heads/main-2 ("},
		{name: "identity that the trusted one begins with", plant: sealed(job("acme/app", "release.yml", "refs/heads/mai")), want: "release.yml@refs/heads/mai ("},
		{name: "identity that ends with the trusted one", plant: sealed(job("evil/acme/app", "release.yml", "refs/heads/main")), want: "it is signed by https://github.com/evil/acme/app/"},
		{name: "identity in another case", plant: sealed(job("Acme/app", "release.yml", "refs/heads/main")), want: "it is signed by https://github.com/Acme/app/"},
		{name: "identity that matches as a pattern", plant: sealed(job("acme/app", "releaseXyml", "refs/heads/main")), want: "releaseXyml@refs/heads/main ("},
		{name: "identity that the pattern's first half begins", trust: byPattern, plant: sealed(job("acme/app", "nightly.yml", "refs/heads/main-2")), want: "nightly.yml@refs/heads/main-2 ("},
		{name: "identity that the pattern's second half ends", trust: byPattern, plant: sealed(job("evil/acme/app", "release.yml", "refs/heads/main")), want: "it is signed by https://github.com/evil/acme/app/"},
		{name: "wrong issuer", plant: sealed(func(s *scene) recipe {
			w := s.rig.GitLab("acme/app", "main")
			return recipe{who: &w}
		}), want: "it is signed by https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main ("},
		{name: "right name from another issuer", trust: byPerson, plant: sealed(func(s *scene) recipe {
			// The address is the one that is trusted, and so is the root; the issuer is not.
			w := s.rig.Person("dev@acme.example")
			return recipe{who: &w}
		}), want: "/accounts)"},
		{name: "same job of another world", plant: sealed(func(s *scene) recipe {
			w := s.other.GitHub("acme/app", "release.yml", "refs/heads/main")
			return recipe{who: &w, ca: s.other, tsa: s.other, log: s.other}
		}), want: "not enough verified log entries from transparency log: 0 < 1"},
	}
}

// witnesses are authorities and logs that do not vouch.
func witnesses() []forgery {
	strangeJob := func(s *scene) *keyless.Workload {
		w := s.other.GitHub("acme/app", "release.yml", "refs/heads/main")
		return &w
	}
	material := func(change func(m *protobundle.VerificationMaterial)) func(*scene) {
		return bundled(recipe{}, func(_ *scene, b *protobundle.Bundle) { change(b.VerificationMaterial) })
	}
	return []forgery{
		{name: "certificate of another authority", want: "leaf certificate verification failed", plant: sealed(func(s *scene) recipe {
			return recipe{who: strangeJob(s), ca: s.other}
		})},
		{name: "certificate signed by itself", want: "leaf certificate verification failed", plant: func(s *scene) {
			honest := s.seal("{}", recipe{}).VerificationMaterial.GetCertificate().RawBytes
			pair := newOwnPair(s.t)
			s.honest(recipe{pair: pair, certificate: copied{honest: honest, key: pair.key}})
		}},
		{name: "certificate of an authority of the same name", want: "leaf certificate verification failed", plant: func(s *scene) {
			honest := s.seal("{}", recipe{}).VerificationMaterial.GetCertificate().RawBytes
			leaf, err := x509.ParseCertificate(honest)
			s.push(err)
			fake := newOwnPair(s.t)
			parent := &x509.Certificate{Subject: pkix.Name{CommonName: leaf.Issuer.CommonName, Organization: leaf.Issuer.Organization},
				SubjectKeyId: leaf.AuthorityKeyId, PublicKey: fake.key.Public(), IsCA: true}
			s.honest(recipe{certificate: copied{honest: honest, parent: parent, key: fake.key}})
		}},
		{name: "certificate of an expired moment, no timestamp", want: "threshold not met for verified signed & log entry integrated timestamps: 0 < 1",
			plant: expired(material(func(m *protobundle.VerificationMaterial) { m.TimestampVerificationData = nil }))},
		{name: "no timestamp at all", want: "threshold not met for verified signed & log entry integrated timestamps: 0 < 1",
			plant: material(func(m *protobundle.VerificationMaterial) { m.TimestampVerificationData = nil })},
		{name: "timestamp of after the certificate's end", want: "leaf certificate verification failed", plant: func(s *scene) {
			s.rig.Shift(-time.Hour)
			defer s.rig.Shift(0)
			certificate := func(b *protobundle.Bundle) []byte { return b.VerificationMaterial.GetCertificate().RawBytes }
			pair := newOwnPair(s.t)
			old := certificate(s.seal("{}", recipe{pair: pair}))
			s.rig.Shift(0)
			s.honest(recipe{pair: pair, certificate: fixed(old)})
		}},
		{name: "timestamp of another authority", want: "No certificate for signer", plant: sealed(func(s *scene) recipe { return recipe{tsa: s.other} })},
		{name: "timestamp of another signature", want: "hashed messages don't match", plant: bundled(recipe{}, func(s *scene, b *protobundle.Bundle) {
			b.VerificationMaterial.TimestampVerificationData = s.seal("{}", recipe{}).VerificationMaterial.TimestampVerificationData
		})},
		{name: "garbage for a timestamp", want: "error parsing response into Timestamp", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp = []byte("then")
		})},
		{name: "log entry stripped", want: "not enough verified log entries from transparency log: 0 < 1", plant: material(func(m *protobundle.VerificationMaterial) { m.TlogEntries = nil })},
		{name: "never logged", want: "not enough verified log entries from transparency log: 0 < 1", plant: sealed(func(*scene) recipe { return recipe{noLog: true} })},
		{name: "entry of another log", want: "not enough verified log entries from transparency log: 0 < 1", plant: sealed(func(s *scene) recipe { return recipe{log: s.other} })},
		{name: "log entry of another signature", want: "verifying inclusion: calculated root", plant: bundled(recipe{}, func(s *scene, b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries = s.seal("{}", recipe{}).VerificationMaterial.TlogEntries
		})},
		{name: "log entry twice", want: "duplicate tlog entries found", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries = append(m.TlogEntries, m.TlogEntries[0])
		})},
		{name: "checkpoint for another tree", want: "invalid signature for key rekor.test", plant: material(func(m *protobundle.VerificationMaterial) {
			c := m.TlogEntries[0].InclusionProof.Checkpoint
			lines := strings.SplitN(c.Envelope, "\n", 4)
			lines[2] = base64.StdEncoding.EncodeToString(make([]byte, 32))
			c.Envelope = strings.Join(lines, "\n")
		})},
		{name: "checkpoint with no signature", want: "malformed note", plant: material(func(m *protobundle.VerificationMaterial) {
			c := m.TlogEntries[0].InclusionProof.Checkpoint
			c.Envelope, _, _ = strings.Cut(c.Envelope, "\n—")
		})},
		{name: "checkpoint stripped", want: "inclusion proof missing required checkpoint", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries[0].InclusionProof.Checkpoint = nil
		})},
		{name: "inclusion proof stripped", want: "inclusion proof missing in bundle", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries[0].InclusionProof = nil
		})},
		// The root in the proof is idle: the checkpoint's is the one that is signed.
		{name: "inclusion proof of another leaf", want: "verifying inclusion", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries[0].InclusionProof.Hashes = append(m.TlogEntries[0].InclusionProof.Hashes, make([]byte, 32))
		})},
		{name: "inclusion proof at another place", want: "verifying inclusion", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries[0].LogIndex--
		})},
		{name: "log entry's body edited", want: "entry body is not a recognizable Rekor", plant: material(func(m *protobundle.VerificationMaterial) {
			m.TlogEntries[0].CanonicalizedBody = replace(`"apiVersion":`, `"ApiVersion":`)(m.TlogEntries[0].CanonicalizedBody)
		})},
		{name: "key's log entry stripped", trust: byLogged, want: "not enough verified log entries", plant: bundled(recipe{keyed: true, logged: true}, func(_ *scene, b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries = nil
		})},
		{name: "key's log entry made by a stranger", trust: byLogged, want: "calculated root", plant: bundled(keyed, func(s *scene, b *protobundle.Bundle) {
			stranger := s.seal(string(b.GetDsseEnvelope().Payload), recipe{keyed: true, logged: true, pair: s.strange})
			b.VerificationMaterial.TlogEntries = stranger.VerificationMaterial.TlogEntries
		})},
		{name: "key's entry in another log", trust: byLogged, want: "not enough verified log entries", plant: sealed(func(s *scene) recipe {
			return recipe{keyed: true, logged: true, log: s.other}
		})},
		{name: "no SCT though one is demanded", want: "only able to verify 0 SCT entries", plant: func(s *scene) {
			s.rig.OmitSCT(true)
			defer s.rig.OmitSCT(false)
			s.honest(recipe{})
		}},
	}
}

// expired plants as if an hour ago.
func expired(plant func(*scene)) func(*scene) {
	return func(s *scene) {
		s.rig.Shift(-time.Hour)
		defer s.rig.Shift(0)
		plant(s)
	}
}

// fixed is a provider that has one certificate.
type fixed []byte

func (f fixed) GetCertificate(context.Context, engine.Keypair, *engine.CertificateProviderOptions) ([]byte, error) {
	return f, nil
}
