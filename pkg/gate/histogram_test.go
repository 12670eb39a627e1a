package gate_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func TestHistogram(t *testing.T) {
	many := make([]float64, 10_000)
	for i := range many {
		many[i] = float64(i)
	}
	for name, tc := range map[string]struct {
		samples []float64
		unit    unit.Quantity
		runs    int
		want    *gate.Histogram
	}{
		"spread":          {samples: []float64{1, 1, 2, 5, 9, 9, 9, 9, 10}, want: &gate.Histogram{From: 1, To: 10, Counts: []int{3, 1, 5}}},
		"few":             {samples: []float64{1000, 1000, 2000, 9000}, unit: unit.Quantity{Value: 1e-3, Unit: unit.Seconds}},
		"scaled":          {samples: []float64{0, 1000, 2000, 3000, 4000}, unit: unit.Quantity{Value: 0.25, Unit: unit.Seconds}, want: &gate.Histogram{From: 0, To: 1000, Counts: []int{2, 1, 2}}},
		"all equal":       {samples: []float64{3, 3, 3, 3, 3}, want: &gate.Histogram{From: 3, To: 3, Counts: []int{5}}},
		"too wide":        {samples: []float64{-math.MaxFloat64, 0, 0, 0, math.MaxFloat64}},
		"of several runs": {samples: []float64{1, 2, 3, 4, 5}, runs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			limit := unit.Quantity{Value: math.MaxFloat64, Unit: tc.unit.Unit}
			r := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{{Name: "x", Samples: tc.samples}}}
			policy := gate.Policy{Metrics: []gate.Metric{{Name: "x", Stat: "max", Max: &limit, Unit: tc.unit, Runs: tc.runs}}}
			got := gate.Evaluate(policy, gate.Evidence{Reports: []testreport.Report{r}}).Results[0]
			if got.Value == nil && tc.want != nil {
				t.Fatalf("no value: %s", got.Reason)
			}
			if diff := cmp.Diff(tc.want, got.Histogram); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	r := testreport.Report{Path: "r.json", Metrics: []testreport.Metric{{Name: "x", Samples: many}}}
	limit := unit.Quantity{Value: 1e9}
	h := gate.Evaluate(gate.Policy{Metrics: []gate.Metric{{Name: "x", Stat: "p95", Max: &limit}}}, gate.Evidence{Reports: []testreport.Report{r}}).Results[0].Histogram
	sum := 0
	for _, n := range h.Counts {
		sum += n
	}
	if len(h.Counts) != gate.MaxBins || sum != len(many) {
		t.Errorf("%d bins of %d measurements", len(h.Counts), sum)
	}
}
