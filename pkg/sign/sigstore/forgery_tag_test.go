package sigstore_test

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
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
	const unsigned, unsaid = "it has no signature by", "it has no statement " + verdict
	return []forgery{
		{name: ".sig of another key", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum { return s.sig(s.strange, claim(s), claim(s)) })},
		{name: ".sig copied from another digest", trust: byKey, attested: true, want: "another digest", plant: forged(func(s *scene) mutate.Addendum {
			text := simple(s.platform, s.digest.Context().Name())
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig edited", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum {
			return s.sig(s.pair, simple(s.platform, s.digest.Context().Name()), claim(s))
		})},
		{name: ".sig replayed from another repository", trust: byKey, attested: true, want: "it was signed for repository", plant: forged(func(s *scene) mutate.Addendum {
			text := simple(s.digest, s.digest.Context().RegistryStr()+"/evil/app")
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig of another type", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum {
			text := strings.Replace(claim(s), "cosign container image signature", "atomic container signature", 1)
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig with two digests", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum {
			text := strings.Replace(claim(s), `"image":{`, `"image":{"docker-manifest-digest":"`+s.platform.DigestStr()+`",`, 1)
			return s.sig(s.pair, text, text)
		})},
		{name: ".sig with no annotation", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum {
			layer := s.sig(s.pair, claim(s), claim(s))
			layer.Annotations = nil
			return layer
		})},
		{name: ".sig that is an attestation", trust: byKey, attested: true, want: unsigned, plant: forged(func(s *scene) mutate.Addendum { return s.att(s.pair, said(s), said(s)) })},
		{name: ".sig by a key, where a job is trusted", want: unsigned, plant: forged(func(s *scene) mutate.Addendum { return s.sig(s.pair, claim(s), claim(s)) })},
		{name: ".att alone", trust: byKey, attested: true, want: unsigned, plant: func(s *scene) { s.legacy(".att", s.att(s.pair, said(s), said(s))) }},
		{name: ".att of another key", trust: byKey, signed: true, want: unsaid, plant: attested(func(s *scene) mutate.Addendum { return s.att(s.strange, said(s), said(s)) })},
		{name: ".att edited", trust: byKey, signed: true, want: unsaid, plant: attested(func(s *scene) mutate.Addendum {
			return s.att(s.pair, s.statement(verdict, `{"verdict":"refused"}`), said(s))
		})},
		{name: ".att copied from another digest", trust: byKey, signed: true, want: "another digest", plant: attested(func(s *scene) mutate.Addendum {
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
