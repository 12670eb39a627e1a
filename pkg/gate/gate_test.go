package gate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// limit parses a quantity as a config has it.
func limit(t *testing.T, s string) *unit.Quantity {
	t.Helper()
	q, err := unit.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return &q
}

// read makes a report of its text, written at noon.
func read(t *testing.T, name, text string) testreport.Report {
	t.Helper()
	report, err := testreport.ReadFile(name, strings.NewReader(text), noon)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestEvaluateWithoutPolicyPasses(t *testing.T) {
	if diff := cmp.Diff(gate.Verdict{Passed: true}, gate.Evaluate(gate.Policy{}, gate.Evidence{})); diff != "" {
		t.Error(diff)
	}
}

func TestEvaluateOrdersResults(t *testing.T) {
	policy := gate.Policy{
		Size: gate.Size{Max: limit(t, "1.1GB"), Unpacked: limit(t, "3GB"), Growth: limit(t, "10%")},
		Metrics: []gate.Metric{
			{Name: "test_a", Min: limit(t, "1ms"), Max: limit(t, "2s"), Required: true},
			{Name: "gpu_memory", Max: limit(t, "2GB")},
		},
	}
	evidence := gate.Evidence{
		Size:    gate.ImageSize{Compressed: 1e9, Unpacked: 2e9},
		Reports: []testreport.Report{read(t, "r.xml", `<testsuite><testcase name="test_a" time="1"/></testsuite>`)},
	}
	verdict := gate.Evaluate(policy, evidence)
	var got []string
	for _, r := range verdict.Results {
		got = append(got, r.Name+": "+r.Reason)
	}
	want := []string{
		"size: the compressed image has 1.00GB, at or below the ceiling of 1.1GB",
		"size.unpacked: the unpacked image has 2.00GB, at or below the ceiling of 3GB",
		"size.growth: no baseline: the channel points to nothing yet",
		"tests: 1 test passed",
		"test_a: test_a is 1s, at or above the floor of 1ms (r.xml, testsuite[1]/testcase[1]/@time)",
		"test_a: test_a is 1s, at or below the ceiling of 2s (r.xml, testsuite[1]/testcase[1]/@time)",
		"gpu_memory: not measured, not required",
	}
	if diff := cmp.Diff(want, got); diff != "" || !verdict.Passed {
		t.Errorf("passed %v, results (-want +got):\n%s", verdict.Passed, diff)
	}
	value, source := 1.0, evidence.Reports[0].Metrics[0].Source
	result := gate.Result{Name: "test_a", Check: gate.CheckMin, Outcome: gate.Passed, Margin: new(999.0), Value: &value, Unit: unit.Seconds, Limit: &gate.Limit{Op: ">=", Value: 0.001},
		Passed: true, Required: true, Reason: verdict.Results[4].Reason, Source: &source}
	if diff := cmp.Diff(result, verdict.Results[4]); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if _, err := json.Marshal(verdict); err != nil {
		t.Errorf("the verdict is no JSON: %v", err)
	}
}

func TestSizes(t *testing.T) {
	grown := gate.Evidence{
		Size:     gate.ImageSize{Compressed: 1_100_000_001, Unpacked: 3e9},
		Baseline: &gate.Baseline{Ref: "ghcr.io/acme/digits:production", Compressed: 1e9},
	}
	shrunk := grown
	shrunk.Size.Compressed = 9e8
	const over = "the compressed image has 1.10GB, 10% larger than ghcr.io/acme/digits:production (1.00GB), "
	for _, tc := range []struct {
		name     string
		size     gate.Size
		evidence gate.Evidence
		passed   bool
		want     string
	}{
		{"over by a byte", gate.Size{Max: limit(t, "1.1GB")}, grown, false,
			"the compressed image has 1.100000001GB, above the ceiling of 1.1GB; 1.1GB or less would have passed"},
		{"binary limit", gate.Size{Unpacked: limit(t, "2GiB")}, grown, false,
			"the unpacked image has 3.00GB, above the ceiling of 2.147483648GB; 2.147483648GB or less would have passed"},
		{"size not known", gate.Size{Unpacked: limit(t, "2GB")}, gate.Evidence{}, false,
			"the size of the unpacked image is not known; 2GB or less would have passed"},
		{"limit in seconds", gate.Size{Max: limit(t, "2s")}, grown, false,
			"the limit 2s of size is a time; a limit in bytes such as 1.1GB would have been applied"},
		{"growth over a ratio", gate.Size{Growth: limit(t, "10%")}, grown, false,
			strings.Replace(over, "1.10GB", "1.100000001GB", 1) + "above the allowed growth of 10%; 1.1GB or less would have passed"},
		{"growth within a ratio", gate.Size{Growth: limit(t, "12.5%")}, grown, true, over + "within the allowed growth of 12.5%"},
		{"growth over bytes", gate.Size{Growth: limit(t, "50MB")}, grown, false,
			over + "above the allowed growth of 50MB; 1.05GB or less would have passed"},
		{"smaller", gate.Size{Growth: limit(t, "0%")}, shrunk, true,
			"the compressed image has 900MB, 10% smaller than ghcr.io/acme/digits:production (1.00GB), within the allowed growth of 0%"},
		{"growth without unit", gate.Size{Growth: limit(t, "0.1")}, grown, false,
			"the limit 0.1 of size.growth is a number without unit; a limit such as 10% or 50MB would have been applied"},
		{"baseline not known", gate.Size{Growth: limit(t, "10%")}, gate.Evidence{Size: grown.Size, Baseline: &gate.Baseline{Ref: "a:b"}}, false,
			"the growth over a:b is not known, because one of the two sizes is not; a growth of 10% or less would have passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			verdict := gate.Evaluate(gate.Policy{Size: tc.size}, tc.evidence)
			if len(verdict.Results) != 1 || verdict.Passed != tc.passed || verdict.Results[0].Passed != tc.passed || verdict.Results[0].Reason != tc.want {
				t.Errorf("verdict %+v\nwant passed %v, reason %s", verdict, tc.passed, tc.want)
			}
		})
	}
	r := gate.Evaluate(gate.Policy{Size: gate.Size{Growth: limit(t, "10%")}}, grown).Results[0]
	if r.Unit != unit.Bytes || *r.Value != 1_100_000_001 || r.Limit.Value != 1.1e9 || *r.Baseline != 1e9 {
		t.Errorf("growth's numbers are %v %v %v %s", *r.Value, r.Limit.Value, *r.Baseline, r.Unit)
	}
}

func TestTests(t *testing.T) {
	failing := `<testsuite>`
	for _, name := range []string{"a", "b", "c", "d", "e", "f\x7f", "g"} {
		failing += `<testcase classname="t" name="` + name + `"><failure/></testcase>`
	}
	failing += `<testcase name="ok"/></testsuite>`
	good := read(t, "good.xml", `<testsuite><testcase name="a"/><testcase name="b"/></testsuite>`)
	one := read(t, "one.xml", `<testsuite><testcase name="x&#10;y"><error/></testcase></testsuite>`)
	for _, tc := range []struct {
		name    string
		reports []testreport.Report
		model   time.Time
		passed  bool
		want    string
	}{
		{"passed", []testreport.Report{good, good}, noon, true, "4 tests passed"},
		{"one failed", []testreport.Report{good, one}, time.Time{}, false,
			"1 of 3 tests failed: x y (one.xml, testsuite[1]/testcase[1]/error[1]); no failed test would have passed"},
		{"many failed", []testreport.Report{read(t, "r.xml", failing)}, time.Time{}, false,
			"7 of 8 tests failed: t.a, t.b, t.c, t.d, t.e and 2 more (r.xml, testsuite[1]/testcase[1]/failure[1]); no failed test would have passed"},
		{"older than the model", []testreport.Report{good}, noon.Add(time.Hour), false,
			"good.xml was written at 2026-01-02T12:00:00Z, before the model m.gguf of 2026-01-02T13:00:00Z; run the tests again: a report newer than the model would have passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			verdict := gate.Evaluate(gate.Policy{}, gate.Evidence{Reports: tc.reports, NewestModel: tc.model, NewestModelPath: "m.gguf"})
			if len(verdict.Results) != 1 || verdict.Passed != tc.passed {
				t.Fatalf("verdict %+v, want one result, passed %v", verdict, tc.passed)
			}
			r := verdict.Results[0]
			if r.Name != "tests" || r.Passed != tc.passed || !r.Required || r.Reason != tc.want {
				t.Errorf("result %+v\nwant reason %s", r, tc.want)
			}
		})
	}
	numbers := gate.Evaluate(gate.Policy{}, gate.Evidence{Reports: []testreport.Report{read(t, "r.json", `{"a": 1}`)}})
	if len(numbers.Results) != 0 {
		t.Errorf("a report without tests has the results %+v", numbers.Results)
	}
}
