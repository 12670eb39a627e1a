package sigstore

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/sign"
)

// limitOfKeys is what signing with a key may add to a run on loopback.
const limitOfKeys = 300 * time.Millisecond

func TestKeys(t *testing.T) {
	folder := keyFiles(t, "secret")
	for kind, serve := range kinds() {
		for format, label := range map[Format]string{Bundle: "bundle", Legacy: "legacy", Both: "both"} {
			t.Run(kind+"/"+label, func(t *testing.T) {
				t.Parallel()
				digest := pushImage(t, serve(t), "acme/app")
				signer := keySigner(t, folder, func(o *Options) { o.Format = format })
				start := time.Now()
				written, err := signer.Sign(t.Context(), digest, examples())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("signed in %s", time.Since(start))
				evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
				if err != nil {
					t.Fatal(err)
				}
				sameAsWritten(t, evidence, written, copies(format))
			})
		}
	}
}

// sameAsWritten holds what was found against what was written, each copies
// times.
func sameAsWritten(t *testing.T, evidence sign.Evidence, written sign.Written, copies int) {
	t.Helper()
	if len(evidence.Refused) != 0 || len(evidence.Signatures) != copies || len(evidence.Attestations) != copies*len(examples()) {
		t.Fatalf("found %+v", evidence)
	}
	if written.By.Key == "" || !slices.ContainsFunc(evidence.Signatures, func(s sign.Signature) bool {
		return s.Digest == written.Signature.Digest && s.By == written.By
	}) {
		t.Errorf("signatures are %+v, written was %+v by %s", evidence.Signatures, written.Signature, written.By)
	}
	for i, want := range examples() {
		if !slices.ContainsFunc(evidence.Attestations, func(a sign.Attestation) bool {
			return a.PredicateType == want.PredicateType && bytes.Equal(a.Predicate, want.Predicate) &&
				a.Digest == written.Attestations[i].Digest && a.By == written.By
		}) {
			t.Errorf("attestations are %+v, written was %+v", evidence.Attestations, written.Attestations[i])
		}
	}
}

// verifiedAsWritten verifies the digest and holds it against what was written.
func verifiedAsWritten(t *testing.T, trust Trust, from Registry, digest name.Digest, written sign.Written, copies int) {
	t.Helper()
	v, err := NewVerifier(t.Context(), trust, from)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := v.Verify(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	sameAsWritten(t, evidence, written, copies)
}

// copies is how often the format stores everything.
func copies(format Format) int {
	if format == Both {
		return 2
	}
	return 1
}

// TestKeyLatency takes the best of five, since the machine has other work. A
// key's password costs about 0.1 s of computing, by design; that is loaded
// before and told apart.
func TestKeyLatency(t *testing.T) {
	folder := keyFiles(t, "secret")
	start := time.Now()
	signer := keySigner(t, folder)
	loading := time.Since(start)
	for _, kind := range []string{"referrers API", "embedded"} {
		host, best := kinds()[kind](t), time.Hour
		for range 5 {
			digest := pushImage(t, host, "acme/app")
			start := time.Now()
			if _, err := signer.Sign(t.Context(), digest, examples()); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		t.Logf("%s: signing and reading back took %s, loading the key %s", kind, best, loading)
		if best > limitOfKeys {
			t.Errorf("%s: signing took %s, more than %s", kind, best, limitOfKeys)
		}
	}
}

// TestSignAgain completes what is there and loses nothing of it.
func TestSignAgain(t *testing.T) {
	folder := keyFiles(t, "secret")
	for kind, serve := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			digest := pushImage(t, serve(t), "acme/app")
			for range 2 {
				if _, err := keySigner(t, folder).Sign(t.Context(), digest, examples()); err != nil {
					t.Fatal(err)
				}
			}
			evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			if len(evidence.Signatures) != 2 || len(evidence.Attestations) != 4 || len(evidence.Refused) != 0 {
				t.Errorf("found %+v", evidence)
			}
			again, err := keyVerifier(t, folder).Verify(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			for i := range evidence.Attestations {
				if evidence.Attestations[i].Digest != again.Attestations[i].Digest {
					t.Errorf("the order of attestations changed at %d", i)
				}
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	folder := keyFiles(t, "secret")
	host := serveHTTP(t, inMemory(true))
	digest := pushImage(t, host, "acme/app")
	absent, err := nameDigest(host+"/acme/app", bytes.Repeat([]byte("a"), 64))
	if err != nil {
		t.Fatal(err)
	}
	for label, c := range map[string]struct {
		statement sign.Statement
		want      string
	}{
		"no type":       {sign.Statement{Predicate: []byte("{}")}, "no predicate type"},
		"no object":     {sign.Statement{PredicateType: "https://example.com/x", Predicate: []byte("[1]")}, "not one JSON object"},
		"two objects":   {sign.Statement{PredicateType: "https://example.com/x", Predicate: []byte("{} {}")}, "not one JSON object"},
		"duplicate":     {sign.Statement{PredicateType: "https://example.com/x", Predicate: []byte(`{"a":1,"a":2}`)}, "not one JSON object"},
		"a signature's": {sign.Statement{PredicateType: sign.SignaturePredicate, Predicate: []byte("{}")}, "predicate type of a signature"},
	} {
		_, err := keySigner(t, folder).Sign(t.Context(), digest, []sign.Statement{c.statement})
		wantError(t, label, err, c.want)
	}
	_, err = keySigner(t, folder).Sign(t.Context(), absent, nil)
	wantError(t, "not pushed", err, "looking for it")
	evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
	if err != nil || len(evidence.Signatures)+len(evidence.Attestations)+len(evidence.Refused) != 0 {
		t.Errorf("something was written: %+v, %v", evidence, err)
	}
}

// TestAttest adds a statement to what is signed, and no signature.
func TestAttest(t *testing.T) {
	folder := keyFiles(t, "secret")
	for kind, serve := range kinds() {
		for _, format := range []Format{Bundle, Legacy, Both} {
			t.Run(fmt.Sprintf("%s/%d", kind, format), func(t *testing.T) {
				t.Parallel()
				digest := pushImage(t, serve(t), "acme/app")
				signer := keySigner(t, folder, func(o *Options) { o.Format = format })
				entries, err := signer.Attest(t.Context(), digest, examples())
				if err != nil {
					t.Fatal(err)
				}
				if none, err := signer.Attest(t.Context(), digest, nil); err != nil || len(none) != 0 {
					t.Errorf("attesting nothing gave %v, %v", none, err)
				}
				evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
				if err != nil {
					t.Fatal(err)
				}
				if len(evidence.Signatures) != 0 || len(evidence.Attestations) != 2*copies(format) || len(evidence.Refused) != 0 {
					t.Errorf("found %+v", evidence)
				}
				for i, e := range entries {
					if e.PredicateType != examples()[i].PredicateType || !slices.ContainsFunc(evidence.Attestations, func(a sign.Attestation) bool { return a.Digest == e.Digest }) {
						t.Errorf("entry %d is %+v", i, e)
					}
				}
			})
		}
	}
}
