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
