package gate_test

import (
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

type metricCase struct {
	name    string
	metric  gate.Metric
	reports []testreport.Report
	want    string
}

// check evaluates one required metric gate a case, and compares its sentence.
func check(t *testing.T, passed bool, cases []metricCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tc.metric.Required = true
			verdict := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{tc.metric}}, gate.Evidence{Reports: tc.reports})
			r := verdict.Results[len(verdict.Results)-1]
			if verdict.Passed != passed || r.Passed != passed || r.Reason != tc.want {
				t.Errorf("passed %v\n got %s\nwant %s", r.Passed, r.Reason, tc.want)
			}
		})
	}
}

func one(r ...testreport.Report) []testreport.Report { return r }

func TestMetricPasses(t *testing.T) {
	xml := read(t, "e.xml", `<testsuite><properties><property name="accuracy" value="0.9667"/></properties>
		<testcase classname="t.a" name="test_x" time="0.25"><properties><property name="accuracy" value="0.9667"/></properties></testcase></testsuite>`)
	bench := read(t, "b.json", `{"machine_info": {}, "benchmarks": [{"name": "test_i", "fullname": "t.py::test_i", "stats": {"mean": 9, "data": [0.05, 0.06, 0.08]}}]}`)
	stats := read(t, "s.json", `{"latency_p95_ms": 80, "latency_mean_ms": 50, "memory": 1500, "accuracy_pct": 97, "one": [5], "t": {"unit":"ms","p99":3}, "score": 0.5}`)
	check(t, true, []metricCase{
		{"equal values", gate.Metric{Name: "accuracy", Min: limit(t, "0.95")}, one(xml),
			"accuracy is 0.9667, at or above the floor of 0.95 (e.xml, testsuite[1]/properties/property[1])"},
		{"on the floor", gate.Metric{Name: "accuracy", Min: limit(t, "0.9667")}, one(xml),
			"accuracy is 0.9667, at or above the floor of 0.9667 (e.xml, testsuite[1]/properties/property[1])"},
		{"ratio limit on a plain value", gate.Metric{Name: "accuracy", Min: limit(t, "95%")}, one(xml),
			"accuracy is 0.9667, at or above the floor of 0.95 (e.xml, testsuite[1]/properties/property[1])"},
		{"plain limit on a ratio", gate.Metric{Name: "accuracy", Min: limit(t, "0.97")}, one(stats),
			"accuracy is 0.97, at or above the floor of 0.97 (s.json, /accuracy_pct)"},
		{"alias", gate.Metric{Name: "t.a.test_x", Max: limit(t, "1s")}, one(xml),
			"t.a.test_x is 250ms, at or below the ceiling of 1s (e.xml, testsuite[1]/testcase[1]/@time)"},
		{"place in XML", gate.Metric{Name: "x", Pointer: "testsuite[1]/testcase[1]/@time", Max: limit(t, "1s")}, one(xml),
			"x is 250ms, at or below the ceiling of 1s (e.xml, testsuite[1]/testcase[1]/@time)"},
		{"raw samples win", gate.Metric{Name: "test_i", Stat: "mean", Max: limit(t, "100ms")}, one(bench),
			"test_i mean is 63.3ms, at or below the ceiling of 100ms (b.json, /benchmarks/0/stats/data)"},
		{"computed percentile", gate.Metric{Name: "t.py::test_i", Stat: "p95", Max: limit(t, "100ms")}, one(bench),
			"t.py::test_i p95 is 78ms, at or below the ceiling of 100ms (b.json, /benchmarks/0/stats/data)"},
		{"a recorded value wins over a test's duration", gate.Metric{Name: "accuracy", Min: limit(t, "0.95")},
			one(read(t, "d.xml", `<testsuite><testcase name="accuracy" time="3"><properties><property name="accuracy" value="0.97"/></properties></testcase></testsuite>`)),
			"accuracy is 0.97, at or above the floor of 0.95 (d.xml, testsuite[1]/testcase[1]/properties/property[1])"},
		{"one sample needs no statistic", gate.Metric{Name: "one", Max: limit(t, "5")}, one(stats),
			"one is 5, at or below the ceiling of 5 (s.json, /one)"},
		{"precomputed statistic", gate.Metric{Name: "latency", Stat: "p95", Max: limit(t, "80ms")}, one(stats),
			"latency p95 is 80ms, at or below the ceiling of 80ms (s.json, /latency_p95_ms)"},
		{"name as the report has it", gate.Metric{Name: "latency_p95_ms", Max: limit(t, "80ms")}, one(stats, stats),
			"latency_p95_ms p95 is 80ms, at or below the ceiling of 80ms (s.json, /latency_p95_ms)"},
		{"pointer to a statistic", gate.Metric{Pointer: "/t/p99", Max: limit(t, "80ms")}, one(stats),
			"/t/p99 p99 is 3ms, at or below the ceiling of 80ms (s.json, /t/p99)"},
		{"unit told", gate.Metric{Name: "memory", Max: limit(t, "1.5GB"), Unit: unit.Quantity{Value: 1e6, Unit: unit.Bytes}}, one(stats),
			"memory is 1.50GB, at or below the ceiling of 1.5GB (s.json, /memory)"},
		{"unit told of one that has its own", gate.Metric{Name: "latency_p95_ms", Max: limit(t, "1s"), Unit: unit.Quantity{Value: 1, Unit: unit.Seconds}}, one(stats),
			"latency_p95_ms p95 is 80ms, at or below the ceiling of 1s (s.json, /latency_p95_ms)"},
		{"report chosen", gate.Metric{Name: "accuracy", Report: "s.json", Min: limit(t, "0.97")}, one(xml, stats),
			"accuracy is 0.97, at or above the floor of 0.97 (s.json, /accuracy_pct)"},
		{"rounds below its limit", gate.Metric{Name: "score", Max: limit(t, "0.50001")}, one(stats),
			"score is 0.5, at or below the ceiling of 0.50001 (s.json, /score)"},
	})
}

func TestMetricRefuses(t *testing.T) {
	xml := read(t, "reports/evaluation.xml", `<testsuite><properties><property name="accuracy" value="0.96666"/></properties><testcase name="t"/></testsuite>`)
	json := read(t, "s.json", `{"accuracy": 0.97, "latency_p99_ms": 80, "latency_mean_ms": 50, "runs": [1, 2], "memory": 1500, "loss": NaN,
		"bad": [1, NaN], "wait_ms": -1, "pct": 97, "near": 0.99896, "best_max": 3, "mixed_p95": NaN, "mixed_mean": 1, "huge_ms": 1e308}`)
	atMost := func(name, at string) gate.Metric { return gate.Metric{Name: name, Max: limit(t, at)} }
	atLeast := func(name, at string) gate.Metric { return gate.Metric{Name: name, Min: limit(t, at)} }
	ms := unit.Quantity{Value: 1e9, Unit: unit.Seconds}
	check(t, false, []metricCase{
		{"below", atLeast("accuracy", "0.999"), one(xml),
			"accuracy is 0.9667, below the floor of 0.999 (reports/evaluation.xml, testsuite[1]/properties/property[1]); 0.999 or more would have passed"},
		{"above", gate.Metric{Name: "latency", Stat: "p99", Max: limit(t, "79.5ms")}, one(json),
			"latency p99 is 80ms, above the ceiling of 79.5ms (s.json, /latency_p99_ms); 79.5ms or less would have passed"},
		{"rounded form would pass", atLeast("near", "0.999"), one(json),
			"near is 0.99896, below the floor of 0.999 (s.json, /near); 0.999 or more would have passed"},
		{"no limit", gate.Metric{Name: "accuracy"}, one(xml),
			"accuracy has no limit; with a min or a max that it keeps it would have passed"},
		{"no report", atLeast("accuracy", "0.9"), nil,
			"accuracy was not measured: no report was read, name them under reports; 0.9 or more would have passed"},
		{"report not read", gate.Metric{Name: "accuracy", Report: "other.xml", Min: limit(t, "0.9")}, one(xml, json),
			`accuracy was not measured: the report "other.xml" was not read (there is reports/evaluation.xml, s.json); 0.9 or more would have passed`},
		{"missing", atLeast("throughput", "100"), one(xml, json),
			"throughput was not measured (looked into reports/evaluation.xml, s.json); 100 or more would have passed"},
		{"misspelt", atLeast("Acuracy", "0.9"), one(xml, json),
			"Acuracy was not measured (looked into reports/evaluation.xml, s.json; did you mean accuracy?); 0.9 or more would have passed"},
		{"part of a name", atLeast("late", "0.9"), one(json),
			"late was not measured (looked into s.json; did you mean latency or latency_p99_ms or latency_mean_ms?); 0.9 or more would have passed"},
		{"pointer to nothing", gate.Metric{Name: "accuracy", Pointer: "/acuracy", Min: limit(t, "0.9")}, one(json),
			"accuracy was not measured: nothing stands at /acuracy (looked into s.json; did you mean /accuracy?); 0.9 or more would have passed"},
		{"ambiguous", atLeast("accuracy", "0.9"), one(xml, json),
			"accuracy is ambiguous: reports/evaluation.xml#testsuite[1]/properties/property[1]=0.96666, s.json#/accuracy=0.97; " +
				"set report: or pointer: to choose one, or runs: to take the median of several runs; 0.9 or more would have passed"},
		{"several samples", atMost("runs", "9"), one(json),
			"runs has 2 samples (s.json, /runs): write stat: p95 or another; 9 or less would have passed"},
		{"several statistics", atMost("latency", "9ms"), one(json),
			"latency is there as p99, mean only (s.json, /latency_p99_ms): write stat: p99 or stat: mean; 9ms or less would have passed"},
		{"one statistic", atMost("best", "9"), one(json),
			"best is there as max only (s.json, /best_max): write stat: max; 9 or less would have passed"},
		{"another statistic", gate.Metric{Name: "latency", Stat: "p95", Max: limit(t, "9ms")}, one(json),
			"latency has no p95, only p99, mean (s.json, /latency_p99_ms); 9ms or less would have passed"},
		{"statistic of a single value", gate.Metric{Name: "accuracy", Stat: "p95", Min: limit(t, "0.9")}, one(json),
			"accuracy has no p95, only a single value (s.json, /accuracy); 0.9 or more would have passed"},
		{"unknown statistic", gate.Metric{Name: "runs", Stat: "mode", Max: limit(t, "9")}, one(json),
			`runs has an unknown statistic "mode"; expected mean, median, min, max or a percentile such as p95 or p99.9; 9 or less would have passed`},
		{"NaN", atMost("loss", "9"), one(json), "loss is no number but NaN (s.json, /loss); 9 or less would have passed"},
		{"NaN asked by statistic", gate.Metric{Name: "loss", Stat: "p95", Max: limit(t, "9")}, one(json),
			"loss is no number but NaN (s.json, /loss); 9 or less would have passed"},
		{"NaN statistic", gate.Metric{Name: "mixed", Stat: "p95", Max: limit(t, "9")}, one(json),
			"mixed is no number but NaN (s.json, /mixed_p95); 9 or less would have passed"},
		{"NaN by alias", atMost("mixed_p95", "9"), one(json),
			"mixed_p95 is no number but NaN (s.json, /mixed_p95); 9 or less would have passed"},
		{"NaN sample", gate.Metric{Name: "bad", Stat: "max", Max: limit(t, "9")}, one(json),
			"bad is no number but sample 1 is NaN (s.json, /bad); 9 or less would have passed"},
		{"negative time", atMost("wait", "9s"), one(json),
			"wait is -1ms, and a time cannot be negative (s.json, /wait_ms); 9s or less would have passed"},
		{"value without unit", atMost("memory", "2GB"), one(json),
			"memory is 1500, a number without unit, but its limit 2GB is a size (s.json, /memory): write unit: with what the report counts in; 2GB or less would have passed"},
		{"percent without unit", atLeast("pct", "95%"), one(json),
			"pct is 97, a number without unit, but its limit 0.95 is a ratio (s.json, /pct): write unit: percent if the report counts so; 0.95 or more would have passed"},
		{"limit without unit", gate.Metric{Name: "latency", Stat: "p99", Max: limit(t, "100")}, one(json),
			"latency is 80ms, a time, but its limit 100 is a number without unit (s.json, /latency_p99_ms): write the limit with its unit; 100 or less would have passed"},
		{"other dimension", gate.Metric{Name: "latency", Stat: "p99", Max: limit(t, "2GB")}, one(json),
			"latency is 80ms, a time, but its limit 2GB is a size (s.json, /latency_p99_ms): correct the limit; 2GB or less would have passed"},
		{"told unit of another dimension", gate.Metric{Name: "memory", Max: limit(t, "100"), Unit: unit.Quantity{Value: 0.001, Unit: unit.Seconds}}, one(json),
			"memory is 1.5s, a time, but its limit 100 is a number without unit (s.json, /memory): write the limit with its unit; 100 or less would have passed"},
		{"told unit goes out of range", gate.Metric{Pointer: "/huge", Max: limit(t, "1s"), Unit: ms}, one(read(t, "h.json", `{"huge": 1e305}`)),
			"/huge is no number but +Inf (h.json, /huge); 1s or less would have passed"},
		{"samples too large", gate.Metric{Name: "h", Stat: "mean", Max: limit(t, "1")}, one(read(t, "h.json", `{"h": [1.7e308, 1.7e308]}`)),
			"h cannot be read, computing mean: the samples are too large (h.json, /h); 1 or less would have passed"},
	})
}

func TestMetricOfAnOlderReport(t *testing.T) {
	report := read(t, "r.json", `{"accuracy": 0.97}`)
	policy := gate.Policy{Metrics: []gate.Metric{{Name: "accuracy", Min: limit(t, "0.95"), Required: true}}}
	for _, tc := range []struct {
		name   string
		model  time.Time
		passed bool
		want   string
	}{
		{"no model", time.Time{}, true, "accuracy is 0.97, at or above the floor of 0.95 (r.json, /accuracy)"},
		{"same time", noon, true, "accuracy is 0.97, at or above the floor of 0.95 (r.json, /accuracy)"},
		{"newer model", noon.Add(time.Minute).In(time.FixedZone("CET", 3600)), false,
			"r.json was written at 2026-01-02T12:00:00Z, before the model models/m.gguf of 2026-01-02T12:01:00Z, so accuracy tells about another model; " +
				"run the evaluation again: from a report newer than the model, 0.95 or more would have passed"},
		{"newer by a moment", noon.Add(time.Millisecond), false,
			"r.json was written at 2026-01-02T12:00:00Z, before the model models/m.gguf of 2026-01-02T12:00:00.001Z, so accuracy tells about another model; " +
				"run the evaluation again: from a report newer than the model, 0.95 or more would have passed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			evidence := gate.Evidence{Reports: one(report), NewestModel: tc.model, NewestModelPath: "models/m.gguf"}
			verdict := gate.Evaluate(policy, evidence)
			if verdict.Passed != tc.passed || verdict.Results[0].Reason != tc.want {
				t.Errorf("passed %v\n got %s\nwant %s", verdict.Passed, verdict.Results[0].Reason, tc.want)
			}
		})
	}
}

// A gate that is not required may be absent. Once measured it counts.
func TestMetricNotRequired(t *testing.T) {
	report := read(t, "r.json", `{"gpu_memory_gb": 3, "loss": NaN}`)
	for _, tc := range []struct {
		metric  gate.Metric
		reports []testreport.Report
		passed  bool
		want    string
	}{
		{gate.Metric{Name: "other", Max: limit(t, "1")}, one(report), true, "not measured, not required"},
		{gate.Metric{Name: "gpu_memory", Report: "other.json", Max: limit(t, "1")}, one(report), true, "not measured, not required"},
		{gate.Metric{Name: "gpu_memory", Max: limit(t, "2GB")}, one(report), false,
			"gpu_memory is 3.00GB, above the ceiling of 2GB (r.json, /gpu_memory_gb); 2GB or less would have passed"},
		{gate.Metric{Name: "loss", Max: limit(t, "2")}, one(report), false, "loss is no number but NaN (r.json, /loss); 2 or less would have passed"},
		{gate.Metric{Name: "gpu_memory", Max: limit(t, "2GB")}, nil, false,
			"gpu_memory was not measured: no report was read, name them under reports; 2GB or less would have passed"},
	} {
		verdict := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{tc.metric}}, gate.Evidence{Reports: tc.reports})
		if r := verdict.Results[0]; verdict.Passed != tc.passed || r.Reason != tc.want || r.Required {
			t.Errorf("passed %v\n got %s\nwant %s", verdict.Passed, r.Reason, tc.want)
		}
	}
}
