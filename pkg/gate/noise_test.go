package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// The noise model. One measurement of code whose true latency is t takes
// t·exp(N(0, 0.2²)): independent, log-normal, with a coefficient of variation of
// 20 %, skewed to the right as latencies are. What a whole machine adds to
// every measurement of a run is not in it: one run cannot tell it from the
// code, and TestRegressionOverRuns covers it with runs on machines of their own.
const (
	noise        = 0.2
	measurements = 200
	trials       = 2000
	truth        = 0.080 // seconds
)

// sample is one evaluation: so many measurements of code of that latency.
func sample(r *rand.Rand, latency float64, n int) testreport.Metric {
	m := testreport.Metric{Name: "latency", Unit: unit.Seconds, Source: testreport.Source{File: "r.json", Pointer: "/latency"}}
	for range n {
		m.Samples = append(m.Samples, latency*math.Exp(noise*r.NormFloat64()))
	}
	return m
}

func reportOf(path string, m testreport.Metric) testreport.Report {
	m.Source.File = path
	return testreport.Report{Path: path, Metrics: []testreport.Metric{m}}
}

// compared evaluates the regression gate with its defaults: an image records
// itself, the next is compared with it.
func compared(t *testing.T, policy gate.Policy, before, after []testreport.Report) gate.Outcome {
	t.Helper()
	recorded := gate.Evaluate(policy, gate.Evidence{Reports: before}).Record
	if len(recorded) != 1 {
		t.Fatalf("recorded %+v", recorded)
	}
	text, err := gate.EncodeRecord(recorded)
	if err != nil {
		t.Fatal(err)
	}
	baseline := gate.Baseline{Ref: "ghcr.io/acme/digits:production"}
	if baseline.Measurements, err = gate.DecodeRecord(text); err != nil {
		t.Fatal(err)
	}
	return gate.Evaluate(policy, gate.Evidence{Reports: after, Baseline: &baseline}).Results[0].Outcome
}

// On identical code at most 1 % of the comparisons may refuse; of a slowdown of
// 30 % at least 95 % must.
func TestRegressionUnderNoise(t *testing.T) {
	for _, stat := range []string{"mean", "median", "p90", "p95"} {
		t.Run(stat, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			policy := gate.Policy{Metrics: []gate.Metric{{Name: "latency", Stat: stat, Regression: new(gate.DefaultRegression())}}}
			refusals := func(factor float64) (share float64) {
				for range trials {
					before := reportOf("r.json", sample(r, truth, measurements))
					after := reportOf("r.json", sample(r, truth*factor, measurements))
					if compared(t, policy, []testreport.Report{before}, []testreport.Report{after}) == gate.Refused {
						share += 1. / trials
					}
				}
				return share
			}
			same, slower := refusals(1), refusals(1.3)
			t.Logf("refused of identical code %.2f %%, of code 30 %% slower %.2f %%", same*100, slower*100)
			if same > 0.01 {
				t.Errorf("refuses %.2f %% of identical code, want at most 1 %%", same*100)
			}
			if slower < 0.95 {
				t.Errorf("refuses %.2f %% of code 30 %% slower, want at least 95 %%", slower*100)
			}
		})
	}
}

// With several runs the machines may differ too: here by 5 % each (log-normal),
// beside the noise of every measurement. Ten runs of twenty measurements.
func TestRegressionOverRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	policy := gate.Policy{Metrics: []gate.Metric{{Name: "latency", Stat: "median", Regression: new(gate.DefaultRegression()), Runs: 10}}}
	runs := func(latency float64) (all []testreport.Report) {
		for i := range 10 {
			machine := math.Exp(0.05 * r.NormFloat64())
			all = append(all, reportOf(fmt.Sprintf("run-%d.json", i), sample(r, latency*machine, 20)))
		}
		return all
	}
	var same, slower float64
	for range trials {
		if compared(t, policy, runs(truth), runs(truth)) == gate.Refused {
			same += 1. / trials
		}
		if compared(t, policy, runs(truth), runs(truth*1.3)) == gate.Refused {
			slower += 1. / trials
		}
	}
	t.Logf("refused of identical code %.2f %%, of code 30 %% slower %.2f %%", same*100, slower*100)
	if same > 0.01 || slower < 0.95 {
		t.Errorf("refuses %.2f %% of identical code and %.2f %% of code 30 %% slower, want at most 1 %% and at least 95 %%", same*100, slower*100)
	}
}

// The figures are computed from the definitions by hand: deviation 1.58114 of
// one to five, rank error 0.2236 of the median of five.
func TestStandardErrors(t *testing.T) {
	five := []float64{3, 1, 2, 5, 4}
	hundred := make([]float64, 101)
	for i := range hundred {
		hundred[i] = float64(i)
	}
	for _, tc := range []struct {
		about, stat string
		samples     []float64
		want        float64
	}{
		{"mean", "mean", five, 0.7071067812},
		{"median", "median", five, 0.894427191},
		{"percentile", "p50", five, 0.894427191},
		{"percentile inside", "p90", hundred, 2.98511157},
		{"percentile at the end: the half that is inside", "p99.9", hundred, 0.314501019},
		{"the last percentile", "p100", hundred, 0},
		{"the smallest", "min", hundred, 0},
		{"the largest", "max", hundred, 0},
		{"too few", "mean", five[:4], 0},
		{"all equal", "mean", []float64{2, 2, 2, 2, 2}, 0},
	} {
		m := testreport.Metric{Name: "x", Samples: tc.samples}
		r := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{{Name: "x", Stat: tc.stat, Max: &unit.Quantity{Value: 1e9}}}},
			gate.Evidence{Reports: []testreport.Report{reportOf("r.json", m)}}).Results[0]
		if math.Abs(r.Noise-tc.want) > 1e-6 || r.Samples != len(tc.samples) {
			t.Errorf("%s: noise %.9f of %d samples, want %.9f", tc.about, r.Noise, r.Samples, tc.want)
		}
	}
}

// What noise explains grows with the noise, and with fewer samples.
func TestFewSamplesExplainMore(t *testing.T) {
	explains := func(noise float64, samples int) float64 {
		m := gate.Metric{Name: "x", Regression: &unit.Quantity{Unit: unit.Ratio}, Better: gate.LowerIsBetter}
		base := &gate.Baseline{Ref: "a:b", Measurements: []gate.Measurement{{Name: "x", Value: 1, Noise: noise, Samples: samples}}}
		r := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{m}}, gate.Evidence{Baseline: base,
			Reports: []testreport.Report{reportOf("r.json", testreport.Metric{Name: "x", Value: 1})}}).Results[0]
		return r.Limit.Value - 1
	}
	few, some, many, louder := explains(0.1, 3), explains(0.1, 10), explains(0.1, 1000), explains(0.2, 1000)
	if few <= some || some <= many || louder <= many || explains(0, 1000) != 0 {
		t.Errorf("3 samples explain %v, 10 %v, 1000 %v, twice as noisy ones %v", few, some, many, louder)
	}
	if want := 3 * 0.1 * math.Sqrt2; math.Abs(many-want) > 0.01 {
		t.Errorf("1000 samples explain %v, want about %v", many, want)
	}
	if unknown := explains(0.1, 0); unknown < few {
		t.Errorf("samples that nobody counted explain %v, three %v", unknown, few)
	}
}
