package sigstore

import (
	"encoding/json/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/org/ai-ship/pkg/sign"
)

func fuzzDigest(f *testing.F) name.Digest {
	f.Helper()
	digest, err := nameDigest("registry.example/acme/app", []byte(strings.Repeat("a", 64)))
	if err != nil {
		f.Fatal(err)
	}
	return digest
}

// FuzzStatement holds that what is accepted is about the digest.
func FuzzStatement(f *testing.F) {
	digest := fuzzDigest(f)
	own, err := encode(digest, sign.Statement{PredicateType: "https://example.com/x", Predicate: []byte(`{"a":1}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(strings.Replace(string(own), `"subject"`, `"subject":[],"subject"`, 1)))
	f.Add([]byte(strings.Replace(string(own), `"subject"`, `"Subject":[],"subject"`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		st, err := decode(text, digest, false)
		if err != nil {
			return
		}
		var strict statement
		if err := json.Unmarshal(text, &strict); err != nil {
			t.Fatalf("accepted what is no statement: %v", err)
		}
		if strict.PredicateType != st.PredicateType {
			t.Errorf("it says %q, read was %q", strict.PredicateType, st.PredicateType)
		}
		if !slices.ContainsFunc(strict.Subject, func(s subject) bool {
			return s.Name != "" && s.Digest["sha256"] == strings.Repeat("a", 64)
		}) {
			t.Errorf("accepted %s, which is not about the digest", text)
		}
	})
}

// FuzzTag holds that no entry of a tag crashes the engine or counts unsigned.
func FuzzTag(f *testing.F) {
	digest := fuzzDigest(f)
	_, public, err := GenerateKey(NewSecret(""))
	if err != nil {
		f.Fatal(err)
	}
	trusted, err := Trust{KeyPEM: public}.understand(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	trusted.needsLog = true // so that the log's part is looked at too
	f.Add(true, `{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}`, "", "", "", "")
	f.Add(false, `{"critical":{}}`, "AAAA", "", `{"SignedRFC3161Timestamp":"AAAA"}`, `{"Payload":{"body":1}}`)
	f.Add(false, `{}`, "AAAA", "", "", `{"SignedEntryTimestamp":"AAAA","Payload":{"body":"eyJhcGlWZXJzaW9uIjoiMC4wLjEiLCJraW5kIjoiZHNzZSIsInNwZWMiOnt9fQ==","integratedTime":1,"logIndex":1,"logID":"aa"}}`)
	f.Fuzz(func(t *testing.T, attestation bool, text, signature, cert, stamp, promise string) {
		suffix := sigSuffix
		if attestation {
			suffix = attSuffix
		}
		described := v1.Descriptor{Annotations: map[string]string{
			static.SignatureAnnotationKey: signature, static.CertificateAnnotationKey: cert,
			static.RFC3161TimestampAnnotationKey: stamp, static.BundleAnnotationKey: promise,
		}}
		if _, _, err := trusted.checkTag(t.Context(), suffix, []byte(text), described, digest); err == nil {
			t.Error("an entry that nobody signed was accepted")
		}
	})
}

// FuzzLink holds that credentials follow a list to no other server.
func FuzzLink(f *testing.F) {
	at, err := url.Parse("https://registry.example/v2/acme/app/referrers/sha256:a")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`</v2/x?n=1>; rel="next"`)
	f.Add(`<https://other.example/>; rel="next"`)
	f.Add(`<//other.example>; rel="next"`)
	f.Fuzz(func(t *testing.T, link string) {
		next, err := following(at, http.Header{"Link": {link}})
		if err == nil && next != nil && (next.Host != at.Host || next.Scheme != at.Scheme) {
			t.Errorf("%q leads to %s", link, next)
		}
	})
}
