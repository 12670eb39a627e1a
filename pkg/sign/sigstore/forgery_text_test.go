package sigstore_test

import (
	"bytes"
	"strings"

	"github.com/org/ai-ship/pkg/sign"
)

// texts are bundles that are not to be read.
func texts() []forgery {
	const kind = `"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"`
	spaced := func(change func([]byte) []byte) func(*scene) { // protojson puts a space here and there, at random
		return written(keyed, func(b []byte) []byte { return change(bytes.ReplaceAll(b, []byte(`": "`), []byte(`":"`))) })
	}
	return []forgery{
		{name: "bundle cut short", trust: byKey, want: "unexpected EOF", plant: spaced(func(b []byte) []byte { return b[:len(b)-9] })},
		{name: "empty bundle", trust: byKey, want: "syntax error (line 1:1)", plant: spaced(func([]byte) []byte { return nil })},
		{name: "bundle that is an empty object", trust: byKey, want: "unsupported media type", plant: spaced(func([]byte) []byte { return []byte("{}") })},
		{name: "bundle that is a list", trust: byKey, want: "unexpected token [", plant: spaced(func(b []byte) []byte { return []byte("[" + string(b) + "]") })},
		{name: "two bundles in one layer", trust: byKey, want: "unexpected token {", plant: spaced(func(b []byte) []byte { return append(b, b...) })},
		{name: "two media types", trust: byKey, want: `duplicate field "mediaType"`, plant: spaced(replace(kind, kind+","+kind))},
		{name: "two payload types", trust: byKey, want: `duplicate field "payloadType"`, plant: spaced(replace(`"payloadType":`, `"payloadType":"application/json","payloadType":`))},
		{name: "two payloads", trust: byKey, want: `duplicate field "payload"`, plant: spaced(replace(`"payload":`, `"payload":"e30=","payload":`))},
		{name: "statement and signature at once", trust: byKey, want: "is already set", plant: spaced(replace(`"dsseEnvelope":`, `"messageSignature":{},"dsseEnvelope":`))},
		{name: "unknown field", trust: byKey, want: `unknown field "trustMe"`, plant: spaced(replace(kind, kind+`,"trustMe":true`))},
		{name: "unknown media type", trust: byKey, want: "unsupported media type: application/json", plant: spaced(replace(kind, `"mediaType":"application/json"`))},
		{name: "media type of a megabyte that moves the cursor", trust: byKey, want: "unsupported media type: \uFFFD[2J", plant: spaced(replace(kind, `"mediaType":"\u001b[2J`+strings.Repeat("x", 1<<20)+`"`))},
		{name: "bundle of a version to come", trust: byKey, want: "bundle version v0.9 is not yet supported", plant: spaced(replace(".v0.3+json", ".v0.9+json"))},
		{name: "bundle of v0.1 with a proof of v0.3", want: "inclusion promises missing in bundle", plant: written(recipe{}, replace("bundle.v0.3+json", "bundle+json;version=0.1"))},
		{name: "unsigned statement with the right annotations", trust: byKey, want: `unknown field "_type"`, plant: func(s *scene) {
			s.attach([]byte(s.statement(verdict, passed)), verdict)
			s.attach([]byte(s.statement(sign.SignaturePredicate, "{}")), sign.SignaturePredicate)
		}},
		{name: "deep nesting", trust: byKey, want: `unknown field "verificationMaterial"`, plant: spaced(func([]byte) []byte {
			return []byte(strings.Repeat(`{"verificationMaterial":`, 100_000))
		})},
	}
}
