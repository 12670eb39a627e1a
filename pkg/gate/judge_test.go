package gate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// judgement is one gate on some reports and a baseline, and what must come of it.
type judgement struct {
	name    string
	metric  gate.Metric
	reports []testreport.Report
	base    *gate.Baseline
	outcome gate.Outcome
	want    string
}

// judge evaluates one required metric gate a case, and compares the outcome and
// the sentence of its last result.
func judge(t *testing.T, cases []judgement) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tc.metric.Required = true
			verdict := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{tc.metric}}, gate.Evidence{Reports: tc.reports, Baseline: tc.base})
			r := verdict.Results[len(verdict.Results)-1]
			if r.Outcome != tc.outcome || r.Reason != tc.want {
				t.Errorf("%s, want %s\n got %s\nwant %s", r.Outcome, tc.outcome, r.Reason, tc.want)
			}
		})
	}
}

// recorded is a baseline that measured one thing.
func recorded(m gate.Measurement) *gate.Baseline {
	return &gate.Baseline{Ref: "acme/digits:production@sha256:0123456789abcdef0123456789abcdef", Compressed: 1e9, Measurements: []gate.Measurement{m}}
}

// metrics is a report of them, as some reader would have made it.
func metrics(path string, all ...testreport.Metric) testreport.Report {
	report := testreport.Report{Path: path, Modified: noon}
	for _, m := range all {
		m.Source.File = path
		if m.Source.Pointer == "" {
			m.Source.Pointer = "/" + m.Name
		}
		report.Metrics = append(report.Metrics, m)
	}
	return report
}

func labels(pairs ...string) (all []testreport.Label) {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		all = append(all, testreport.Label{Name: name, Value: value})
	}
	return all
}

func TestEquals(t *testing.T) {
	r := read(t, "r.json", `{"classes": 10, "rate": 0.30000000000000004, "none": 0, "little": 1e-300, "wait_ms": 250}`)
	equals := func(name, at string) gate.Metric { return gate.Metric{Name: name, Equals: limit(t, at)} }
	judge(t, []judgement{
		{"same", equals("classes", "10"), one(r), nil, gate.Passed, "classes is 10, equal to 10 (r.json, /classes)"},
		{"as far as reports print", equals("rate", "0.3"), one(r), nil, gate.Passed, "rate is 0.3, equal to 0.3 (r.json, /rate)"},
		{"other", equals("classes", "11"), one(r), nil, gate.Refused,
			"classes is 10, not equal to 11 (r.json, /classes); exactly 11 would have passed"},
		{"almost", equals("classes", "10.0000001"), one(r), nil, gate.Refused,
			"classes is 10, not equal to 10.0000001 (r.json, /classes); exactly 10.0000001 would have passed"},
		{"zero", equals("none", "0"), one(r), nil, gate.Passed, "none is 0, equal to 0 (r.json, /none)"},
		{"nothing rounds to zero", equals("little", "0"), one(r), nil, gate.Refused,
			"little is 1e-300, not equal to 0 (r.json, /little); exactly 0 would have passed"},
		{"in another unit", equals("wait", "0.25s"), one(r), nil, gate.Passed, "wait is 250ms, equal to 250ms (r.json, /wait_ms)"},
	})
}

// What is printed never stands on the other side of the limit.
func TestSentencesShowEnoughDigits(t *testing.T) {
	r := read(t, "r.json", `{"sum": 0.09999999999999999, "wait": "100.00000000000003ms", "weight": "1.0000000000000002GB"}`)
	judge(t, []judgement{
		{"number", gate.Metric{Name: "sum", Min: limit(t, "0.1")}, one(r), nil, gate.Refused,
			"sum is 0.09999999999999999, below the floor of 0.1 (r.json, /sum); 0.1 or more would have passed"},
		{"time", gate.Metric{Name: "wait", Max: limit(t, "100ms")}, one(r), nil, gate.Refused,
			"wait is 0.10000000000000003s, above the ceiling of 100ms (r.json, /wait); 100ms or less would have passed"},
		{"size", gate.Metric{Name: "weight", Max: limit(t, "1GB")}, one(r), nil, gate.Refused,
			"weight is 1.0000000000000002e+09B, above the ceiling of 1GB (r.json, /weight); 1GB or less would have passed"},
	})
}

// The trap of every team's first report: 96 for 0.96.
func TestPercentReadAsRatio(t *testing.T) {
	r := read(t, "r.json", `{"accuracy": 96, "error_rate_percent": 50, "val": {"f1": 0.9, "recall": 1.0000000000000002}, "error_rate": -1}`)
	locust := metrics("l.json", testreport.Metric{Name: "error_rate", Unit: unit.Ratio, Value: 0.5}, testreport.Metric{Name: "coverage", Unit: unit.Ratio, Value: 1.2})
	percent := unit.Quantity{Value: 0.01, Unit: unit.Ratio}
	const told = ": write unit: percent if the report counts so; "
	judge(t, []judgement{
		{"against a number", gate.Metric{Name: "accuracy", Min: limit(t, "0.95")}, one(r), nil, gate.Refused,
			"accuracy is 96, which is no ratio (r.json, /accuracy)" + told + "0.95 or more would have passed"},
		{"against a percentage", gate.Metric{Name: "accuracy", Min: limit(t, "95%")}, one(r), nil, gate.Refused,
			"accuracy is 96, which is no ratio (r.json, /accuracy)" + told + "0.95 or more would have passed"},
		{"by its place", gate.Metric{Name: "quality", Pointer: "/accuracy", Min: limit(t, "0.95")}, one(r), nil, gate.Refused,
			"quality is 96, which is no ratio (r.json, /accuracy)" + told + "0.95 or more would have passed"},
		{"told", gate.Metric{Name: "accuracy", Min: limit(t, "0.95"), Unit: percent}, one(r), nil, gate.Passed,
			"accuracy is 0.96, at or above the floor of 0.95 (r.json, /accuracy)"},
		{"limit counts so too", gate.Metric{Name: "accuracy", Min: limit(t, "95")}, one(r), nil, gate.Passed,
			"accuracy is 96, at or above the floor of 95 (r.json, /accuracy)"},
		{"told wrongly", gate.Metric{Name: "accuracy", Min: limit(t, "0.95"), Unit: unit.Quantity{Value: 1, Unit: unit.Ratio}}, one(r), nil, gate.Refused,
			"accuracy is 96, and cannot be more than 1 (r.json, /accuracy); 0.95 or more would have passed"},
		{"ratio above all", gate.Metric{Name: "coverage", Min: limit(t, "80%")}, one(locust), nil, gate.Refused,
			"coverage is 1.2, and cannot be more than 1 (l.json, /coverage); 0.8 or more would have passed"},
		{"a limit in percent of a ratio", gate.Metric{Name: "error_rate", Max: limit(t, "5")}, one(locust), nil, gate.Refused,
			"error_rate is 0.5, a ratio, but its limit 5 is none (l.json, /error_rate): write 5%; 5 or less would have passed"},
		{"rounding above 1", gate.Metric{Name: "val.recall", Min: limit(t, "95%")}, one(r), nil, gate.Passed,
			"val.recall is 1, at or above the floor of 0.95 (r.json, /val/recall)"},
		{"negative", gate.Metric{Pointer: "/error_rate", Max: limit(t, "0.1")}, one(r), nil, gate.Refused,
			"/error_rate is -1, and cannot be negative (r.json, /error_rate); 0.1 or less would have passed"},
	})
}

func TestLevelWarn(t *testing.T) {
	r := read(t, "r.json", `{"score": 0.5, "loss": NaN, "latency_ms": 120}`)
	judge(t, []judgement{
		{"keeps its limit", gate.Metric{Name: "score", Min: limit(t, "0.5"), Warning: true}, one(r), nil, gate.Passed,
			"score is 0.5, at or above the floor of 0.5 (r.json, /score)"},
		{"does not", gate.Metric{Name: "score", Min: limit(t, "0.6"), Warning: true}, one(r), nil, gate.Warned,
			"score is 0.5, below the floor of 0.6 (r.json, /score); 0.6 or more would have passed"},
		{"below the warning level", gate.Metric{Name: "score", Min: limit(t, "0.4"), Warn: limit(t, "0.6"), Warning: true}, one(r), nil, gate.Warned,
			"score is 0.5, at or above the floor of 0.4, but below the floor of 0.6 (r.json, /score); 0.6 or more would have passed without a warning"},
		{"no number", gate.Metric{Name: "loss", Max: limit(t, "1"), Warning: true}, one(r), nil, gate.Warned,
			"loss is no number but NaN (r.json, /loss); 1 or less would have passed"},
		{"missing", gate.Metric{Name: "other", Max: limit(t, "1"), Warning: true}, one(r), nil, gate.Warned,
			"other was not measured (looked into r.json); 1 or less would have passed"},
		{"no limit", gate.Metric{Name: "score", Warning: true}, one(r), nil, gate.Warned,
			"score has no limit; with a min or a max that it keeps it would have passed"},
		{"worse", gate.Metric{Name: "latency", Regression: limit(t, "10%"), Warning: true}, one(r),
			recorded(gate.Measurement{Name: "latency", Value: 0.1, Unit: unit.Seconds}), gate.Warned,
			"latency is 120ms, 20% worse than the 100ms of acme/digits:production@sha256:0123456789ab…, more than the allowed 10% (r.json, /latency_ms); 110ms or less would have passed"},
	})
}

// Two gates of one name at two places must not be compared with each other's
// past.
func TestRecordsOfOneName(t *testing.T) {
	reports := func(a, b float64) []testreport.Report {
		latency := func(v float64) testreport.Metric {
			return testreport.Metric{Name: "latency", Unit: unit.Seconds, Value: v, Source: testreport.Source{Pointer: "/latency"}}
		}
		return []testreport.Report{metrics("a.json", latency(a)), metrics("b.json", latency(b))}
	}
	policy := gate.Policy{Metrics: []gate.Metric{
		{Name: "latency", Report: "a.json", Regression: limit(t, "10%")},
		{Name: "latency", Report: "b.json", Regression: limit(t, "10%")},
	}}
	first := gate.Evaluate(policy, gate.Evidence{Reports: reports(0.1, 0.01)})
	for how, record := range map[string][]gate.Measurement{"image": first.Record, "file": gate.Measurements(first.Results)} {
		evidence := gate.Evidence{Reports: reports(0.1, 0.02), Baseline: &gate.Baseline{Ref: "a:b", Measurements: record}}
		verdict := gate.Evaluate(policy, evidence)
		var got []string
		for _, r := range verdict.Results {
			got = append(got, r.Reason)
		}
		want := []string{
			"latency is 100ms, as good as the 100ms of a:b, within the allowed 10% (a.json, /latency)",
			"latency is 20ms, 100% worse than the 10ms of a:b, more than the allowed 10% (b.json, /latency); 11ms or less would have passed",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
}
