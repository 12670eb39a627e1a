package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

func sarif(t testing.TB, r report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.SARIF(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sarifSchema is OASIS' own; see testdata/sarif-schema-2.1.0.txt.
var sarifSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	data, err := os.ReadFile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("sarif.json", doc); err != nil {
		return nil, err
	}
	return compiler.Compile("sarif.json")
})

// sarifLog is what the tests look at of a SARIF log.
type sarifLog struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Version string
				Rules   []struct {
					ID         string
					HelpURI    string
					Properties map[string]any
				}
			}
		}
		AutomationDetails *struct{ ID string }
		Invocations       []struct {
			ExecutionSuccessful        bool
			ToolExecutionNotifications []struct {
				Level   string
				Message struct{ Text string }
			}
		}
		Results []struct {
			RuleID    string
			RuleIndex int
			Level     string
			Message   struct{ Text string }
			Locations []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           *struct{ StartLine int }
				}
			}
			PartialFingerprints map[string]string
			Suppressions        []struct{ Kind, Justification string }
		}
	}
}

// checkSARIF holds a log to the schema, and to what the schema cannot say.
func checkSARIF(t testing.TB, r report.Report) sarifLog {
	t.Helper()
	schema, err := sarifSchema()
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(sarif(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(instance); err != nil {
		t.Errorf("no SARIF: %v", err)
	}
	return readSARIF(t, r)
}

// readSARIF holds a log to what the schema cannot say.
func readSARIF(t testing.TB, r report.Report) sarifLog {
	t.Helper()
	data := sarif(t, r)
	var got sarifLog
	if err := json.Unmarshal(data, &got); err != nil || len(got.Runs) != 1 {
		t.Fatalf("%d runs, %v", len(got.Runs), err)
	}
	run := got.Runs[0]
	rules, prints := make(map[string]bool), make(map[string]bool)
	for _, rule := range run.Tool.Driver.Rules {
		if rules[rule.ID] {
			t.Errorf("two rules are called %q", rule.ID)
		}
		rules[rule.ID] = true
		if rule.HelpURI != "" && !strings.HasPrefix(rule.HelpURI, "https://") {
			t.Errorf("it links to %q", rule.HelpURI)
		}
	}
	if len(run.Results) > report.MaxResults {
		t.Errorf("%d results", len(run.Results))
	}
	for _, result := range run.Results {
		if id := run.Tool.Driver.Rules[result.RuleIndex].ID; id != result.RuleID {
			t.Errorf("result of %q points to rule %q", result.RuleID, id)
		}
		hash := result.PartialFingerprints["primaryLocationLineHash"]
		if prints[hash] {
			t.Errorf("two results have the fingerprint %q", hash)
		}
		prints[hash] = true
		uri := result.Locations[0].PhysicalLocation.ArtifactLocation.URI
		parsed, err := url.Parse(uri)
		if err != nil || uri == "" || parsed.IsAbs() || parsed.Host != "" || strings.HasPrefix(uri, "/") || strings.HasPrefix(parsed.Path, "..") || strings.Contains(parsed.Path, "/../") {
			t.Errorf("location %q: %v", uri, err)
		}
		if links := strings.ReplaceAll(strings.ReplaceAll(result.Message.Text, `\\`, ""), `\[`, ""); strings.Contains(links, "[") {
			t.Errorf("a link in %q", result.Message.Text)
		}
	}
	return got
}

func TestSARIFKeepsToTheSchema(t *testing.T) {
	all := fixtures()
	all["zero"] = report.Report{}
	for name, r := range all {
		t.Run(name, func(t *testing.T) { checkSARIF(t, r) })
	}
}

func TestSARIFResults(t *testing.T) {
	r := infested()
	warning := cautioned().Gates[3]
	r.Gates = append(r.Gates, warning)
	run := checkSARIF(t, r).Runs[0]
	var got []string
	for _, result := range run.Results {
		line := result.Level + " " + result.RuleID + " " + result.Locations[0].PhysicalLocation.ArtifactLocation.URI
		if region := result.Locations[0].PhysicalLocation.Region; region != nil {
			line += ":" + strconv.Itoa(region.StartLine)
		}
		for _, s := range result.Suppressions {
			line += " " + s.Kind + ": " + s.Justification
		}
		got = append(got, line)
	}
	const site = "opt/venv/lib/python3.11/site-packages/"
	want := []string{
		"error gate/vulnerabilities ai-ship.yaml", "error gate/models ai-ship.yaml", "error gate/secrets ai-ship.yaml", "error gate/licenses ai-ship.yaml", "error gate/scan ai-ship.yaml",
		"warning gate/inference_time reports/bench.json",
		"error CVE-2024-3094 var/lib/dpkg/status", "error pickle-global models/digits.pkl",
		"error GHSA-9hjg-9r4m-mvj7 " + site + "requests-2.31.0.dist-info/METADATA", "error huggingface-token app/.env:3",
		"warning CVE-2023-45853 var/lib/dpkg/status", "note onnx-custom-op models/post.onnx", "note TEMP-0517018-A83CE6 var/lib/dpkg/status",
		"error aws-access-key-id image%20config%3A%20env%20AWS_ACCESS_KEY_ID external: an example from the documentation (.trivyignore.yaml), until 2024-06-30",
		"error CVE-2022-40897 usr/lib/python3.11/site-packages/setuptools-65.5.1.dist-info/METADATA external: vulnerable_code_not_in_execute_path (vex.json)",
		"note CVE-2024-34062 " + site + "tqdm-4.66.1.dist-info/METADATA external: the command line of tqdm is never called (.trivyignore.yaml), until 2024-07-31",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	severities := make(map[string]any)
	for _, rule := range run.Tool.Driver.Rules {
		severities[rule.ID] = rule.Properties["security-severity"]
	}
	for id, want := range map[string]any{"CVE-2024-3094": "9.5", "GHSA-9hjg-9r4m-mvj7": "8.0", "CVE-2023-45853": "5.5", "onnx-custom-op": "2.0", "TEMP-0517018-A83CE6": "0.0", "gate/scan": nil} {
		if severities[id] != want {
			t.Errorf("%s is rated %v, want %v", id, severities[id], want)
		}
	}
	if run.Tool.Driver.Version != "1.4.0" || run.AutomationDetails.ID != "ai-ship/ghcr.io/acme/digits/" || !run.Invocations[0].ExecutionSuccessful {
		t.Errorf("the run is %+v", run)
	}
	notes := run.Invocations[0].ToolExecutionNotifications
	if len(notes) != 1 || notes[0].Level != "error" || !strings.HasPrefix(notes[0].Message.Text, "the database has no advisories for npm") {
		t.Errorf("what was not looked at: %+v", notes)
	}
}

func TestSARIFRatesARuleAsItsWorst(t *testing.T) {
	r := report.Report{Findings: scan.Findings{Ran: true, Models: []scan.Finding{
		{ID: "a", Severity: scan.Low, Path: "x"}, {ID: "a", Severity: scan.High, Path: "y"}, {ID: "a", Severity: scan.Critical, Path: "z", Ignored: &scan.Ignored{}}}}}
	run := checkSARIF(t, r).Runs[0]
	if rules := run.Tool.Driver.Rules; len(rules) != 1 || rules[0].Properties["security-severity"] != "9.5" {
		t.Errorf("rules are %+v", rules)
	}
	if s := run.Results[2].Suppressions; len(s) != 1 || s[0].Justification != "no reason given" {
		t.Errorf("suppressed as %+v", s)
	}
}

// A fingerprint stays when the image is built anew, and with it its layers.
func TestSARIFFingerprints(t *testing.T) {
	prints := func(r report.Report) map[string]bool {
		all := make(map[string]bool)
		for _, result := range checkSARIF(t, r).Runs[0].Results {
			all[result.RuleID+" "+result.PartialFingerprints["primaryLocationLineHash"]] = true
		}
		return all
	}
	before, later := infested(), infested()
	for i := range later.Findings.Vulnerabilities {
		later.Findings.Vulnerabilities[i].Layer = hash("9")
		later.Findings.Vulnerabilities[i].Version += ".1"
	}
	later.Findings.Secrets[0].Line = 99
	later.Digest = digest("0")
	if diff := cmp.Diff(prints(before), prints(later)); diff != "" {
		t.Errorf("fingerprints changed (-before +after):\n%s", diff)
	}
	two := checkSARIF(t, scanned()).Runs[0]
	if n := len(two.Results); n != 4 { // of 5 vulnerabilities and 2 secrets on two platforms
		t.Errorf("%d results, want each once", n)
	}
}

func TestSARIFIsCut(t *testing.T) {
	r := report.Report{Gates: []gate.Result{{Name: "size", Reason: "too large"}}, Findings: scan.Findings{Ran: true}}
	for i := range report.MaxResults + 7 {
		r.Findings.Vulnerabilities = append(r.Findings.Vulnerabilities, scan.Finding{ID: "CVE-" + strconv.Itoa(i), Severity: scan.Low, Path: "a"})
	}
	r.Findings.Secrets = []scan.Finding{{ID: "key", Severity: scan.Critical, Path: "b"}}
	run := checkSARIF(t, r).Runs[0]
	if n := len(run.Results); n != report.MaxResults || run.Results[0].RuleID != "gate/size" || run.Results[1].RuleID != "key" {
		t.Errorf("%d results, the first are %s, %s", n, run.Results[0].RuleID, run.Results[1].RuleID)
	}
	want := "9 more results are in report.json: this file holds the first 5000"
	if got := run.Invocations[0].ToolExecutionNotifications[0].Message.Text; got != want {
		t.Errorf("notice is %q, want %q", got, want)
	}
	if n := len(run.Tool.Driver.Rules); n != report.MaxResults {
		t.Errorf("%d rules", n)
	}
}

func TestSARIFPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/app/a b.py":            "app/a%20b.py",
		"../../etc/passwd":       "etc/passwd",
		"a/./b//../c":            "a/b/c",
		"//evil.example/x":       "evil.example/x",
		"javascript:alert(1)":    "javascript%3Aalert%281%29",
		"":                       "ghcr.io/acme/digits",
		"..":                     "ghcr.io/acme/digits",
		"m.zip!data.pkl?x#y%00z": "m.zip%21data.pkl%3Fx%23y%2500z",
		"\x1b[2J\xff":            "%1B%5B2J%EF%BF%BD",
		"模型.bin":                 "%E6%A8%A1%E5%9E%8B.bin",
	} {
		r := report.Report{Repository: "ghcr.io/acme/digits", Findings: scan.Findings{Ran: true, Models: []scan.Finding{{ID: "a", Path: path}}}}
		if got := checkSARIF(t, r).Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI; got != want {
			t.Errorf("%q is %s, want %s", path, got, want)
		}
	}
}

// What was not looked at is bounded as the results are.
func TestSARIFNotificationsAreCut(t *testing.T) {
	r := report.Report{Findings: scan.Findings{Ran: true, Incomplete: make([]scan.Incomplete, report.MaxResults+1)}}
	if n := len(checkSARIF(t, r).Runs[0].Invocations[0].ToolExecutionNotifications); n != report.MaxResults {
		t.Errorf("%d notifications", n)
	}
}

func TestSARIFWriterError(t *testing.T) {
	full := errors.New("no space")
	if err := report.SARIF(fullDisk{full}, clear()); !errors.Is(err, full) || err.Error() != "writing the findings as SARIF: no space" {
		t.Errorf("error is %v", err)
	}
}
