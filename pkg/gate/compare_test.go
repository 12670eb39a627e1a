package gate_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

const production = "acme/digits:production@sha256:0123456789ab…"

func TestRegression(t *testing.T) {
	r := read(t, "r.json", `{"latency_ms": 120, "accuracy": 0.72, "score": 2, "loss": 0.5, "errors": 1, "slow_ms": 110.004, "change": -3, "exact": 0.99}`)
	base := func(name string, value float64, u unit.Unit) *gate.Baseline {
		return recorded(gate.Measurement{Name: name, Value: value, Unit: u})
	}
	latency := func(value float64) *gate.Baseline { return base("latency", value, unit.Seconds) }
	regression := func(name, at string) gate.Metric { return gate.Metric{Name: name, Regression: limit(t, at)} }
	slack := func(name, at, slack string) gate.Metric {
		return gate.Metric{Name: name, Regression: limit(t, at), Slack: limit(t, slack)}
	}
	better := func(name, at string, b gate.Better) gate.Metric {
		return gate.Metric{Name: name, Regression: limit(t, at), Better: b}
	}
	judge(t, []judgement{
		{"worse", regression("latency", "10%"), one(r), latency(0.1), gate.Refused,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", more than the allowed 10% (r.json, /latency_ms); 110ms or less would have passed"},
		{"auto", gate.Metric{Name: "latency", Regression: new(gate.DefaultRegression())}, one(r), latency(0.1), gate.Refused,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", more than the allowed 10% (r.json, /latency_ms); 110ms or less would have passed"},
		{"within", regression("latency", "25%"), one(r), latency(0.1), gate.Passed,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", within the allowed 25% (r.json, /latency_ms)"},
		{"better", regression("latency", "10%"), one(r), latency(0.16), gate.Passed,
			"latency is 120ms, 25% better than the 160ms of " + production + ", within the allowed 10% (r.json, /latency_ms)"},
		{"the same", regression("latency", "0%"), one(r), latency(0.12), gate.Passed,
			"latency is 120ms, as good as the 120ms of " + production + ", within the allowed 0% (r.json, /latency_ms)"},
		{"exactly the allowed", regression("accuracy", "10%"), one(r), base("accuracy", 0.8, ""), gate.Passed,
			"accuracy is 0.72, 10% worse than the 0.8 of " + production + ", within the allowed 10% (r.json, /accuracy)"},
		{"exactly the allowed, which binary fractions miss", better("exact", "10%", gate.HigherIsBetter), one(r), base("exact", 1.1, ""), gate.Passed,
			"exact is 0.99, 10% worse than the 1.1 of " + production + ", within the allowed 10% (r.json, /exact)"},
		{"a little more than the allowed", regression("slow", "10%"), one(r), base("slow", 0.1, unit.Seconds), gate.Refused,
			"slow is 110.004ms, 10.004% worse than the 100ms of " + production + ", more than the allowed 10% (r.json, /slow_ms); 110ms or less would have passed"},
		{"absolute", regression("latency", "15ms"), one(r), latency(0.1), gate.Refused,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", more than the allowed 15ms (r.json, /latency_ms); 115ms or less would have passed"},
		{"absolute, within", regression("accuracy", "0.05"), one(r), base("accuracy", 0.75, ""), gate.Passed,
			"accuracy is 0.72, 4% worse than the 0.75 of " + production + ", within the allowed 0.05 (r.json, /accuracy)"},
		{"slack forgives", slack("latency", "10%", "25ms"), one(r), latency(0.1), gate.Passed,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", within the allowed 10% and slack of 25ms (r.json, /latency_ms)"},
		{"more than slack", slack("latency", "10%", "15ms"), one(r), latency(0.1), gate.Refused,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", more than the allowed 10% and slack of 15ms (r.json, /latency_ms); 115ms or less would have passed"},
		{"told lower", better("score", "10%", gate.LowerIsBetter), one(r), base("score", 1, ""), gate.Refused,
			"score is 2, 100% worse than the 1 of " + production + ", more than the allowed 10% (r.json, /score); 1.1 or less would have passed"},
		{"told higher", better("score", "10%", gate.HigherIsBetter), one(r), base("score", 1, ""), gate.Passed,
			"score is 2, 100% better than the 1 of " + production + ", within the allowed 10% (r.json, /score)"},
		{"known from its floor", gate.Metric{Name: "score", Min: limit(t, "1"), Regression: limit(t, "10%")}, one(r), base("score", 4, ""), gate.Refused,
			"score is 2, 50% worse than the 4 of " + production + ", more than the allowed 10% (r.json, /score); 3.6 or more would have passed"},
		{"known from its name", regression("loss", "10%"), one(r), base("loss", 0.4, ""), gate.Refused,
			"loss is 0.5, 25% worse than the 0.4 of " + production + ", more than the allowed 10% (r.json, /loss); 0.44 or less would have passed"},
		{"a floor does not turn what everybody knows", gate.Metric{Name: "latency", Min: limit(t, "1ms"), Regression: limit(t, "10%")}, one(r), latency(0.1), gate.Refused,
			"latency is 120ms, 20% worse than the 100ms of " + production + ", more than the allowed 10% (r.json, /latency_ms); 110ms or less would have passed"},
		{"not known", regression("score", "10%"), one(r), base("score", 4, ""), gate.Refused,
			"nothing says whether score should be lower or higher; with better: lower or better: higher it could have passed"},
		{"zero baseline", better("errors", "10%", gate.LowerIsBetter), one(r), base("errors", 0, ""), gate.Refused,
			"errors is 1, 1 worse than the 0 of " + production + ", more than the allowed 10% (r.json, /errors); 0 or less would have passed"},
		{"zero baseline with slack", gate.Metric{Name: "errors", Better: gate.LowerIsBetter, Regression: limit(t, "10%"), Slack: limit(t, "2")}, one(r), base("errors", 0, ""), gate.Passed,
			"errors is 1, 1 worse than the 0 of " + production + ", within the allowed 10% and slack of 2 (r.json, /errors)"},
		{"negative baseline", better("change", "10%", gate.HigherIsBetter), one(r), base("change", -2, ""), gate.Refused,
			"change is -3, 50% worse than the -2 of " + production + ", more than the allowed 10% (r.json, /change); -2.2 or more would have passed"},
		{"tolerance of another dimension", regression("latency", "5MB"), one(r), latency(0.1), gate.Refused,
			"latency is 120ms, a time, but it may differ by 5MB, a size; a tolerance in percent, or like the value, would have been applied"},
		{"slack of another dimension", slack("latency", "10%", "5"), one(r), latency(0.1), gate.Refused,
			"latency is 120ms, a time, but it may differ by 5, a number without unit; a tolerance in percent, or like the value, would have been applied"},
		{"out of range", better("score", "10%", gate.LowerIsBetter), one(r), base("score", math.MaxFloat64, ""), gate.Refused,
			"score is 2, which does not compare with the 1.798e+308 of " + production + ": the difference is out of range; a number that a report can mean would have been compared"},
		{"a baseline that is no number", better("score", "10%", gate.LowerIsBetter), one(r), base("score", math.NaN(), ""), gate.Refused,
			"score is 2, which does not compare with the NaN of " + production + ": the difference is out of range; a number that a report can mean would have been compared"},
	})
}

func TestRegressionWithoutTheOtherSide(t *testing.T) {
	r := read(t, "r.json", `{"latency_ms": 120, "latency_p95_ms": 200}`)
	m := gate.Metric{Name: "latency", Regression: limit(t, "10%")}
	nothing := "latency is 120ms (r.json, /latency_ms), and " + production + " recorded nothing that it compares with; the next image is compared with this one"
	judge(t, []judgement{
		{"no baseline", m, one(r), nil, gate.Passed, "latency is 120ms (r.json, /latency_ms); no baseline: there is nothing to compare with yet"},
		{"another metric", m, one(r), recorded(gate.Measurement{Name: "other"}), gate.Warned, nothing},
		{"another statistic", m, one(r), recorded(gate.Measurement{Name: "latency", Stat: "p95", Value: 0.1, Unit: unit.Seconds}), gate.Warned, nothing},
		{"other labels", m, one(r), recorded(gate.Measurement{Name: "latency", Where: map[string]string{"a": "b"}, Value: 0.1, Unit: unit.Seconds}), gate.Warned, nothing},
		{"another dimension", m, one(r), recorded(gate.Measurement{Name: "latency", Value: 100}), gate.Warned,
			"latency is 120ms (r.json, /latency_ms), a time, and " + production + " recorded 100, a number without unit; the next image is compared with this one"},
		{"not measured", gate.Metric{Name: "recall", Regression: limit(t, "10%")}, one(r), recorded(gate.Measurement{Name: "recall", Value: 1}), gate.Refused,
			"recall was not measured (looked into r.json); a value to compare would have passed"},
		{"improvement without baseline", gate.Metric{Name: "latency", Improvement: limit(t, "10%")}, one(r), nil, gate.Passed,
			"latency is 120ms (r.json, /latency_ms); no baseline: there is nothing to compare with yet"},
	})
}

// A share that is counted in percent on one side only would be a hundred times
// better, or worse.
func TestRegressionOfAnotherScale(t *testing.T) {
	r := read(t, "r.json", `{"accuracy": 96, "error_rate": 0.9, "f1": 0.97}`)
	percent, ratio := unit.Quantity{Value: 0.01, Unit: unit.Ratio}, unit.Quantity{Value: 1, Unit: unit.Ratio}
	base := func(name string, value float64) *gate.Baseline {
		return recorded(gate.Measurement{Name: name, Value: value})
	}
	const advice = ", so one of the two is in percent: with unit: percent or unit: ratio they would have been compared"
	m := func(name string, u unit.Quantity) gate.Metric {
		return gate.Metric{Name: name, Regression: limit(t, "1%"), Unit: u}
	}
	judge(t, []judgement{
		{"now in percent", m("accuracy", unit.Quantity{}), one(r), base("accuracy", 0.98), gate.Refused,
			"accuracy is 96 (r.json, /accuracy), but " + production + " recorded 0.98" + advice},
		{"told", m("accuracy", percent), one(r), base("accuracy", 0.98), gate.Refused,
			"accuracy is 0.96, 2.041% worse than the 0.98 of " + production + ", more than the allowed 1% (r.json, /accuracy); 0.9702 or more would have passed"},
		{"both in percent", m("accuracy", unit.Quantity{}), one(r), base("accuracy", 96), gate.Passed,
			"accuracy is 96, as good as the 96 of " + production + ", within the allowed 1% (r.json, /accuracy)"},
		{"the baseline in percent, told since", m("accuracy", percent), one(r), base("accuracy", 96), gate.Passed,
			"accuracy is 0.96, as good as the 0.96 of " + production + ", within the allowed 1% (r.json, /accuracy)"},
		{"the baseline in percent", m("f1", unit.Quantity{}), one(r), base("f1", 96), gate.Refused,
			"f1 is 0.97 (r.json, /f1), but " + production + " recorded 96" + advice},
		{"the baseline in percent, where less is better", m("error_rate", unit.Quantity{}), one(r), base("error_rate", 5), gate.Refused,
			"error_rate is 0.9 (r.json, /error_rate), but " + production + " recorded 5" + advice},
		{"the same, told", m("error_rate", ratio), one(r), base("error_rate", 5), gate.Refused,
			"error_rate is 0.9, 1700% worse than the 0.05 of " + production + ", more than the allowed 1% (r.json, /error_rate); 0.0505 or less would have passed"},
	})
}

func TestRegressionAndNoise(t *testing.T) {
	noisy := func(value float64) *gate.Baseline {
		return recorded(gate.Measurement{Name: "latency", Value: value, Unit: unit.Seconds, Samples: 1000, Noise: 0.01})
	}
	r := read(t, "r.json", `{"latency_ms": 130}`)
	m := gate.Metric{Name: "latency", Regression: limit(t, "10%")}
	judge(t, []judgement{
		{"explained", m, one(r), noisy(0.1), gate.Warned, "latency is 130ms, 30% worse than the 100ms of " + production +
			", more than the allowed 10%, but the noise of the measurements explains up to 42.5ms (r.json, /latency_ms); 110ms or less would have passed without a warning"},
		{"not explained", m, one(r), noisy(0.08), gate.Refused, "latency is 130ms, 62.5% worse than the 80ms of " + production +
			", more than the allowed 10% and more than the 42.5ms that noise explains (r.json, /latency_ms); 122ms or less would have passed"},
		{"within what is allowed anyway", m, one(r), noisy(0.12), gate.Passed,
			"latency is 130ms, 8.333% worse than the 120ms of " + production + ", within the allowed 10% (r.json, /latency_ms)"},
	})
}

func TestImprovement(t *testing.T) {
	r := read(t, "r.json", `{"throughput": 110, "score": 1}`)
	base := func(value, noise float64) *gate.Baseline {
		return recorded(gate.Measurement{Name: "throughput", Value: value, Noise: noise, Samples: 1000})
	}
	m := gate.Metric{Name: "throughput", Improvement: limit(t, "5%")}
	slack := m
	slack.Slack = limit(t, "20")
	judge(t, []judgement{
		{"there", m, one(r), base(100, 0), gate.Passed,
			"throughput is 110, 10% better than the 100 of " + production + ", at least the demanded improvement of 5% (r.json, /throughput)"},
		{"exactly", m, one(r), base(110/1.05, 0), gate.Passed,
			"throughput is 110, 5% better than the 104.8 of " + production + ", at least the demanded improvement of 5% (r.json, /throughput)"},
		{"too little", m, one(r), base(108, 0), gate.Refused,
			"throughput is 110, 1.852% better than the 108 of " + production + ", less than the demanded improvement of 5% (r.json, /throughput); 113.4 or more would have passed"},
		{"worse", m, one(r), base(120, 0), gate.Refused,
			"throughput is 110, 8.333% worse than the 120 of " + production + ", less than the demanded improvement of 5% (r.json, /throughput); 126 or more would have passed"},
		{"within slack", slack, one(r), base(100, 0), gate.Refused,
			"throughput is 110, 10% better than the 100 of " + production + ", less than the demanded improvement of 5% and slack of 20 (r.json, /throughput); 120 or more would have passed"},
		{"within the noise", m, one(r), base(100, 5), gate.Warned, "throughput is 110, 10% better than the 100 of " + production +
			", but the noise of the measurements explains up to 21.27 (r.json, /throughput); more measurements would have told"},
	})
}

// Samples whose spread no number holds explain nothing, and the verdict stays
// printable.
func TestNoiseOutOfRange(t *testing.T) {
	m := gate.Metric{Name: "x", Stat: "mean", Regression: limit(t, "10%"), Better: gate.LowerIsBetter}
	wild := testreport.Metric{Name: "x", Samples: []float64{1e200, -1e200, 1, 1, 1, 1e201}}
	for _, runs := range []int{0, 3} {
		m.Runs = runs
		reports := one(metrics("a.json", wild))
		if runs > 0 {
			reports = ofRuns(testreport.Metric{Name: "x", Stat: "mean"}, 1e200, 1, 1e201)
		}
		verdict := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{Reports: reports,
			Baseline: recorded(gate.Measurement{Name: "x", Stat: "mean", Value: 1, Noise: math.MaxFloat64, Samples: 9})})
		if r := verdict.Results[0]; r.Outcome != gate.Refused || r.Noise != 0 {
			t.Errorf("%d runs: %+v", runs, r)
		}
		if _, err := json.Marshal(verdict); err != nil {
			t.Errorf("%d runs: %v", runs, err)
		}
		if _, err := gate.EncodeRecord(verdict.Record); err != nil {
			t.Errorf("%d runs: %v", runs, err)
		}
	}
}

// Every limit but a warning level makes a policy that sizes decide.
func TestSizeAny(t *testing.T) {
	for _, tc := range []struct {
		size gate.Size
		want bool
	}{
		{gate.Size{}, false}, {gate.Size{Max: limit(t, "1GB")}, true}, {gate.Size{Unpacked: limit(t, "1GB")}, true},
		{gate.Size{Growth: limit(t, "1%")}, true}, {gate.Size{Warn: limit(t, "1GB")}, false},
	} {
		if got := tc.size.Any(); got != tc.want {
			t.Errorf("%+v: %v", tc.size, got)
		}
	}
}
