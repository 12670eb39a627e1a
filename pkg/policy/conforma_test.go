package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/policy"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
)

// hex is the digest of the image that statements are about.
var hex = strings.Repeat("ab", 32)

// statement is one as a bundle holds it.
type statement struct {
	Type          string          `json:"_type"`
	Subject       []subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// about is a statement of the image.
func about(t *testing.T, s sign.Statement, err error) statement {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return statement{
		"https://in-toto.io/Statement/v1", []subject{{"ghcr.io/acme/digits", map[string]string{"sha256": hex}}}, s.PredicateType, s.Predicate,
	}
}

func signed(t *testing.T) statement {
	t.Helper()
	return about(t, sign.Statement{PredicateType: sign.SignaturePredicate, Predicate: []byte("{}")}, nil)
}

func judged(t *testing.T, passed bool) statement {
	t.Helper()
	s, err := attest.Judgement{Verdict: gate.Verdict{Passed: passed}, Run: attest.Run{Finished: time.Now()}}.Statement()
	return about(t, s, err)
}

func moved(t *testing.T, channel string) statement {
	t.Helper()
	s, err := release.Record{Channel: channel, Action: release.Promote, To: "sha256:" + hex, At: time.Now()}.Statement()
	return about(t, s, err)
}

func scanned(t *testing.T, ago time.Duration) statement {
	t.Helper()
	at := time.Now().Add(-ago)
	s, err := attest.Scanned{
		Run: attest.Run{Started: at, Finished: at}, Findings: scan.Findings{Database: &scan.Database{UpdatedAt: at}},
	}.Statement()
	return about(t, s, err)
}

// TestConforma evaluates the rules with OPA on statements of this project, in
// the form in which conforma hands them over.
func TestConforma(t *testing.T) {
	all := func() []statement {
		return []statement{signed(t), judged(t, true), moved(t, "staging"), moved(t, "production"), scanned(t, time.Hour)}
	}
	without := func(predicateType string) []statement {
		return slices.DeleteFunc(all(), func(s statement) bool { return s.PredicateType == predicateType })
	}
	elsewhere := all()
	for i := range elsewhere {
		elsewhere[i].Subject = []subject{{"ghcr.io/acme/other", map[string]string{"sha256": hex}}}
	}
	another := all()
	for i := range another {
		another[i].Subject = []subject{{"ghcr.io/acme/digits", map[string]string{"sha256": strings.Repeat("cd", 32)}}}
	}
	stray := without(release.PromotionPredicate)
	misplaced, err := release.Record{Channel: "production", Action: release.Promote, To: "sha256:" + strings.Repeat("cd", 32)}.Statement()
	stray = append(stray, about(t, misplaced, err))
	everything := []string{"promotion_missing", "signature_missing", "verdict_missing", "vulnerabilities_missing"}
	for name, tc := range map[string]struct {
		statements []statement
		want       []string
	}{
		"all":                    {all(), nil},
		"nothing":                {nil, everything},
		"no signature":           {without(sign.SignaturePredicate), []string{"signature_missing"}},
		"no verdict":             {without(attest.Verdict), []string{"verdict_missing"}},
		"no promotion":           {without(release.PromotionPredicate), []string{"promotion_missing"}},
		"staging only":           {append(without(release.PromotionPredicate), moved(t, "staging")), []string{"promotion_missing"}},
		"a record of another":    {stray, []string{"promotion_missing"}},
		"no scan":                {without(attest.Vulnerabilities), []string{"vulnerabilities_missing"}},
		"old scan":               {append(without(attest.Vulnerabilities), scanned(t, 25*time.Hour)), []string{"vulnerabilities_missing"}},
		"scanned again":          {append(all(), scanned(t, 25*time.Hour)), nil},
		"refused":                {append(without(attest.Verdict), judged(t, false)), []string{"verdict_refused"}},
		"refused once":           {append(all(), judged(t, false)), []string{"verdict_refused"}},
		"of another repository":  {elsewhere, everything},
		"of another digest":      {another, everything},
		"verdict of other words": {append(without(attest.Verdict), about(t, sign.Statement{PredicateType: attest.Verdict, Predicate: []byte(`{"passed":"true"}`)}, nil)), []string{"verdict_refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := byIdentity()
			d.Require = []string{attest.Verdict}
			if diff := cmp.Diff(tc.want, denied(t, d, tc.statements)); diff != "" {
				t.Errorf("denied (-want +got):\n%s", diff)
			}
		})
	}
	mirrored := byIdentity()
	mirrored.Require, mirrored.AnyRepository = nil, true
	if got := denied(t, mirrored, elsewhere); got != nil {
		t.Errorf("any repository: denied %q", got)
	}
}

// denied are the rules of the policy that deny an image with these statements.
func denied(t *testing.T, d policy.Demand, statements []statement) []string {
	t.Helper()
	files, err := d.Conforma()
	if err != nil {
		t.Fatal(err)
	}
	type attestation struct {
		Statement statement `json:"statement"`
	}
	type input struct {
		Attestations []attestation `json:"attestations"`
		Image        struct {
			Ref string `json:"ref"`
		} `json:"image"`
	}
	var in input
	in.Image.Ref = "ghcr.io/acme/digits@sha256:" + hex
	for _, s := range statements {
		in.Attestations = append(in.Attestations, attestation{s})
	}
	results, err := rego.New(
		rego.Query("data.ai_ship.deny"), rego.Module(files[1].Name, string(files[1].Data)), rego.Input(in), rego.Strict(true),
	).Eval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 {
		t.Fatalf("found %d results", len(results))
	}
	var codes []string
	for _, denial := range results[0].Expressions[0].Value.([]any) {
		code := fmt.Sprint(denial.(map[string]any)["code"])
		short, ok := strings.CutPrefix(code, "ai_ship.")
		if !ok {
			t.Errorf("found the code %q", code)
		}
		codes = append(codes, short)
	}
	slices.Sort(codes)
	return codes
}
