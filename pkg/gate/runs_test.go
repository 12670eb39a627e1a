package gate_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// ofRuns are reports of one metric each.
func ofRuns(m testreport.Metric, values ...float64) (all []testreport.Report) {
	for i, v := range values {
		m.Value = v
		all = append(all, metrics(string(rune('a'+i))+".json", m))
	}
	return all
}

func TestRuns(t *testing.T) {
	latency := testreport.Metric{Name: "latency", Unit: unit.Seconds}
	f1 := testreport.Metric{Name: "f1"}
	runs := func(n int) gate.Metric { return gate.Metric{Name: "latency", Max: limit(t, "100ms"), Runs: n} }
	three := ofRuns(latency, 0.09, 0.3, 0.08)
	whole, part := f1, f1
	whole.Value, part.Value, part.Labels = 0.5, 0.99, labels("class=dog")
	fromHost := func(path, host string) testreport.Report {
		m := latency
		m.Value, m.Labels = 0.09, labels("instance="+host)
		return metrics(path, m)
	}
	twice := latency
	twice.Value, twice.Source.Pointer = 0.02, "/again"
	bare := latency
	bare.Value, bare.Unit = 80, unit.None
	judge(t, []judgement{
		{"median", runs(3), three, nil, gate.Passed,
			"latency is 90ms, at or below the ceiling of 100ms (the median of 3 runs from 80ms to 300ms: a.json, /latency and others)"},
		{"more runs than asked for", runs(2), three, nil, gate.Passed,
			"latency is 90ms, at or below the ceiling of 100ms (the median of 3 runs from 80ms to 300ms: a.json, /latency and others)"},
		{"above", gate.Metric{Name: "latency", Max: limit(t, "85ms"), Runs: 3}, three, nil, gate.Refused,
			"latency is 90ms, above the ceiling of 85ms (the median of 3 runs from 80ms to 300ms: a.json, /latency and others); 85ms or less would have passed"},
		{"one run", runs(1), three[:1], nil, gate.Passed, "latency is 90ms, at or below the ceiling of 100ms (a.json, /latency)"},
		{"too few", runs(5), three, nil, gate.Refused,
			"latency was measured in 3 runs only (a.json, /latency): from 5 runs or more, 100ms or less would have passed"},
		{"one report three times", runs(2), one(three[0], three[0], three[0]), nil, gate.Refused,
			"latency was measured in 1 run only (a.json, /latency): from 2 runs or more, 100ms or less would have passed"},
		{"two values in one report", runs(1), one(metrics("a.json", latency, twice)), nil, gate.Refused,
			"latency is ambiguous: a.json#/latency=0s, a.json#/again=20ms; set report: or pointer: to choose one; 100ms or less would have passed"},
		{"without runs", runs(0), three, nil, gate.Refused,
			"latency is ambiguous: a.json#/latency=90ms, b.json#/latency=300ms, c.json#/latency=80ms; " +
				"set report: or pointer: to choose one, or runs: to take the median of several runs; 100ms or less would have passed"},
		{"other units", gate.Metric{Name: "latency", Regression: limit(t, "10%"), Runs: 2}, one(three[0], metrics("b.json", bare)), nil, gate.Refused,
			"latency is ambiguous: a.json#/latency=90ms, b.json#/latency=80; set report: or pointer: to choose one; a value to compare would have passed"},
		{"a whole and a part", gate.Metric{Name: "f1", Min: limit(t, "0.7"), Runs: 2}, one(metrics("a.json", whole), metrics("b.json", part)), nil, gate.Refused,
			"f1 is ambiguous: a.json#/f1=0.5, b.json#/f1=0.99{class=dog}; set where:, report: or pointer: to choose one; 0.7 or more would have passed"},
		{"of two machines", runs(2), one(fromHost("a.json", "x"), fromHost("b.json", "y")), nil, gate.Passed,
			"latency is 90ms, at or below the ceiling of 100ms (the median of 2 runs from 90ms to 90ms: a.json, /latency and others)"},
		{"a negative run", runs(3), ofRuns(latency, 0.09, -0.001, 0.3), nil, gate.Refused,
			"latency is -1ms, and a time cannot be negative (b.json, /latency); 100ms or less would have passed"},
		{"an invalid run", runs(1), append(ofRuns(latency, 0.09), metrics("b.json", testreport.Metric{Name: "latency", Invalid: "NaN"})), nil, gate.Refused,
			"latency is no number but NaN (b.json, /latency); 100ms or less would have passed"},
		{"a median out of range", gate.Metric{Name: "x", Max: limit(t, "1"), Runs: 2}, ofRuns(testreport.Metric{Name: "x"}, -math.MaxFloat64, math.MaxFloat64), nil, gate.Refused,
			"x has no median, computing median: the samples are too large (a.json, /x); 1 or less would have passed"},
	})
	r := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{runs(3)}}, gate.Evidence{Reports: three}).Results[0]
	if diff := cmp.Diff(&gate.Spread{Min: 0.08, Max: 0.3}, r.Spread); diff != "" || r.Runs != 3 || r.Samples != 3 || r.Noise <= 0 {
		t.Errorf("runs %d, samples %d, noise %v, spread (-want +got):\n%s", r.Runs, r.Samples, r.Noise, diff)
	}
}

// Two runs tell no spread, but their samples tell how noisy each is.
func TestFewRunsKeepTheNoiseOfTheirSamples(t *testing.T) {
	m := testreport.Metric{Name: "latency", Unit: unit.Seconds, Samples: []float64{0.07, 0.08, 0.09, 0.1, 0.11, 0.12}}
	noise := func(runs int, reports ...testreport.Report) gate.Result {
		return gate.Evaluate(gate.Policy{Metrics: []gate.Metric{{Name: "latency", Stat: "median", Max: limit(t, "1s"), Runs: runs}}},
			gate.Evidence{Reports: reports}).Results[0]
	}
	without, single, double := noise(0, metrics("a.json", m)), noise(1, metrics("a.json", m)), noise(2, metrics("a.json", m), metrics("b.json", m))
	if without.Noise <= 0 || single.Noise != without.Noise || single.Samples != 6 {
		t.Errorf("noise %v of a value, %v of a run of it with %d samples", without.Noise, single.Noise, single.Samples)
	}
	if want := without.Noise / math.Sqrt2; math.Abs(double.Noise-want) > 1e-12 || double.Samples != 12 {
		t.Errorf("noise %v of two runs with %d samples, want %v", double.Noise, double.Samples, want)
	}
	if mixed := noise(2, metrics("a.json", m), metrics("b.json", testreport.Metric{Name: "latency", Stat: "median", Unit: unit.Seconds, Value: 0.09})); mixed.Noise != 0 {
		t.Errorf("noise %v though a run does not tell", mixed.Noise)
	}
}

func TestSamples(t *testing.T) {
	samples := testreport.Metric{Name: "latency", Unit: unit.Seconds, Samples: []float64{0.01, 0.02, 0.03}}
	p95 := func(count int) testreport.Metric {
		return testreport.Metric{Name: "latency", Stat: "p95", Unit: unit.Seconds, Value: 0.05, Count: count}
	}
	asks := func(n, runs int) gate.Metric {
		return gate.Metric{Name: "latency", Stat: "p95", Max: limit(t, "100ms"), Samples: n, Runs: runs}
	}
	const few, silent = ": from 5 samples or more, 100ms or less would have passed", "latency p95 does not say how many samples it is made of"
	judge(t, []judgement{
		{"enough", asks(3, 0), one(metrics("a.json", samples)), nil, gate.Passed, "latency p95 is 29ms, at or below the ceiling of 100ms (a.json, /latency)"},
		{"too few", asks(5, 0), one(metrics("a.json", samples)), nil, gate.Refused, "latency p95 is made of 3 samples only (a.json, /latency)" + few},
		{"one", asks(5, 0), one(metrics("a.json", p95(1))), nil, gate.Refused, "latency p95 is made of 1 sample only (a.json, /latency)" + few},
		{"as the report says", asks(5, 0), one(metrics("a.json", p95(5))), nil, gate.Passed, "latency p95 is 50ms, at or below the ceiling of 100ms (a.json, /latency)"},
		{"the report does not say", asks(5, 0), one(metrics("a.json", p95(0))), nil, gate.Refused, silent + " (a.json, /latency)" + few},
		{"the report lies", asks(5, 0), one(metrics("a.json", p95(-9))), nil, gate.Refused, silent + " (a.json, /latency)" + few},
		{"another report that agrees says fewer", asks(5, 0), one(metrics("a.json", p95(100)), metrics("b.json", p95(2))), nil, gate.Refused,
			"latency p95 is made of 2 samples only (b.json, /latency)" + few},
		{"each run enough", asks(5, 2), one(metrics("a.json", p95(5)), metrics("b.json", p95(9))), nil, gate.Passed,
			"latency p95 is 50ms, at or below the ceiling of 100ms (the median of 2 runs from 50ms to 50ms: a.json, /latency and others)"},
		{"a run too few", asks(5, 2), one(metrics("a.json", p95(5)), metrics("b.json", p95(4))), nil, gate.Refused,
			"latency p95 is made of 4 samples only (b.json, /latency)" + few},
	})
	negative := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{asks(0, 0)}}, gate.Evidence{Reports: one(metrics("a.json", p95(-9)))}).Results[0]
	if negative.Samples != 0 || !negative.Passed {
		t.Errorf("a report of -9 samples gives %+v", negative)
	}
}

func TestNegativeSamples(t *testing.T) {
	m := testreport.Metric{Name: "latency", Unit: unit.Seconds, Samples: []float64{0.09, -0.5, 0.3}}
	bare := testreport.Metric{Name: "wait", Samples: []float64{90, -500, 300}}
	judge(t, []judgement{
		{"among good ones", gate.Metric{Name: "latency", Stat: "median", Max: limit(t, "100ms")}, one(metrics("a.json", m)), nil, gate.Refused,
			"latency has a sample of -500ms, and a time cannot be negative (a.json, /latency); 100ms or less would have passed"},
		{"in the unit that is told", gate.Metric{Name: "wait", Stat: "median", Max: limit(t, "100ms"), Unit: unit.Quantity{Value: 1e-3, Unit: unit.Seconds}},
			one(metrics("a.json", bare)), nil, gate.Refused,
			"wait has a sample of -500ms, and a time cannot be negative (a.json, /wait); 100ms or less would have passed"},
		{"of a plain number", gate.Metric{Name: "wait", Stat: "median", Max: limit(t, "100")}, one(metrics("a.json", bare)), nil, gate.Passed,
			"wait median is 90, at or below the ceiling of 100 (a.json, /wait)"},
	})
}

// Reports agree when they say the same in other words.
func TestReportsThatAgree(t *testing.T) {
	accuracy := func(value float64, u unit.Unit) testreport.Metric {
		return testreport.Metric{Name: "accuracy", Value: value, Unit: u}
	}
	m := gate.Metric{Name: "accuracy", Min: limit(t, "0.05")}
	judge(t, []judgement{
		{"ratio and number", m, one(metrics("a.json", accuracy(0.97, unit.Ratio)), metrics("b.json", accuracy(0.97, unit.None))), nil, gate.Passed,
			"accuracy is 0.97, at or above the floor of 0.05 (a.json, /accuracy)"},
		{"rounded in percent", m, one(metrics("a.json", accuracy(0.07, unit.None)), metrics("b.json", accuracy(0.07000000000000001, unit.Ratio))), nil, gate.Passed,
			"accuracy is 0.07, at or above the floor of 0.05 (a.json, /accuracy)"},
		{"other digits", m, one(metrics("a.json", accuracy(0.9666, unit.None)), metrics("b.json", accuracy(0.96666, unit.None))), nil, gate.Refused,
			"accuracy is ambiguous: a.json#/accuracy=0.9666, b.json#/accuracy=0.96666; " +
				"set report: or pointer: to choose one, or runs: to take the median of several runs; 0.05 or more would have passed"},
	})
}
