package gate_test

import (
	"encoding/json"
	"math"
	"testing"
	"testing/quick"

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
