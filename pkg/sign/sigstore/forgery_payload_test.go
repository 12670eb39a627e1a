package sigstore_test

import (
	"bytes"
	"fmt"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"

	"github.com/org/ai-ship/pkg/sign"
)

// payloads are statements and envelopes that say something else than was
// signed, or that the right signer signed about something else.
func payloads() []forgery {
	envelope := func(r recipe, change func(s *scene, e *protodsse.Envelope)) func(*scene) {
		return bundled(r, func(s *scene, b *protobundle.Bundle) { change(s, b.GetDsseEnvelope()) })
	}
	edit := func(old, replacement string) func(*scene, *protodsse.Envelope) {
		return func(_ *scene, e *protodsse.Envelope) {
			if bytes.Contains(e.Payload, []byte(old)) {
				e.Payload = replace(old, replacement)(e.Payload)
			}
		}
	}
	subject := func(change func(s *scene, subject string) string) func(*scene) {
		return stated(keyed, func(s *scene, text string) string {
			before, rest, _ := strings.Cut(text, `"subject":`)
			_, after, _ := strings.Cut(rest, `,"predicateType"`)
			return before + `"subject":` + change(s, subjectOf(s.digest.Context().Name(), "sha256", hexOf(s.digest))) + `,"predicateType"` + after
		})
	}
	zeros := strings.Repeat("0", 64)
	return []forgery{
		{name: "attestation alone", attested: true, want: "it has no signature by", plant: func(s *scene) { s.honestVerdict(recipe{}) }},
		{name: "attestation posing as a signature", attested: true, want: "it has no signature by", plant: func(s *scene) {
			s.honestVerdict(recipe{})
			s.attach(s.json(s.seal(s.statement(sbom, "{}"), recipe{})), sign.SignaturePredicate)
		}},
		{name: "signature alone", signed: true, want: "it has no statement " + verdict, plant: func(s *scene) { s.honestSignature(recipe{}) }},
		{name: "signature posing as a verdict", signed: true, want: "it has no statement " + verdict, plant: func(s *scene) {
			s.honestSignature(recipe{})
			s.attach(s.json(s.seal(s.statement(sign.SignaturePredicate, passed), recipe{})), verdict)
		}},
		{name: "annotation that lies about the predicate type", signed: true, want: "it has no statement " + verdict, plant: func(s *scene) {
			s.honestSignature(recipe{})
			s.attach(s.json(s.seal(s.statement(sbom, passed), recipe{})), verdict)
		}},
		{name: "predicate type that begins with the demanded one", signed: true, want: "it has no statement " + verdict, plant: func(s *scene) {
			s.honestSignature(recipe{})
			s.attach(s.json(s.seal(s.statement(verdict+".1", passed), recipe{})), verdict)
		}},
		{name: "verdict that says refused", signed: true, attested: true, want: `the verdict is {"verdict":"refused"}`, plant: func(s *scene) {
			s.attach(s.json(s.seal(s.statement(verdict, `{"verdict":"refused"}`), recipe{})), verdict)
			s.honestSignature(recipe{})
		}},
		{name: "verdict that says refused, beside one that passed", signed: true, attested: true, want: `the verdict is {"verdict":"refused"}`, plant: func(s *scene) {
			s.attach(s.json(s.seal(s.statement(verdict, `{"verdict":"refused"}`), recipe{})), verdict)
			s.honest(recipe{})
		}},
		{name: "verdict edited", signed: true, want: "calculated root", plant: func(s *scene) {
			b := s.seal(s.statement(verdict, `{"verdict":"refused"}`), recipe{})
			b.GetDsseEnvelope().Payload = replace("refused", "passed")(b.GetDsseEnvelope().Payload)
			s.attach(s.json(b), verdict)
			s.honestSignature(recipe{})
		}},
		{name: "verdict edited under a key", signed: true, trust: byKey, want: "accepted signatures do not match threshold", plant: func(s *scene) {
			b := s.seal(s.statement(verdict, `{"verdict":"refused"}`), keyed)
			b.GetDsseEnvelope().Payload = replace("refused", "passed")(b.GetDsseEnvelope().Payload)
			s.attach(s.json(b), verdict)
			s.honestSignature(keyed)
		}},
		{name: "predicate type swapped after signing", signed: true, want: "calculated root", plant: func(s *scene) {
			b := s.seal(s.statement(sbom, passed), recipe{})
			b.GetDsseEnvelope().Payload = replace(sbom, verdict)(b.GetDsseEnvelope().Payload)
			s.attach(s.json(b), verdict)
			s.honestSignature(recipe{})
		}},
		{name: "digest edited after signing", trust: byKey, want: "accepted signatures do not match threshold", plant: func(s *scene) {
			for _, predicateType := range []string{verdict, sign.SignaturePredicate} {
				b := s.seal(statementAbout(s.platform, predicateType, passed), keyed)
				b.GetDsseEnvelope().Payload = replace(hexOf(s.platform), hexOf(s.digest))(b.GetDsseEnvelope().Payload)
				s.attach(s.json(b), predicateType)
			}
		}},
		{name: "envelope in another bundle's material", want: "calculated root", plant: envelope(recipe{}, func(s *scene, e *protodsse.Envelope) {
			e.Signatures = s.seal("{}", recipe{}).GetDsseEnvelope().Signatures
		})},
		{name: "space added to the payload", trust: byKey, want: "accepted signatures do not match threshold", plant: envelope(keyed, edit(`"predicate":`, `"predicate": `))},
		{name: "payload type changed", trust: byKey, want: "accepted signatures do not match threshold", plant: envelope(keyed, func(_ *scene, e *protodsse.Envelope) { e.PayloadType = "application/json" })},
		{name: "payload type of another kind, signed so", trust: byKey, want: "unsupported media type", plant: sealed(func(*scene) recipe {
			return recipe{keyed: true, payloadType: "application/json"}
		})},
		{name: "signature stripped", trust: byKey, want: "exactly one signature is required", plant: envelope(keyed, func(_ *scene, e *protodsse.Envelope) { e.Signatures = nil })},
		{name: "empty signature", trust: byKey, want: "accepted signatures do not match threshold", plant: envelope(keyed, func(_ *scene, e *protodsse.Envelope) { e.Signatures[0].Sig = nil })},
		{name: "signature of a stranger beside the right one", trust: byKey, want: "exactly one signature is required", plant: envelope(keyed, func(s *scene, e *protodsse.Envelope) {
			stranger := s.seal(string(e.Payload), recipe{keyed: true, pair: s.strange}).GetDsseEnvelope().Signatures[0]
			e.Signatures = []*protodsse.Signature{stranger, e.Signatures[0]}
		})},
		{name: "only a signature, no statement", trust: byKey, want: "it holds no statement, only a signature", plant: bundled(keyed, func(s *scene, b *protobundle.Bundle) {
			b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
				MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: make([]byte, 32)},
				Signature:     b.GetDsseEnvelope().Signatures[0].Sig,
			}}
		})},
		{name: "about another digest", want: "provided artifact digest does not match any digest in statement", plant: func(s *scene) {
			elsewhere := s.scene(s.t)
			for _, predicateType := range []string{verdict, sign.SignaturePredicate} {
				text := strings.Replace(statementAbout(elsewhere.digest, predicateType, passed), elsewhere.digest.Context().Name(), s.digest.Context().Name(), 1)
				s.attach(s.json(s.seal(text, recipe{})), predicateType)
			}
		}},
		{name: "about one platform, beside the index", want: "provided artifact digest does not match any digest in statement", plant: func(s *scene) {
			for _, predicateType := range []string{verdict, sign.SignaturePredicate} {
				s.attach(s.json(s.seal(statementAbout(s.platform, predicateType, passed), recipe{})), predicateType)
			}
		}},
		{name: "replayed from another repository", want: "it was signed for repository", plant: func(s *scene) {
			elsewhere := s.digest.Context().Registry.Repo("evil/app").Digest(s.digest.DigestStr())
			for _, predicateType := range []string{verdict, sign.SignaturePredicate} {
				s.attach(s.json(s.seal(statementAbout(elsewhere, predicateType, passed), recipe{})), predicateType)
			}
		}},
		{name: "replayed from a repository that begins with this one's name", trust: byKey, want: "it was signed for repository",
			plant: subject(func(s *scene, _ string) string {
				return "[" + subjectOf(s.digest.Context().Name()+"-2", "sha256", hexOf(s.digest)) + "]"
			})},
		{name: "no repository named", trust: byKey, want: "names no repository",
			plant: subject(func(s *scene, _ string) string { return "[" + subjectOf("", "sha256", hexOf(s.digest)) + "]" })},
		{name: "no subject", trust: byKey, want: "provided artifact digests does not match digests in statement", plant: subject(func(*scene, string) string { return "[]" })},
		{name: "subject that is null", trust: byKey, want: "provided artifact digests does not match digests in statement", plant: subject(func(*scene, string) string { return "null" })},
		{name: "no subject with the digest", trust: byKey, want: "provided artifact digest does not match any digest in statement", plant: subject(func(s *scene, _ string) string {
			return "[" + subjectOf(s.digest.Context().Name(), "sha256", zeros) + "," + subjectOf(s.digest.Context().Name(), "sha256", hexOf(s.platform)) + "]"
		})},
		{name: "digest with the name of another repository, the name with another digest", trust: byKey, want: "it was signed for repository",
			plant: subject(func(s *scene, _ string) string {
				return "[" + subjectOf(s.digest.Context().Name(), "sha256", zeros) + "," + subjectOf("registry.example/evil", "sha256", hexOf(s.digest)) + "]"
			})},
		{name: "digest by sha512 alone", trust: byKey, want: "provided artifact digests does not match digests in statement", plant: subject(func(s *scene, _ string) string {
			return "[" + subjectOf(s.digest.Context().Name(), "sha512", hexOf(s.digest)+hexOf(s.digest)) + "]"
		})},
		{name: "the digest under another algorithm's name", trust: byKey, want: "provided artifact digests does not match digests in statement", plant: subject(func(s *scene, _ string) string {
			return "[" + subjectOf(s.digest.Context().Name(), "gitCommit", hexOf(s.digest)) + "]"
		})},
		{name: "digest in upper case", trust: byKey, want: "its statement is about another digest than", plant: subject(func(s *scene, _ string) string {
			return "[" + subjectOf(s.digest.Context().Name(), "sha256", strings.ToUpper(hexOf(s.digest))) + "]"
		})},
		{name: "digest cut short", trust: byKey, want: "provided artifact digest does not match any digest in statement", plant: subject(func(s *scene, _ string) string {
			return "[" + subjectOf(s.digest.Context().Name(), "sha256", hexOf(s.digest)[:32]) + "]"
		})},
		{name: "statement of an unknown version", trust: byKey, want: `"https://in-toto.io/Statement/v2", not in-toto`, plant: stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(text, "Statement/v1", "Statement/v2", 1)
		})},
		{name: "statement with no type", trust: byKey, want: `its statement is of type "", not in-toto`, plant: stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(text, `"_type":"https://in-toto.io/Statement/v1",`, "", 1)
		})},
		{name: "two predicate types", trust: byKey, want: "invalid attestation: decoding json", plant: stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(text, `"predicateType":`, `"predicateType":"`+sbom+`","predicateType":`, 1)
		})},
		{name: "two predicates", trust: byKey, want: "invalid attestation: decoding json", plant: stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(text, `"predicate":`, `"predicate":{"verdict":"refused"},"predicate":`, 1)
		})},
		{name: "two verdicts in one predicate", signed: true, trust: byKey, want: "invalid attestation: decoding json", plant: func(s *scene) {
			s.honestSignature(keyed)
			s.attach(s.json(s.seal(s.statement(verdict, `{"verdict":"refused","verdict":"passed"}`), keyed)), verdict)
		}},
		{name: "predicate type in another case too", trust: byKey, want: "it has no signature by", plant: stated(keyed, func(_ *scene, text string) string {
			return strings.Replace(strings.Replace(text, `"predicateType":"`, `"predicateType":"x`, 1), `"predicate":`, `"PredicateType":"`+verdict+`","predicate":`, 1)
		})},
		{name: "predicate that is no object", signed: true, trust: byKey, want: "invalid attestation: decoding json", plant: func(s *scene) {
			s.honestSignature(keyed)
			s.attach(s.json(s.seal(s.statement(verdict, `"passed"`), keyed)), verdict)
		}},
		{name: "no predicate", trust: byKey, signed: true, want: "its predicate is no JSON object", plant: func(s *scene) {
			s.honestSignature(keyed)
			s.attach(s.json(s.seal(strings.Replace(s.statement(verdict, passed), `,"predicate":`+passed, "", 1), keyed)), verdict)
		}},
		{name: "predicate that is null", trust: byKey, signed: true, want: "its predicate is no JSON object", plant: func(s *scene) {
			s.honestSignature(keyed)
			s.attach(s.json(s.seal(s.statement(verdict, "null"), keyed)), verdict)
		}},
		{name: "no predicate in .att", trust: byKey, signed: true, want: "its predicate is no JSON object", plant: func(s *scene) {
			s.honestSignature(keyed)
			text := strings.Replace(s.statement(verdict, passed), `,"predicate":`+passed, "", 1)
			s.legacy(".att", s.att(s.pair, text, text))
		}},
		{name: "predicate that is no object in .att", trust: byKey, signed: true, want: "its predicate is no JSON object", plant: func(s *scene) {
			s.honestSignature(keyed)
			s.legacy(".att", s.att(s.pair, s.statement(verdict, `"passed"`), s.statement(verdict, `"passed"`)))
		}},
		{name: "statement that is no JSON", trust: byKey, want: "invalid attestation: decoding json", plant: stated(keyed, func(_ *scene, text string) string { return text[1:] })},
		{name: "two statements in one payload", trust: byKey, want: "invalid attestation: decoding json", plant: stated(keyed, func(_ *scene, text string) string { return text + text })},
	}
}

func subjectOf(repository, algorithm, digest string) string {
	return fmt.Sprintf(`{"name":%q,"digest":{%q:%q}}`, repository, algorithm, digest)
}
