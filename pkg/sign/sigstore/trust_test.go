package sigstore

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/internal/keyless"
)

func TestTrustRefuses(t *testing.T) {
	rig := keyless.New(t)
	_, public, err := GenerateKey(NewSecret(""))
	if err != nil {
		t.Fatal(err)
	}
	const issuer = "https://issuer.example"
	root := rig.TrustedRoot()
	empty := []byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`)
	for want, trust := range map[string]Trust{
		"nobody is trusted":                    {Root: root},
		"only one of them can be trusted":      {KeyPEM: public, Identity: "x", Issuer: issuer},
		"two keys are given":                   {KeyPEM: public, Key: &Key{Ref: "cosign.pub"}},
		"without its issuer":                   {Identity: "x", Root: root},
		"an identity is given without":         {IdentityPattern: "x.+", Root: root},
		"exactly one of an identity":           {Issuer: issuer, Root: root},
		"and a pattern for it":                 {Issuer: issuer, Identity: "x", IdentityPattern: "y.+", Root: root},
		"missing closing )":                    {Issuer: issuer, IdentityPattern: "(", Root: root},
		"offline without a trusted root":       {Issuer: issuer, Identity: "x", Offline: true},
		"reading the trusted root":             {Issuer: issuer, Identity: "x", Root: []byte("{")},
		"names no certificate authority":       {Issuer: issuer, Identity: "x", Root: empty},
		"no log is known":                      {KeyPEM: public, Log: LogRequired},
		"PEM decoding failed":                  {KeyPEM: []byte("junk")},
		`"x" is unknown`:                       {KeyPEM: public, Log: 99},
		"the pattern does not end its own way": {Issuer: issuer, IdentityPattern: "a)|(b", Root: root},
	} {
		_, err := NewVerifier(t.Context(), trust, Registry{})
		switch want {
		case `"x" is unknown`:
			want = "is unknown"
		case "the pattern does not end its own way":
			want = "unexpected )"
		}
		wantError(t, fmt.Sprintf("%+v", trust.IdentityPattern), err, want)
	}
}

// TestPatterns are whole and name somebody.
func TestPatterns(t *testing.T) {
	rig := keyless.New(t)
	for _, pattern := range []string{".*", ".+", "^.*$", "(?s).*", ".*?", "|x", "x?", `https://.*`, `https://github\.com/.*`, `.*@.*`, `.*/\.github/workflows/.*`, `(?:.*|acme)`, `\S+`, `[^ ]*`} {
		_, err := NewVerifier(t.Context(), Trust{IdentityPattern: pattern, Issuer: "https://issuer.example", Root: rig.TrustedRoot()}, Registry{})
		wantError(t, pattern, err, "matches strangers")
		if len(hint.Of(err)) == 0 {
			t.Errorf("%s: no hint", pattern)
		}
	}
	who := rig.GitHub("acme/app", "release.yml", "refs/heads/main")
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	signer, err := NewSigner(t.Context(), keylessOptions(rig, who))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), digest, nil); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]int{
		`https://github\.com/acme/app/\.github/workflows/release\.yml@refs/heads/main`: 1,
		`https://github\.com/acme/.+`:                1,
		`https://github\.com/(acme|example)/.+`:      1,
		`https://github\.com/acme/app`:               0, // not the whole
		`acme/app/\.github/workflows/release\.yml.+`: 0,
		`https://github\.com/acme/other/.+`:          0,
		`xyz|https://github\.com/acme`:               0, // an alternative is whole too
	} {
		v, err := NewVerifier(t.Context(), Trust{IdentityPattern: pattern, Issuer: who.Issuer, Root: rig.TrustedRoot()}, Registry{})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := v.Verify(t.Context(), digest)
		if err != nil || len(evidence.Signatures) != want {
			t.Errorf("%s: found %+v, %v", pattern, evidence, err)
		}
	}
}

func TestOptionsRefuse(t *testing.T) {
	key := &Key{Ref: "cosign.key"}
	token := Token{Value: NewSecret("x")}
	own := Services{Fulcio: "https://fulcio.example", Rekor: "https://rekor.example", Timestamps: "https://tsa.example/x"}
	for label, c := range map[string]struct {
		options Options
		want    string
	}{
		"neither":         {Options{}, "exactly one of a key and a token"},
		"both":            {Options{Key: key, Token: token}, "exactly one of a key and a token"},
		"format":          {Options{Key: key, Format: 9}, "format 9 is unknown"},
		"log version":     {Options{Key: key, Services: Services{RekorVersion: 3}}, "version 3 of the log is unknown"},
		"no URL":          {Options{Key: key, Services: Services{Rekor: "rekor.example"}}, "the URL of the log"},
		"file URL":        {Options{Key: key, Services: Services{Timestamps: "file:///etc/passwd"}}, "the URL of the timestamp authority"},
		"v2 in tags":      {Options{Key: key, Format: Both, Services: Services{Rekor: "https://rekor.example", RekorVersion: 2}}, "do not fit into .sig"},
		"no authority":    {Options{Token: token, Services: Services{Rekor: "https://rekor.example"}}, "needs a certificate authority"},
		"no time":         {Options{Token: token, Services: Services{Fulcio: "https://fulcio.example"}}, "nobody would vouch for the time"},
		"no time from v2": {Options{Token: token, Services: Services{Fulcio: "https://fulcio.example", Rekor: "https://rekor.example", RekorVersion: 2}}, "nobody would vouch for the time"},
		"no root":         {Options{Token: token, Services: own}, "need a trusted root"},
	} {
		_, err := NewSigner(t.Context(), c.options)
		wantError(t, label, err, c.want)
	}
	defaults, err := Options{Token: token}.withDefaults()
	if s := defaults.Services; err != nil || s.Fulcio != PublicFulcio || s.Rekor != PublicRekor || s.Timestamps != PublicTimestamps || !s.public() {
		t.Errorf("the defaults are %+v, %v", s, err)
	}
	if none, err := (Options{Key: key}).withDefaults(); err != nil || none.Services.Rekor+none.Services.Fulcio+none.Services.Timestamps != "" {
		t.Errorf("a key asks %+v, %v", none.Services, err)
	}
}

// TestRepositories holds a statement to the repository that it was signed for.
func TestRepositories(t *testing.T) {
	folder := keyFiles(t, "secret")
	for _, format := range []Format{Bundle, Legacy} {
		store := inMemory(true)
		host := serveHTTP(t, rename(store, "mirror/app", "acme/app"))
		digest := pushImage(t, host, "acme/app")
		if _, err := keySigner(t, folder, func(o *Options) { o.Format = format }).Sign(t.Context(), digest, examples()); err != nil {
			t.Fatal(err)
		}
		mirror, err := name.NewDigest(host + "/mirror/app@" + digest.DigestStr())
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := keyVerifier(t, folder).Verify(t.Context(), mirror)
		if err != nil || len(evidence.Signatures)+len(evidence.Attestations) != 0 || len(evidence.Refused) != 3 {
			t.Fatalf("format %d: found %+v, %v", format, evidence, err)
		}
		for _, r := range evidence.Refused {
			if !strings.Contains(r.Reason, "it was signed for repository") || r.PredicateType == "" {
				t.Errorf("format %d: refused %+v", format, r)
			}
		}
		evidence, err = keyVerifier(t, folder, func(t *Trust) { t.AnyRepository = true }).Verify(t.Context(), mirror)
		if err != nil || len(evidence.Signatures) != 1 || len(evidence.Attestations) != 2 {
			t.Errorf("format %d: found %+v, %v", format, evidence, err)
		}
	}
}

// rename serves one repository's content under another name too.
func rename(store http.Handler, from, to string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.Replace(r.URL.Path, "/v2/"+from+"/", "/v2/"+to+"/", 1)
		store.ServeHTTP(w, r)
	})
}
