package gate_test

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func TestReview(t *testing.T) {
	value := func(v float64) *float64 { return &v }
	limit := func(v float64, u unit.Unit) *unit.Quantity { return &unit.Quantity{Value: v, Unit: u} }
	built := []gate.Result{
		{Name: "accuracy", Check: gate.CheckMin, Value: value(0.96), Unit: unit.Ratio, Source: &testreport.Source{}, Outcome: gate.Passed},
		{Name: "latency", Check: gate.CheckMax, Stat: "p95", Value: value(0.08), Unit: unit.Seconds, Source: &testreport.Source{}, Outcome: gate.Passed},
		{Name: "secrets", Check: gate.CheckSecrets, Outcome: gate.Warned},
		{Name: "models", Check: gate.CheckModels, Outcome: gate.Passed},
		{Name: "scan", Check: gate.CheckScan, Outcome: gate.Passed},
	}
	metric := func(name, stat string, m gate.Metric) gate.Policy {
		m.Name, m.Stat, m.Required = name, stat, true
		return gate.Policy{Metrics: []gate.Metric{m}}
	}
	for what, tc := range map[string]struct {
		policy gate.Policy
		want   string // of the one refusal; "" for none
	}{
		"nothing":       {gate.Policy{}, ""},
		"kept":          {metric("accuracy", "", gate.Metric{Min: limit(0.95, unit.None)}), ""},
		"stricter":      {metric("accuracy", "", gate.Metric{Min: limit(0.97, unit.None)}), "accuracy was 0.96 when the image was built, below the floor of 0.97; 0.97 or more would have passed"},
		"slower":        {metric("latency", "p95", gate.Metric{Max: limit(0.05, unit.Seconds)}), "latency p95 was 80ms"},
		"other stat":    {metric("latency", "p99", gate.Metric{Max: limit(1, unit.Seconds)}), "latency p99 was not measured"},
		"other unit":    {metric("latency", "p95", gate.Metric{Max: limit(1, unit.Bytes)}), "was not measured"},
		"other labels":  {metric("accuracy", "", gate.Metric{Min: limit(0, unit.None), Where: map[string]string{"a": "b"}}), "was not measured"},
		"new":           {metric("recall", "", gate.Metric{Min: limit(0.5, unit.None)}), "recall was not measured when the image was built; 0.5 or more would have passed"},
		"warning only":  {metric("recall", "", gate.Metric{Min: limit(0.5, unit.None), Warning: true}), ""},
		"size":          {gate.Policy{Size: gate.Size{Max: limit(100, unit.Bytes)}}, "the compressed image has 200B"},
		"growth":        {gate.Policy{Size: gate.Size{Growth: limit(0, unit.Ratio)}}, ""},
		"findings":      {gate.Policy{Scan: &gate.Scan{}}, ""},
		"never scanned": {gate.Policy{Scan: &gate.Scan{Vulnerabilities: &gate.Vulnerabilities{}}}, "the gate vulnerabilities was not evaluated"},
	} {
		refused := gate.Review(tc.policy, built, gate.ImageSize{Compressed: 200})
		switch {
		case tc.want == "" && len(refused) != 0:
			t.Errorf("%s: refused %+v", what, refused)
		case tc.want != "" && (len(refused) != 1 || !strings.Contains(refused[0].Reason, tc.want)):
			t.Errorf("%s: refused %+v, want %q", what, refused, tc.want)
		}
	}
	optional := metric("recall", "", gate.Metric{Min: limit(0.5, unit.None)})
	optional.Metrics[0].Required = false
	if refused := gate.Review(optional, built, gate.ImageSize{}); len(refused) != 0 {
		t.Errorf("not required: %+v", refused)
	}
}
