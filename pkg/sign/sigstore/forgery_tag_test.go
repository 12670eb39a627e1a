package sigstore_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tags are forgeries under cosign's older tags, .sig and .att.
func tags() []forgery {
	claim := func(s *scene) string { return simple(s.digest, s.digest.Context().Name()) }
	said := func(s *scene) string { return s.statement(verdict, passed) }
	// forged plants an honest .att, and a .sig of what was signed as what is told.
	forged := func(layer func(s *scene) mutate.Addendum) func(*scene) {
		return func(s *scene) {
			s.legacy(".att", s.att(s.pair, said(s), said(s)))
			s.legacy(".sig", layer(s))
		}
	}
	// attested plants an honest .sig, and an .att.
	attested := func(layer func(s *scene) mutate.Addendum) func(*scene) {
		return func(s *scene) {
			s.legacy(".sig", s.sig(s.pair, claim(s), claim(s)))
			s.legacy(".att", layer(s))
		}
	}
	// certified plants an honest bundle of the verdict, and a .sig with a certificate.
	certified := func(r func(s *scene) recipe, changes ...func(s *scene, annotations map[string]string)) func(*scene) {
		return func(s *scene) {
			s.honestVerdict(recipe{})
			layer := s.certified(claim(s), r(s))
			for _, change := range changes {
				change(s, layer.Annotations)
			}
			s.legacy(".sig", layer)
		}
	}
	honest := func(*scene) recipe { return recipe{} }
	unstamped := func(_ *scene, annotations map[string]string) { delete(annotations, stampAnnotation) }
	// certifiedAtt plants an honest bundle of the signature, and an .att with a certificate.
	certifiedAtt := func(r func(s *scene) recipe, changes ...func(s *scene, annotations map[string]string)) func(*scene) {
		return func(s *scene) {
			s.honestSignature(recipe{})
			layer := s.certifiedAtt(said(s), r(s))
			for _, change := range changes {
				change(s, layer.Annotations)
			}
			s.legacy(".att", layer)
		}
	}
	const unsigned, unsaid = "it has no signature by", "it has no statement " + verdict
	return []forgery{
		{name: ".sig of another key", trust: byKey, attested: true, want: "invalid signature when validating", plant: forged(func(s *scene) mutate.Addendum { return s.sig(s.strange, claim(s), claim(s)) })},
		{name: ".sig copied from another digest", trust: byKey, attested: true, want: "invalid or missing digest in claim", plant: forged(func(s *scene) mutate.Addendum {
			text := simple(s.platform, s.digest.Context().Name())
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig edited", trust: byKey, attested: true, want: "invalid signature when validating", plant: forged(func(s *scene) mutate.Addendum {
			return s.sig(s.pair, simple(s.platform, s.digest.Context().Name()), claim(s))
		})},
		{name: ".sig replayed from another repository", trust: byKey, attested: true, want: "it was signed for repository", plant: forged(func(s *scene) mutate.Addendum {
			text := simple(s.digest, s.digest.Context().RegistryStr()+"/evil/app")
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig of another type", trust: byKey, attested: true, want: `"atomic container signature", not`, plant: forged(func(s *scene) mutate.Addendum {
			text := strings.Replace(claim(s), "cosign container image signature", "atomic container signature", 1)
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig with two digests", trust: byKey, attested: true, want: `duplicate object member name "docker-manifest-digest"`, plant: forged(func(s *scene) mutate.Addendum {
			text := strings.Replace(claim(s), `"image":{`, `"image":{"docker-manifest-digest":"`+s.platform.DigestStr()+`",`, 1)
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig with no annotation", trust: byKey, attested: true, want: "Invalid IEEE_P1363", plant: forged(func(s *scene) mutate.Addendum {
			layer := s.sig(s.pair, claim(s), claim(s))
			layer.Annotations = nil
			return layer
		})},
		{name: ".sig that is an attestation", trust: byKey, attested: true, want: "Invalid IEEE_P1363", plant: forged(func(s *scene) mutate.Addendum { return s.att(s.pair, said(s), said(s)) })},
		{name: ".sig by a key, where a job is trusted", want: "offline verification failed", plant: forged(func(s *scene) mutate.Addendum { return s.sig(s.pair, claim(s), claim(s)) })},
		{name: ".sig with a certificate, not in the log that is demanded", attested: true, want: "offline verification failed", plant: certified(honest)},
		{name: ".sig of another job", trust: byStamp, attested: true, want: "got subjects [https://github.com/acme/other/", plant: certified(func(s *scene) recipe {
			w := s.rig.GitHub("acme/other", "release.yml", "refs/heads/main")
			return recipe{who: &w}
		})},
		{name: ".sig of another issuer", trust: byStamp, attested: true, want: "got subjects [https://gitlab.com/", plant: certified(func(s *scene) recipe {
			w := s.rig.GitLab("acme/app", "main")
			return recipe{who: &w}
		})},
		{name: ".sig with a certificate of another authority", trust: byStamp, attested: true, want: "leaf certificate verification failed", plant: certified(func(s *scene) recipe {
			w := s.other.GitHub("acme/app", "release.yml", "refs/heads/main")
			return recipe{who: &w, ca: s.other}
		})},
		{name: ".sig stamped by another authority", trust: byStamp, attested: true, want: "No certificate for signer", plant: certified(func(s *scene) recipe { return recipe{tsa: s.other} })},
		{name: ".sig not stamped, certificate expired", trust: byStamp, attested: true, want: "expected a signed timestamp to verify an expired certificate", plant: expired(certified(honest, unstamped))},
		{name: ".sig not stamped, certificate fresh", trust: byStamp, attested: true, want: "nobody vouches for its time", plant: certified(honest, unstamped)},
		{name: ".sig with the stamp of another", trust: byStamp, attested: true, want: "hashed messages don't match", plant: certified(honest, func(s *scene, annotations map[string]string) {
			annotations[stampAnnotation] = s.certified(simple(s.platform, "a"), recipe{}).Annotations[stampAnnotation]
		})},
		{name: ".sig with a stamp that is no JSON", trust: byStamp, attested: true, want: "its timestamp cannot be read", plant: certified(honest, func(_ *scene, annotations map[string]string) {
			annotations[stampAnnotation] = "then"
		})},
		{name: ".sig whose time only a made-up log entry tells", trust: byStamp, attested: true, want: "nobody vouches for its time", plant: certified(honest, unstamped, func(_ *scene, annotations map[string]string) {
			annotations["dev.sigstore.cosign/bundle"] = fmt.Sprintf(`{"SignedEntryTimestamp":"AAAA","Payload":{"body":"e30=","integratedTime":%d,"logIndex":1,"logID":"%064x"}}`, time.Now().Unix(), 1)
		})},
		{name: ".sig with a log entry of odd types", trust: byStamp, attested: true, want: "its log entry cannot be read", plant: certified(honest, func(_ *scene, annotations map[string]string) {
			annotations["dev.sigstore.cosign/bundle"] = `{"SignedEntryTimestamp":"AAAA","Payload":{"body":{"a":1},"integratedTime":1,"logIndex":1,"logID":"00"}}`
		})},
		{name: ".sig with no certificate", trust: byStamp, attested: true, want: "no certificate found on signature", plant: certified(honest, func(_ *scene, annotations map[string]string) {
			delete(annotations, certificateAnnotation)
		})},
		{name: ".sig in no certificate log", trust: byStamp, attested: true, want: "does not include required embedded SCT", plant: func(s *scene) {
			s.honestVerdict(recipe{})
			s.rig.OmitSCT(true)
			defer s.rig.OmitSCT(false)
			s.legacy(".sig", s.certified(claim(s), recipe{}))
		}},
		{name: ".att of another job", trust: byStamp, signed: true, want: "got subjects [https://github.com/acme/other/", plant: certifiedAtt(func(s *scene) recipe {
			w := s.rig.GitHub("acme/other", "release.yml", "refs/heads/main")
			return recipe{who: &w}
		})},
		{name: ".att with a certificate of another authority", trust: byStamp, signed: true, want: "leaf certificate verification failed", plant: certifiedAtt(func(s *scene) recipe {
			w := s.other.GitHub("acme/app", "release.yml", "refs/heads/main")
			return recipe{who: &w, ca: s.other}
		})},
		{name: ".att stamped by another authority", trust: byStamp, signed: true, want: "No certificate for signer", plant: certifiedAtt(func(s *scene) recipe { return recipe{tsa: s.other} })},
		{name: ".att not stamped", trust: byStamp, signed: true, want: "nobody vouches for its time", plant: certifiedAtt(honest, unstamped)},
		{name: ".att not stamped, certificate expired", trust: byStamp, signed: true, want: "expected a signed timestamp to verify an expired certificate", plant: expired(certifiedAtt(honest, unstamped))},
		{name: ".att with the stamp of another", trust: byStamp, signed: true, want: "hashed messages don't match", plant: certifiedAtt(honest, func(s *scene, annotations map[string]string) {
			annotations[stampAnnotation] = s.certified(simple(s.platform, "a"), recipe{}).Annotations[stampAnnotation]
		})},
		{name: ".att with another's certificate", trust: byStamp, signed: true, want: "accepted signatures do not match threshold", plant: certifiedAtt(honest, func(s *scene, annotations map[string]string) {
			annotations[certificateAnnotation] = s.certified(claim(s), recipe{}).Annotations[certificateAnnotation]
		})},
		{name: ".att that is no envelope", trust: byKey, signed: true, want: "invalid character '}' after top-level value", plant: attested(func(s *scene) mutate.Addendum {
			layer := s.att(s.pair, said(s), said(s))
			layer.Layer = static.NewLayer([]byte(said(s)+"}"), "application/vnd.dsse.envelope.v1+json")
			return layer
		})},
		{name: ".att of another payload type", trust: byKey, signed: true, want: "invalid payloadType application/json", plant: attested(func(s *scene) mutate.Addendum {
			layer := s.att(s.pair, said(s), said(s))
			envelope, err := layer.Layer.Compressed()
			s.push(err)
			raw, err := io.ReadAll(envelope)
			s.push(err)
			layer.Layer = static.NewLayer(replace(intoto, "application/json")(raw), "application/vnd.dsse.envelope.v1+json")
			return layer
		})},
		{name: "tag that is no manifest", trust: byKey, unknown: true, want: "it is no manifest", plant: func(s *scene) {
			s.lie("manifests/sha256-"+hexOf(s.digest)+".sig", body(string(types.OCIManifestSchema1), []byte("<p>")))
		}},
		{name: "tag that fails", trust: byKey, unknown: true, want: "507 Insufficient Storage", plant: func(s *scene) {
			s.lie("manifests/sha256-"+hexOf(s.digest)+".att", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInsufficientStorage) })
		}},
		{name: "tag of 10,001 entries", trust: byKey, unknown: true, want: "more than 10000 referrers", plant: func(s *scene) {
			entries := make([]string, 10_001)
			for i := range entries {
				entries[i] = fmt.Sprintf(`{"mediaType":"a","size":1,"digest":"sha256:%064x"}`, i)
			}
			s.lie("manifests/sha256-"+hexOf(s.digest)+".sig", body(string(types.OCIManifestSchema1), []byte(`{"schemaVersion":2,"layers":[`+strings.Join(entries, ",")+`]}`)))
		}},
		{name: ".sig whose entry claims a terabyte", trust: byKey, want: "its bundle is larger than", plant: func(s *scene) {
			s.lie("manifests/sha256-"+hexOf(s.digest)+".sig", body(string(types.OCIManifestSchema1), []byte(`{"schemaVersion":2,"layers":[{"mediaType":"a","size":1099511627776,"digest":"sha256:`+strings.Repeat("0", 64)+`"}]}`)))
		}},
		{name: ".att alone", trust: byKey, attested: true, want: unsigned, plant: func(s *scene) { s.legacy(".att", s.att(s.pair, said(s), said(s))) }},
		{name: ".att of another key", trust: byKey, signed: true, want: "accepted signatures do not match threshold", plant: attested(func(s *scene) mutate.Addendum { return s.att(s.strange, said(s), said(s)) })},
		{name: ".att edited", trust: byKey, signed: true, want: "accepted signatures do not match threshold", plant: attested(func(s *scene) mutate.Addendum {
			return s.att(s.pair, s.statement(verdict, `{"verdict":"refused"}`), said(s))
		})},
		{name: ".att copied from another digest", trust: byKey, signed: true, want: "no matching subject digest found", plant: attested(func(s *scene) mutate.Addendum {
			text := strings.Replace(statementAbout(s.platform, verdict, passed), s.platform.Context().Name(), s.digest.Context().Name(), 1)
			return s.att(s.pair, text, text)
		})},
		{name: ".att replayed from another repository", trust: byKey, signed: true, want: "it was signed for repository", plant: attested(func(s *scene) mutate.Addendum {
			text := strings.Replace(said(s), s.digest.Context().Name(), "registry.example/evil", 1)
			return s.att(s.pair, text, text)
		})},
		{name: ".att whose annotation lies about the type", trust: byKey, signed: true, want: unsaid, plant: attested(func(s *scene) mutate.Addendum {
			return s.att(s.pair, s.statement(sbom, passed), s.statement(sbom, passed))
		})},
		{name: ".att that says refused", trust: byKey, signed: true, attested: true, want: "the verdict is", plant: attested(func(s *scene) mutate.Addendum {
			text := s.statement(verdict, `{"verdict":"refused"}`)
			return s.att(s.pair, text, text)
		})},
	}
}
