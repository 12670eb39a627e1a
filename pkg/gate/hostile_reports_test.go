package gate_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// readAll reads reports by name that were written a minute apart.
func readAll(t *testing.T, texts map[string]string) []testreport.Report {
	t.Helper()
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var reports []testreport.Report
	for name, text := range texts {
		written = written.Add(time.Minute)
		report, err := testreport.ReadFile(name, strings.NewReader(text), written)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, report)
	}
	return reports
}

func TestReportsThatDisagreeDoNotPass(t *testing.T) {
	for about, texts := range map[string]map[string]string{
		"two of JSON":          {"a.json": `{"accuracy": 0.1}`, "b.json": `{"accuracy": 0.99}`},
		"JSON and JUnit":       {"a.json": `{"accuracy": 0.1}`, "b.xml": `<testsuite><testcase name="t" time="1"><properties><property name="accuracy" value="0.99"/></properties></testcase></testsuite>`},
		"a name and an alias":  {"a.json": `{"accuracy": 0.1}`, "b.json": `{"accuracy_pct": 99, "accuracy": 0.99}`},
		"one is NaN":           {"a.json": `{"accuracy": NaN}`, "b.json": `{"accuracy": 0.99}`},
		"one is of Prometheus": {"a.prom": "accuracy 0.1\n", "b.toml": "accuracy = 0.99\n"},
		"one has failed tests": {"a.xml": `<testsuite><testcase name="t"><failure/></testcase></testsuite>`, "b.json": `{"accuracy": 0.99}`},
	} {
		verdict := gate.Evaluate(gate.Policy{Metrics: lenient(t, "accuracy")}, gate.Evidence{Reports: readAll(t, texts)})
		if verdict.Passed {
			t.Errorf("%s: passes", about)
		}
	}
}

func TestStaleReportsDoNotPass(t *testing.T) {
	for name, text := range map[string]string{
		"a.json": `{"accuracy": 0.99}`,
		"a.xml":  `<testsuite><testcase name="accuracy_test" time="1"><properties><property name="accuracy" value="0.99"/></properties></testcase></testsuite>`,
		"a.csv":  "a,accuracy\n1,0.99\n",
		"a.prom": "accuracy 0.99\n",
	} {
		reports := readAll(t, map[string]string{name: text})
		evidence := gate.Evidence{Reports: reports, NewestModel: reports[0].Modified.Add(time.Second), NewestModelPath: "model.bin"}
		policy := gate.Policy{Metrics: lenient(t, "accuracy")}
		verdict := gate.Evaluate(policy, evidence)
		if verdict.Passed || !strings.Contains(verdict.Results[0].Reason, name) || !strings.Contains(verdict.Results[0].Reason, "model.bin") {
			t.Errorf("%s: passes %v, %+v", name, verdict.Passed, verdict.Results)
		}
		evidence.NewestModel = reports[0].Modified
		if verdict := gate.Evaluate(policy, evidence); !verdict.Passed {
			t.Errorf("%s of the model's time: %+v", name, verdict.Results)
		}
	}
}

// Of every sample, cut at these shares. What can still be read has the values
// that the whole has (testreport's own test), and fewer metrics: a gate on each
// of the whole must not find them all.
func TestCutReportsDoNotPass(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/reports/*.*")
	if err != nil || len(paths) < 18 {
		t.Fatal(paths, err)
	}
	refused, read := 0, 0
	for _, path := range paths {
		name := filepath.Base(path)
		data, err := os.ReadFile(path)
		if err != nil || name == "README.md" {
			continue
		}
		whole, err := testreport.ReadFile(name, bytes.NewReader(data), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var policy gate.Policy
		for _, m := range whole.Metrics {
			everything := unit.Quantity{Value: -1e300, Unit: m.Unit}
			policy.Metrics = append(policy.Metrics, gate.Metric{Name: m.Name, Pointer: m.Source.Pointer, Stat: m.Stat, Min: &everything, Required: true})
		}
		data = bytes.TrimRight(data, "\r\n")
		for _, percent := range []int{25, 50, 75, 90, 99} {
			part, err := testreport.ReadFile(name, bytes.NewReader(data[:len(data)*percent/100]), time.Time{})
			if err != nil {
				if text := err.Error(); !strings.Contains(text, name) || strings.Contains(text, "\n") {
					t.Errorf("%s at %d %%: %q is no sentence that names the file", name, percent, text)
				}
				refused++
				continue
			}
			read++
			verdict := gate.Evaluate(policy, gate.Evidence{Reports: []testreport.Report{part}})
			if verdict.Passed && len(part.Metrics) != len(whole.Metrics) {
				t.Errorf("%s at %d %% passes", name, percent)
			}
		}
	}
	if t.Logf("%d cut reports refused, %d read", refused, read); refused < 150 {
		t.Errorf("%d cut reports were refused, want 150 and more", refused)
	}
}
