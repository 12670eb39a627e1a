package gate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// passes evaluates one gate on one value.
func passes(m gate.Metric, metric testreport.Metric) bool {
	metric.Name, m.Name = "x", "x"
	report := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{metric}}
	return gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{Reports: []testreport.Report{report}}).Passed
}

func TestLimitsAreMonotonic(t *testing.T) {
	for _, dimension := range []unit.Unit{unit.None, unit.Seconds, unit.Bytes, unit.Ratio} {
		property := func(value, limit, step float64) bool {
			metric := testreport.Metric{Value: math.Abs(value), Unit: dimension}
			lower := unit.Quantity{Value: limit, Unit: dimension}
			higher := unit.Quantity{Value: limit + math.Abs(step), Unit: dimension}
			ceiling := !passes(gate.Metric{Max: &lower}, metric) || passes(gate.Metric{Max: &higher}, metric)
			floor := !passes(gate.Metric{Min: &higher}, metric) || passes(gate.Metric{Min: &lower}, metric)
			return ceiling && floor
		}
		if err := quick.Check(property, nil); err != nil {
			t.Errorf("%q: %v", dimension, err)
		}
	}
}

func TestSizeLimitsAreMonotonic(t *testing.T) {
	property := func(size, base uint32, allowed, step float64) bool {
		evidence := gate.Evidence{Size: gate.ImageSize{Compressed: int64(size)}, Baseline: &gate.Baseline{Compressed: int64(base)}}
		allowed, step = math.Mod(math.Abs(allowed), 1), math.Mod(math.Abs(step), 1)
		passes := func(growth float64) bool {
			q := unit.Quantity{Value: growth, Unit: unit.Ratio}
			return gate.Evaluate(gate.Policy{Size: gate.Size{Growth: &q}}, evidence).Passed
		}
		return !passes(allowed) || passes(allowed+step)
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// Readers make NaN Invalid; a gate must refuse one that comes as a value too,
// and the verdict must stay printable.
func TestNotANumberNeverPasses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	zero, huge := unit.Quantity{}, unit.Quantity{Value: math.MaxFloat64}
	for name, metric := range map[string]testreport.Metric{
		"NaN":        {Value: nan},
		"infinity":   {Value: inf},
		"-infinity":  {Value: -inf},
		"NaN sample": {Samples: []float64{1, nan}},
		"only NaN":   {Samples: []float64{nan}},
		"invalid":    {Invalid: "NaN"},
	} {
		for _, stat := range []string{"", "max", "mean", "p95"} {
			for _, m := range []gate.Metric{{Max: &zero}, {Max: &huge}, {Min: &zero}, {Min: &huge}, {Min: &zero, Max: &huge}} {
				m.Stat, m.Name, metric.Name = stat, "x", "x"
				report := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{metric}}
				verdict := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{Reports: []testreport.Report{report}})
				if verdict.Passed {
					t.Errorf("%s passes %+v", name, m)
				}
				if _, err := json.Marshal(verdict); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	limit := unit.Quantity{Value: nan}
	if passes(gate.Metric{Max: &limit}, testreport.Metric{Value: 1}) || passes(gate.Metric{Min: &limit}, testreport.Metric{Value: 1}) {
		t.Error("a limit of NaN passes")
	}
}

// random is a report with a few metrics of few names, so that they collide.
func random(r *rand.Rand, path string) testreport.Report {
	report := testreport.Report{Path: path, SHA256: path, Format: "json", Tests: r.IntN(3)}
	for i := range 1 + r.IntN(4) {
		m := testreport.Metric{
			Name: []string{"latency", "accuracy", "score"}[r.IntN(3)], Stat: []string{"", "", "p95", "mean"}[r.IntN(4)],
			Unit: []unit.Unit{unit.None, unit.Seconds, unit.Ratio}[r.IntN(3)], Value: float64(r.IntN(3)) / 2,
			Source: testreport.Source{File: path, Pointer: fmt.Sprintf("/%d", i)},
		}
		switch r.IntN(6) {
		case 0:
			m.Samples = []float64{1, 2, 3, 4, 5, float64(r.IntN(9))}
		case 1:
			m.Invalid = "NaN"
		case 2:
			m.Labels = []testreport.Label{{Name: "class", Value: fmt.Sprint(r.IntN(2))}}
		case 3:
			m.Aliases = []string{"inference_time"}
		}
		report.Metrics = append(report.Metrics, m)
	}
	return report
}

func randomMetric(r *rand.Rand) gate.Metric {
	half := unit.Quantity{Value: 0.5, Unit: []unit.Unit{unit.None, unit.Seconds, unit.Ratio}[r.IntN(3)]}
	m := gate.Metric{
		Name: []string{"latency", "accuracy", "score", "inference_time", "none"}[r.IntN(5)], Stat: []string{"", "p95", "median"}[r.IntN(3)],
		Required: r.IntN(2) == 0, Runs: r.IntN(3), Samples: []int{0, 0, 5}[r.IntN(3)], Warning: r.IntN(5) == 0,
	}
	switch r.IntN(5) {
	case 0:
		m.Min = &half
	case 1:
		m.Max, m.Warn = &half, &unit.Quantity{Value: 0.25, Unit: half.Unit}
	case 2:
		m.Equals = &half
	case 3:
		m.Regression, m.Better = new(gate.DefaultRegression()), gate.LowerIsBetter
	default:
		m.Improvement, m.Slack = new(gate.DefaultRegression()), &half
	}
	if r.IntN(4) == 0 {
		m.Where = map[string]string{"class": []string{"0", ""}[r.IntN(2)]}
	}
	return m
}

func TestOrderOfReportsNeverMatters(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	outcomes := make(map[gate.Outcome]int)
	for range 3000 {
		var policy gate.Policy
		var evidence gate.Evidence
		for i := range 1 + r.IntN(4) {
			evidence.Reports = append(evidence.Reports, random(r, fmt.Sprintf("%d.json", i)))
			policy.Metrics = append(policy.Metrics, randomMetric(r))
		}
		evidence.Baseline = &gate.Baseline{Ref: "a:b", Measurements: []gate.Measurement{
			{Name: "latency", Value: 0.5, Unit: unit.Seconds}, {Name: "score", Stat: "p95", Value: 1, Samples: 9, Noise: 0.1}}}
		want := gate.Evaluate(policy, evidence)
		for _, result := range want.Results {
			outcomes[result.Outcome]++
		}
		evidence.Reports = slices.Clone(evidence.Reports)
		r.Shuffle(len(evidence.Reports), reflect.Swapper(evidence.Reports))
		if diff := cmp.Diff(want, gate.Evaluate(policy, evidence)); diff != "" {
			t.Fatalf("another order gives another verdict (-before +after):\n%s", diff)
		}
	}
	for _, outcome := range []gate.Outcome{gate.Passed, gate.Warned, gate.Refused} {
		if outcomes[outcome] < 100 {
			t.Errorf("the property saw %d of %s only", outcomes[outcome], outcome)
		}
	}
}

// A better value never turns a pass into a refusal, whatever the gate is.
func TestBetterNeverRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	rank := map[gate.Outcome]int{gate.Passed: 0, gate.Warned: 1, gate.Refused: 2}
	seen := make(map[string]int)
	for range 20_000 {
		value, factor := r.Float64()*4, r.Float64()
		base := gate.Measurement{Name: "x", Stat: "median", Value: r.Float64() * 2, Unit: unit.Seconds}
		if r.IntN(2) == 0 {
			base.Noise, base.Samples = r.Float64(), 5+r.IntN(50)
		}
		q := func() *unit.Quantity { return &unit.Quantity{Value: r.Float64(), Unit: unit.Seconds} }
		m := gate.Metric{Name: "x", Stat: "median", Better: gate.LowerIsBetter}
		switch r.IntN(3) {
		case 0:
			m.Max, m.Warn = q(), q()
		case 1:
			m.Regression = &unit.Quantity{Value: r.Float64(), Unit: unit.Ratio}
		default:
			m.Improvement, m.Slack = q(), q()
		}
		samples := make([]float64, 1+r.IntN(20))
		better := make([]float64, len(samples))
		for i := range samples {
			samples[i] = value * (1 + r.Float64())
			better[i] = samples[i] * factor
		}
		outcome := func(samples []float64) gate.Outcome {
			report := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{{Name: "x", Unit: unit.Seconds, Samples: samples}}}
			return gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{
				Reports: []testreport.Report{report}, Baseline: &gate.Baseline{Ref: "a:b", Measurements: []gate.Measurement{base}}}).Results[0].Outcome
		}
		before, after := outcome(samples), outcome(better)
		seen[string(before+after)]++
		if rank[before] < rank[gate.Refused] && after == gate.Refused {
			t.Fatalf("%+v against %+v: %v %s, %v %s", m, base, samples, before, better, after)
		}
	}
	if len(seen) < 5 {
		t.Errorf("the property saw few outcomes: %v", seen)
	}
}

// The same figures higher up, where more is better.
func TestMirroredGatesAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 5000 {
		value, base, tolerance, slack := r.Float64(), r.Float64(), r.Float64(), r.Float64()/4
		outcome := func(sign float64, better gate.Better, improvement bool) gate.Outcome {
			m := gate.Metric{Name: "x", Better: better, Slack: &unit.Quantity{Value: slack}}
			if improvement {
				m.Improvement = &unit.Quantity{Value: tolerance, Unit: unit.Ratio}
			} else {
				m.Regression = &unit.Quantity{Value: tolerance, Unit: unit.Ratio}
			}
			report := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{{Name: "x", Value: sign * value}}}
			return gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{Reports: []testreport.Report{report},
				Baseline: &gate.Baseline{Ref: "a:b", Measurements: []gate.Measurement{{Name: "x", Value: sign * base}}}}).Results[0].Outcome
		}
		for _, improvement := range []bool{false, true} {
			if a, b := outcome(1, gate.LowerIsBetter, improvement), outcome(-1, gate.HigherIsBetter, improvement); a != b {
				t.Fatalf("value %v, base %v, tolerance %v, slack %v: %s, mirrored %s", value, base, tolerance, slack, a, b)
			}
		}
	}
}

func thousand() (gate.Policy, gate.Evidence) {
	var policy gate.Policy
	var evidence gate.Evidence
	for i := range 50 {
		report := testreport.Report{Path: fmt.Sprintf("reports/%d.json", i)}
		for j := range 20 {
			name := fmt.Sprintf("metric_%d_%d", i, j)
			report.Metrics = append(report.Metrics, testreport.Metric{Name: name, Aliases: []string{"alias_" + name}, Value: 1,
				Source: testreport.Source{File: report.Path, Pointer: fmt.Sprintf("/%d", j)}})
			policy.Metrics = append(policy.Metrics, gate.Metric{Name: name, Max: &unit.Quantity{Value: 2}, Required: true})
		}
		evidence.Reports = append(evidence.Reports, report)
	}
	return policy, evidence
}

func BenchmarkThousandMetrics(b *testing.B) {
	policy, evidence := thousand()
	for b.Loop() {
		if !gate.Evaluate(policy, evidence).Passed {
			b.Fatal("refused")
		}
	}
}

// The best of some runs, for a machine may be busy with other things.
func TestThousandMetricsInFiftyMilliseconds(t *testing.T) {
	policy, evidence := thousand()
	best := time.Hour
	for range 10 {
		start := time.Now()
		if verdict := gate.Evaluate(policy, evidence); !verdict.Passed || len(verdict.Results) != 1000 {
			t.Fatalf("%d results, passed %v", len(verdict.Results), verdict.Passed)
		}
		best = min(best, time.Since(start))
	}
	t.Logf("1,000 metrics from 50 reports: %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("took %v, want at most 50 ms", best)
	}
}
