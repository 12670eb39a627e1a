package sigstore

import (
	"bytes"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	folder := keyFiles(t, "secret")
	for kind, serve := range kinds() {
		for format, label := range map[Format]string{Bundle: "bundle"} {
			t.Run(kind+"/"+label, func(t *testing.T) {
				digest := pushImage(t, serve(t), "acme/app")
				signer := keySigner(t, folder, func(o *Options) { o.Format = format })
				start := time.Now()
				written, err := signer.Sign(t.Context(), digest, examples())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("signed in %s", time.Since(start))
				start = time.Now()
				evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("verified in %s", time.Since(start))
				if len(evidence.Refused) != 0 || len(evidence.Signatures) != 1 || len(evidence.Attestations) != 2 {
					t.Fatalf("found %+v", evidence)
				}
				if got := evidence.Signatures[0]; got.Digest != written.Signature.Digest || got.By != written.By || got.By.Key == "" {
					t.Errorf("the signature is %+v, written was %+v", got, written)
				}
				for i, want := range examples() {
					found := false
					for _, got := range evidence.Attestations {
						if got.PredicateType == want.PredicateType {
							found = true
							if !bytes.Equal(got.Predicate, want.Predicate) {
								t.Errorf("predicate of %s came back as %s", want.PredicateType, got.Predicate)
							}
							if got.Digest != written.Attestations[i].Digest {
								t.Errorf("%s is at %s, written was %s", want.PredicateType, got.Digest, written.Attestations[i].Digest)
							}
						}
					}
					if !found {
						t.Errorf("no %s", want.PredicateType)
					}
				}
			})
		}
	}
}
