package attest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/internal/docschema"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

var update = flag.Bool("update", false, "write the golden files anew")

func run() attest.Run {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	return attest.Run{
		Tool: "v1.0.0", Started: at, Finished: at.Add(time.Minute), URL: "https://github.com/acme/digits/actions/runs/7",
		Source: "https://github.com/acme/digits", Commit: strings.Repeat("a", 40), Ref: "main",
		Config: attest.File{Name: "ai-ship.yaml", SHA256: strings.Repeat("c", 64)},
	}
}

func judgement(passed bool) attest.Judgement {
	value, limit := 0.96, 0.95
	r := gate.Result{
		Name: "accuracy", Check: gate.CheckMin, Value: &value, Unit: unit.Ratio, Limit: &gate.Limit{Op: ">=", Value: limit},
		Outcome: gate.Passed, Passed: true, Required: true, Reason: "accuracy is 0.96", Samples: 450,
		Source: &testreport.Source{File: "reports/accuracy.json", Pointer: "/accuracy", SHA256: strings.Repeat("d", 64)},
	}
	if !passed {
		r.Outcome, r.Passed, r.Reason = gate.Refused, false, "accuracy is 0.90; 0.95 or more would have passed"
	}
	warned := gate.Result{Name: "secrets", Check: gate.CheckSecrets, Outcome: gate.Warned, Passed: true, Required: true, Reason: "a notebook"}
	return attest.Judgement{
		Run: run(), Version: "1.2.3", Verdict: gate.Verdict{Passed: passed, Results: []gate.Result{r, warned}},
		Size: gate.ImageSize{Compressed: 1 << 30}, Baseline: &gate.Baseline{Ref: "ghcr.io/acme/digits:production", Compressed: 1 << 29},
		Reports: []attest.Report{{Path: "reports/accuracy.json", Format: "json", SHA256: strings.Repeat("d", 64)}},
	}
}

func found() scan.Findings {
	return scan.Findings{
		Ran:      true,
		Database: &scan.Database{Ref: "ghcr.io/aquasecurity/trivy-db:2", Digest: "sha256:" + strings.Repeat("e", 64), UpdatedAt: time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)},
		Vulnerabilities: []scan.Finding{
			{ID: "CVE-2024-6119", Severity: scan.High, Package: "openssl", Version: "3.0.11", Fixed: "3.0.14", PURL: "pkg:deb/debian/openssl@3.0.11"},
			{ID: "CVE-2023-45853", Severity: scan.Critical, Package: "zlib", Version: "1.2.13", Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "not built", Until: "2026-12-31"}},
		},
	}
}

func built() attest.Built {
	return attest.Built{
		Run: run(), Version: "1.2.3", Platforms: []string{"linux/amd64"},
		Base:    attest.Base{Ref: "python:3.11-slim", Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("b", 64)}},
		Layers:  []attest.Layer{{Name: "models/digits.safetensors", Kind: "model", Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("1", 64)}, Recipe: "sha256:" + strings.Repeat("2", 64)}},
		Reports: judgement(true).Reports,
	}
}

// The bytes are promised: the same facts give the same statement.
func TestStatementsGolden(t *testing.T) {
	for name, make := range map[string]func() (sign.Statement, error){
		"verdict":         judgement(true).Statement,
		"refused":         judgement(false).Statement,
		"test-result":     judgement(true).TestResult,
		"provenance":      built().Statement,
		"vulnerabilities": attest.Scanned{Run: run(), Scanner: "pkg:github/aquasecurity/trivy", Version: "0.74.0", Findings: found()}.Statement,
		"sbom":            func() (sign.Statement, error) { return attest.Bill([]byte("{ \"bomFormat\": \"CycloneDX\" }\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := make()
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := make(); string(again.Predicate) != string(s.Predicate) {
				t.Error("made twice, the statement has other bytes")
			}
			short := name
			if name == "refused" {
				short = "verdict"
			}
			if s.PredicateType != attest.Type(short) || attest.Type("x://y") != "x://y" {
				t.Errorf("type %q", s.PredicateType)
			}
			golden(t, name+".json", s.Predicate)
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(got, &v); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	pretty = append(pretty, '\n')
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, pretty, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(pretty)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// Whoever reads verdicts finds their schema in docs/.
func TestVerdictSchema(t *testing.T) {
	schema, err := docschema.Of(&attest.Judged{}, "ai-ship verdict", "Predicate of type "+attest.Verdict+".")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/verdict.schema.json", schema)
	for _, j := range []attest.Judgement{judgement(true), judgement(false), {}} {
		s, err := j.Statement()
		if err != nil {
			t.Fatal(err)
		}
		if err := docschema.Validate(schema, s.Predicate); err != nil {
			t.Error(err)
		}
	}
	if docschema.Validate(schema, []byte(`{"passed": true}`)) == nil {
		t.Error("a verdict without its fields is valid")
	}
}

func TestReadVerdict(t *testing.T) {
	s, err := judgement(true).Statement()
	if err != nil {
		t.Fatal(err)
	}
	got, err := attest.ReadVerdict(s)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Passed || got.Size.Compressed != 1<<30 || len(got.Measurements) != 1 || got.Measurements[0].Value != 0.96 || got.Measurements[0].Samples != 450 {
		t.Errorf("verdict %+v", got)
	}
	edit := func(from, to string) sign.Statement {
		text := strings.Replace(string(s.Predicate), from, to, 1)
		if text == string(s.Predicate) {
			t.Fatalf("%q is not in the verdict", from)
		}
		return sign.Statement{PredicateType: s.PredicateType, Predicate: []byte(text)}
	}
	for what, tc := range map[string]struct {
		s    sign.Statement
		want string
	}{
		"type":      {sign.Statement{PredicateType: attest.SBOM, Predicate: s.Predicate}, "predicate type"},
		"json":      {sign.Statement{PredicateType: attest.Verdict, Predicate: []byte("{")}, "reading the verdict"},
		"empty":     {sign.Statement{PredicateType: attest.Verdict, Predicate: []byte("{}")}, "no evaluatedOn"},
		"lie":       {edit(`"outcome":"passed"`, `"outcome":"refused"`), `gate "accuracy" refused`},
		"outcome":   {edit(`"outcome":"passed"`, `"outcome":"great"`), `outcome "great"`},
		"oversized": {sign.Statement{PredicateType: attest.Verdict, Predicate: make([]byte, 5<<20)}, "expected at most"},
	} {
		if _, err := attest.ReadVerdict(tc.s); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", what, err, tc.want)
		}
	}
}

// verifier says that what it is given was signed.
type verifier struct{ statements []sign.Statement }

func (v verifier) Verify(_ context.Context, d name.Digest) (sign.Evidence, error) {
	e := sign.Evidence{Subject: d, Signatures: []sign.Signature{{}}}
	for _, s := range v.statements {
		e.Attestations = append(e.Attestations, sign.Attestation{Statement: s})
	}
	return e, nil
}

func TestDemands(t *testing.T) {
	digest, err := name.NewDigest("example.com/acme/digits@sha256:" + strings.Repeat("0", 64))
	if err != nil {
		t.Fatal(err)
	}
	good, _ := judgement(true).Statement()
	bad, _ := judgement(false).Statement()
	stricter := &gate.Policy{Metrics: []gate.Metric{{Name: "accuracy", Min: &unit.Quantity{Value: 0.97}, Required: true}}}
	for what, tc := range map[string]struct {
		statements []sign.Statement
		policy     *gate.Policy
		want       error
	}{
		"passed":           {[]sign.Statement{good}, nil, nil},
		"ungated":          {nil, nil, sign.ErrUnproven},
		"refused":          {[]sign.Statement{bad}, nil, attest.ErrVerdict},
		"one of two":       {[]sign.Statement{good, bad}, nil, attest.ErrVerdict},
		"stricter channel": {[]sign.Statement{good}, stricter, attest.ErrVerdict},
	} {
		_, err := sign.Prove(t.Context(), verifier{tc.statements}, digest, attest.Demands([]string{"verdict"}, tc.policy))
		if !errors.Is(err, tc.want) || (err != nil) != (tc.want != nil) {
			t.Errorf("%s: %v, want %v", what, err, tc.want)
		}
	}
}

func TestScannedOn(t *testing.T) {
	s, err := attest.Scanned{Run: run(), Findings: found()}.Statement()
	if err != nil {
		t.Fatal(err)
	}
	if at, err := attest.ScannedOn(s); err != nil || !at.Equal(run().Finished) {
		t.Errorf("scanned on %v, %v", at, err)
	}
	for _, text := range []string{"{", "{}", `{"metadata":{"scanFinishedOn":"soon"}}`} {
		if at, err := attest.ScannedOn(sign.Statement{Predicate: []byte(text)}); err == nil {
			t.Errorf("%s: %v", text, at)
		}
	}
	if _, err := (attest.Scanned{}).Statement(); err == nil {
		t.Error("a scan without a database was made a statement of")
	}
	if _, err := attest.Bill([]byte("{")); err == nil {
		t.Error("half an SBOM was made a statement of")
	}
}

func FuzzReadVerdict(f *testing.F) {
	s, err := judgement(true).Statement()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(s.Predicate))
	f.Add([]byte(`{"passed":true,"evaluatedOn":"2026-11-30T12:00:00Z","gates":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := attest.ReadVerdict(sign.Statement{PredicateType: attest.Verdict, Predicate: data})
		if err != nil || !p.Passed {
			return
		}
		for _, r := range p.Gates {
			if r.Outcome == gate.Refused {
				t.Errorf("a verdict with a refusal passed: %s", data)
			}
		}
	})
}

func TestLastScanAndBill(t *testing.T) {
	at := run().Finished
	scanned := func(after time.Duration) sign.Attestation {
		r := run()
		r.Finished = at.Add(after)
		s, err := attest.Scanned{Run: r, Findings: found()}.Statement()
		if err != nil {
			t.Fatal(err)
		}
		return sign.Attestation{Statement: s}
	}
	bill := func(text string) sign.Attestation {
		return sign.Attestation{Statement: sign.Statement{PredicateType: attest.SBOM, Predicate: []byte(text)}}
	}
	broken := sign.Attestation{Statement: sign.Statement{PredicateType: attest.Vulnerabilities, Predicate: []byte("[]")}}
	e := sign.Evidence{Attestations: []sign.Attestation{
		scanned(-time.Hour), scanned(-2 * time.Hour), scanned(time.Hour), broken,
		bill(`{"metadata": {"timestamp": "2026-11-30T12:00:00+00:00"}, "n": 2}`), bill(`{"metadata": {"timestamp": "2026-11-30T12:00:00+02:00"}, "n": 1}`),
	}}
	if got := attest.LastScan(e, at); !got.Equal(at.Add(-time.Hour)) {
		t.Errorf("the last scan is of %s", got)
	}
	if got := attest.LastScan(sign.Evidence{}, at); !got.IsZero() {
		t.Errorf("without one it is of %s", got)
	}
	if got, err := attest.LastBill(e); err != nil || !strings.Contains(string(got), `"n": 2`) {
		t.Errorf("the last SBOM is %s, %v", got, err)
	}
	if got, err := attest.LastBill(sign.Evidence{}); err != nil || got != nil {
		t.Errorf("without one it is %s, %v", got, err)
	}
}

func TestModelStatement(t *testing.T) {
	sum := func(hex string) string { return strings.Repeat(hex, 64) }
	s, err := attest.ModelStatement([]attest.ModelFile{{"m/b-c", sum("1")}, {"m/b/c", sum("2")}, {"m/a", sum("3")}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false},"resources":[` +
		`{"name":"m/a","algorithm":"sha256","digest":"` + sum("3") + `"},{"name":"m/b/c","algorithm":"sha256","digest":"` + sum("2") +
		`"},{"name":"m/b-c","algorithm":"sha256","digest":"` + sum("1") + `"}]}`
	if s.PredicateType != attest.Models || string(s.Predicate) != want {
		t.Errorf("found %s, want %s", s.Predicate, want)
	}
	for name, files := range map[string][]attest.ModelFile{
		"none": nil, "no digest": {{"a", ""}}, "no hex": {{"a", sum("x")}}, "too short": {{"a", "00"}},
	} {
		if s, err := attest.ModelStatement(files); err == nil {
			t.Errorf("%s: %s", name, s.Predicate)
		}
	}
}

// The resources are those that model-signing 1.1.1 lists for the same folder, in
// its order; it was run on one with these files.
func TestModelStatementIsModelSignings(t *testing.T) {
	var files []attest.ModelFile
	for path, text := range map[string]string{"m/b-c": "one", "m/b/c": "two", "m/a": "three", "m/b/empty": ""} {
		files = append(files, attest.ModelFile{Path: path, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(text)))})
	}
	s, err := attest.ModelStatement(files)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Resources []struct{ Algorithm, Digest, Name string }
	}
	if err := json.Unmarshal(s.Predicate, &got); err != nil {
		t.Fatal(err)
	}
	want := []struct{ Algorithm, Digest, Name string }{
		{"sha256", "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f", "m/a"},
		{"sha256", "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3", "m/b/c"},
		{"sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "m/b/empty"},
		{"sha256", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed", "m/b-c"},
	}
	if diff := cmp.Diff(want, got.Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	root := sha256.New()
	for _, r := range got.Resources {
		sum, _ := hex.DecodeString(r.Digest)
		root.Write(sum)
	}
	if got := hex.EncodeToString(root.Sum(nil)); got != "4053737d1c98bbc03f08c6433ccbb1b7e7e52b269216d9b913bf820793159344" {
		t.Errorf("their subject would be %s", got)
	}
}
