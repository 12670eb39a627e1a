package sign_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/internal/notary"
	"github.com/org/ai-ship/pkg/sign"
)

const verdict = "https://example.com/verdict"

func digest(t *testing.T, hex string) name.Digest {
	t.Helper()
	d, err := name.NewDigest("example.com/acme/digits@sha256:" + strings.Repeat(hex, 64))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestProve(t *testing.T) {
	subject := digest(t, "0")
	statement := sign.Statement{PredicateType: verdict, Predicate: []byte("{}")}
	bad := errors.New("it refused")
	refusal := []sign.Demand{{PredicateType: verdict, Check: func(sign.Attestation) error { return bad }}}
	demand := []sign.Demand{{PredicateType: verdict}}
	signed, attested, none := &notary.Notary{}, &notary.Notary{}, &notary.Notary{}
	if _, err := signed.Sign(t.Context(), subject, []sign.Statement{statement}); err != nil {
		t.Fatal(err)
	}
	if _, err := attested.Attest(t.Context(), subject, []sign.Statement{statement}); err != nil {
		t.Fatal(err)
	}
	for what, tc := range map[string]struct {
		v       sign.Verifier
		demands []sign.Demand
		want    string
	}{
		"signed":                       {signed, nil, ""},
		"signed and attested":          {signed, demand, ""},
		"nothing":                      {none, demand, "it has no signature by the notary; it has no statement " + verdict + " by the notary"},
		"an attestation, no signature": {attested, demand, "it has no signature by the notary"},
		"a statement that says no":     {signed, refusal, "it refused"},
		"another statement":            {signed, []sign.Demand{{PredicateType: "https://example.com/sbom"}}, "it has no statement https://example.com/sbom by the notary"},
	} {
		proof, err := sign.Prove(t.Context(), tc.v, subject, tc.demands)
		got, ok := proof.Subject()
		switch {
		case tc.want == "" && (err != nil || !ok || got != subject || !proof.Signed() || proof.Note() != "signed by key sha256:0123"):
			t.Errorf("%s: %+v, %v", what, proof, err)
		case tc.want != "" && (!errors.Is(err, sign.ErrUnproven) || !strings.HasSuffix(err.Error(), tc.want) || ok || proof.Signed()):
			t.Errorf("%s: %v, want %q", what, err, tc.want)
		}
	}
	if _, err := sign.Prove(t.Context(), signed, subject, refusal); !errors.Is(err, bad) {
		t.Errorf("the reason is lost: %v", err)
	}
}

// other answers about another digest, or not at all.
type other struct {
	about name.Digest
	err   error
}

func (o other) Verify(context.Context, name.Digest) (sign.Evidence, error) {
	return sign.Evidence{Subject: o.about, Signatures: []sign.Signature{{}}}, o.err
}

// What was found and does not count is told, a few reasons and each once.
func TestProveSaysWhy(t *testing.T) {
	subject := digest(t, "0")
	e := sign.Evidence{Subject: subject, Trusts: "acme"}
	for _, reason := range []string{"wrong key", "wrong key", "edited", "expired", "stripped", "cut"} {
		e.Refused = append(e.Refused, sign.Refusal{PredicateType: verdict, Reason: reason})
	}
	e.Refused = append(e.Refused, sign.Refusal{PredicateType: "https://example.com/other", Reason: "of no interest"})
	_, err := sign.Hold(e, subject, []sign.Demand{{PredicateType: verdict}})
	if err == nil || !strings.Contains(err.Error(), "found and refused: wrong key; edited; expired") || strings.Contains(err.Error(), "of no interest") || strings.Contains(err.Error(), "cut") {
		t.Errorf("%v", err)
	}
	e.Signatures = []sign.Signature{{By: sign.Identity{Subject: "https://example.com/workflow", Issuer: "https://example.com"}}}
	proof, err := sign.Hold(e, subject, nil)
	if err != nil || proof.Note() != "signed by https://example.com/workflow (https://example.com)" || proof.Evidence().Trusts != "acme" {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestProveIsNotMisled(t *testing.T) {
	if proof, err := sign.Prove(t.Context(), other{about: digest(t, "1")}, digest(t, "0"), nil); err == nil {
		t.Errorf("an answer about another digest: %+v", proof)
	}
	down := errors.New("the registry is down")
	if proof, err := sign.Prove(t.Context(), other{err: down}, digest(t, "0"), nil); !errors.Is(err, down) || errors.Is(err, sign.ErrUnproven) {
		t.Errorf("%+v, %v", proof, err)
	}
	if _, ok := (sign.Proof{}).Subject(); ok {
		t.Error("the zero proof has a subject")
	}
	if p := sign.Unsigned(digest(t, "0"), "why"); p.Signed() || p.Note() != "why" {
		t.Errorf("unsigned %+v", p)
	}
}
