package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func compiled(t *testing.T, text string) gate.Rule {
	t.Helper()
	expression, err := rule.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return gate.Rule{Name: "quality", Expression: expression}
}

func TestRules(t *testing.T) {
	r := read(t, "r.json", `{"accuracy": 0.96, "latency_p95_ms": 80, "loss": NaN, "top": [{"k": 1, "a": 1}], "a": {"f1": 0.1}, "b": 0}`)
	tested := read(t, "t.xml", `<testsuite><testcase name="a"/><testcase name="b"/></testsuite>`)
	base := &gate.Baseline{Ref: "acme/digits:production@sha256:0123456789abcdef0123456789abcdef", Compressed: 1e9, Measurements: []gate.Measurement{
		{Name: "accuracy", Value: 0.9}, {Name: "latency", Stat: "p95", Value: 0.1, Unit: unit.Seconds},
		{Name: "f1", Where: map[string]string{"class": "dog"}, Value: 1}, {Name: "recall", Report: "r.json", Value: 1}, {Name: "recall", Pointer: "/recall", Value: 1}}}
	const holds, absent = "; a rule that holds would have passed", "the rule quality cannot be evaluated: "
	for _, tc := range []struct {
		name, rule string
		base       *gate.Baseline
		outcome    gate.Outcome
		want       string
	}{
		{"holds", "metrics.accuracy >= 0.95 && size.growth < 0.15", base, gate.Passed,
			"metrics.accuracy >= 0.95 && size.growth < 0.15 holds (metrics.accuracy is 0.96, size.growth is 0.1)"},
		{"does not", "metrics.accuracy >= 0.97", base, gate.Refused,
			"metrics.accuracy >= 0.97 does not hold (metrics.accuracy is 0.96); numbers for which it holds would have passed"},
		{"statistic", `metrics.latency_p95 < quantity("100ms")`, nil, gate.Passed,
			`metrics.latency_p95 < quantity("100ms") holds (metrics.latency_p95 is 80ms)`},
		{"baseline's statistic", "metrics.latency_p95 <= baseline.metrics.latency_p95", base, gate.Passed,
			"metrics.latency_p95 <= baseline.metrics.latency_p95 holds (metrics.latency_p95 is 80ms, baseline.metrics.latency_p95 is 100ms)"},
		{"before there is a baseline", "metrics.accuracy >= baseline.metrics.accuracy && size.growth <= 0", nil, gate.Passed,
			"metrics.accuracy >= baseline.metrics.accuracy && size.growth <= 0 holds (metrics.accuracy is 0.96, baseline.metrics.accuracy is 0.96, size.growth is 0)"},
		{"baseline", "metrics.accuracy <= baseline.metrics.accuracy", base, gate.Refused,
			"metrics.accuracy <= baseline.metrics.accuracy does not hold (metrics.accuracy is 0.96, baseline.metrics.accuracy is 0.9); numbers for which it holds would have passed"},
		{"tests", "tests.total >= 2 && tests.failed == 0", nil, gate.Passed, "tests.total >= 2 && tests.failed == 0 holds (tests.total is 2, tests.failed is 0)"},
		{"nothing read", "1 < 2", nil, gate.Passed, "1 < 2 holds"},
		{"absent, asked first", "!has(baseline.metrics.f1) || metrics.accuracy > 1", base, gate.Passed,
			"!has(baseline.metrics.f1) || metrics.accuracy > 1 holds"},
		{"absent", "metrics.recall > 0.9", nil, gate.Refused,
			absent + "metrics.recall is absent: recall was not measured (looked into r.json, t.xml); has(metrics.recall) tells whether there is one" + holds},
		{"absent in the baseline", "metrics.accuracy > baseline.metrics.accurac", base, gate.Refused,
			absent + "baseline.metrics.accurac is absent: acme/digits:production@sha256:0123456789ab… recorded no accurac; did you mean accuracy?; has(baseline.metrics.accurac) tells whether there is one" + holds},
		{"of one report only", "metrics.accuracy > baseline.metrics.recall", base, gate.Refused,
			absent + "baseline.metrics.recall is absent: acme/digits:production@sha256:0123456789ab… recorded no recall; has(baseline.metrics.recall) tells whether there is one" + holds},
		{"no number", "metrics.loss < 1 || true", nil, gate.Refused, absent + "reading metrics.loss: loss is no number but NaN (r.json, /loss)" + holds},
		{"dimensions", "metrics.latency_p95 < 100", nil, gate.Refused,
			absent + `line 1, column 21: metrics.latency_p95 is a time (80ms), compared with the plain number 100; write quantity("100ms") or quantity("100s"), whichever is meant` + holds},
	} {
		t.Run(tc.name, func(t *testing.T) {
			evidence := gate.Evidence{Reports: []testreport.Report{tested, r}, Baseline: tc.base, Size: gate.ImageSize{Compressed: 1.1e9}}
			verdict := gate.Evaluate(gate.Policy{Rules: []gate.Rule{compiled(t, tc.rule)}}, evidence)
			got := verdict.Results[len(verdict.Results)-1]
			if got.Outcome != tc.outcome || got.Reason != tc.want || got.Rule != tc.rule || got.Check != gate.CheckRule || got.Value != nil {
				t.Errorf("%+v, want %s\n got %s\nwant %s", got, tc.outcome, got.Reason, tc.want)
			}
		})
	}
}

func TestRuleLevelWarn(t *testing.T) {
	for text, want := range map[string]gate.Outcome{"1 > 2": gate.Warned, "metrics.none > 1": gate.Warned, "2 > 1": gate.Passed} {
		r := compiled(t, text)
		r.Warning = true
		verdict := gate.Evaluate(gate.Policy{Rules: []gate.Rule{r}}, gate.Evidence{})
		if verdict.Results[0].Outcome != want || !verdict.Passed {
			t.Errorf("%s is %+v, want %s", text, verdict.Results[0], want)
		}
	}
}

// A rule records what it compares, in the dimension that it reads, beside a gate
// that was told a unit.
func TestRuleRecordsWhatItReads(t *testing.T) {
	policy := gate.Policy{
		Metrics: []gate.Metric{{Name: "latency", Unit: unit.Quantity{Value: 0.001, Unit: unit.Seconds}, Regression: limit(t, "10%")}},
		Rules:   []gate.Rule{compiled(t, "metrics.latency <= baseline.metrics.latency && metrics.f1 > baseline.metrics.none")},
	}
	evidence := gate.Evidence{Reports: one(read(t, "r.json", `{"latency": 80, "f1": 1}`))}
	record := gate.Evaluate(policy, evidence).Record
	want := []gate.Measurement{{Name: "latency", Value: 0.08, Unit: unit.Seconds}, {Name: "latency", Value: 80}}
	if diff := cmp.Diff(want, record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	policy.Rules[0] = compiled(t, "metrics.latency <= baseline.metrics.latency")
	evidence.Baseline = &gate.Baseline{Ref: "a:b", Measurements: record}
	for _, r := range gate.Evaluate(policy, evidence).Results {
		if r.Outcome != gate.Passed {
			t.Errorf("%s: %s", r.Name, r.Reason)
		}
	}
}
