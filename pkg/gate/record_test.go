package gate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func TestRecordRoundTrip(t *testing.T) {
	record := []gate.Measurement{
		{Name: "latency", Stat: "p95", Value: 0.1, Unit: unit.Seconds, Samples: 200, Noise: 1e-300},
		{Name: "f1", Where: map[string]string{"class": "dog", "split": ""}, Report: "a.json", Pointer: "/a~1b", Value: -math.MaxFloat64, Unit: unit.Ratio},
		{Name: "<größe>\u2028\"", Value: 0.1 + 0.2, Unit: unit.Bytes},
	}
	text, err := gate.EncodeRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	again, err := gate.DecodeRecord(text)
	if diff := cmp.Diff(record, again); diff != "" || err != nil {
		t.Errorf("%v, decoded (-want +got):\n%s", err, diff)
	}
	const plain = `[{"name":"a","where":{"x":"1","y":"2"},"value":1}]`
	for range 20 {
		text, err = gate.EncodeRecord([]gate.Measurement{{Name: "a", Value: 1, Where: map[string]string{"y": "2", "x": "1"}}})
		if err != nil || text != plain {
			t.Fatalf("%v, encoded %s, want %s", err, text, plain)
		}
	}
}

func TestEncodeRecordRefuses(t *testing.T) {
	long := gate.Measurement{Name: strings.Repeat("x", 300)}
	for name, tc := range map[string]struct {
		record []gate.Measurement
		want   string
	}{
		"too many":     {make([]gate.Measurement, 1001), "recording what was measured: found 1001 measurements to compare with later, at most 1000 fit"},
		"too large":    {slicesOf(long, 1000), "recording what was measured: found 322001 bytes, at most 262144 fit"},
		"no number":    {[]gate.Measurement{{Name: "a", Value: math.NaN()}}, "recording what was measured: json: unsupported value: NaN"},
		"out of range": {[]gate.Measurement{{Name: "a", Noise: math.Inf(1)}}, "recording what was measured: json: unsupported value: +Inf"},
	} {
		if text, err := gate.EncodeRecord(tc.record); err == nil || err.Error() != tc.want || text != "" {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

func slicesOf(m gate.Measurement, n int) []gate.Measurement {
	all := make([]gate.Measurement, n)
	for i := range all {
		all[i] = m
	}
	return all
}

func TestDecodeRecordRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                             "unexpected end of JSON input",
		`{}`:                           "cannot unmarshal object",
		`[{"name":"a"}`:                "unexpected end of JSON input",
		`[{"name":"a"}] x`:             "invalid character 'x'",
		`[null]`:                       "measurement 0: has no name",
		`[{"value":1}]`:                "measurement 0: has no name",
		`[{"name":1}]`:                 "cannot unmarshal number",
		`[{"name":"a"},1]`:             "cannot unmarshal number",
		`[{"name":"a","value":NaN}]`:   "invalid character 'N'",
		`[{"name":"a","value":1e999}]`: "1e999",
		`[{"name":"a","value":"1"}]`:   "cannot unmarshal string",
		`[{"name":"a","samples":-1}]`:  `measurement 0: "a" has a number out of range`,
		`[{"name":"a","samples":0.5}]`: "cannot unmarshal number 0.5",
		`[{"name":"a"},{"name":"b","noise":-0.1}]`:                                 `measurement 1: "b" has a number out of range`,
		`[{"name":"a","unit":"ms"}]`:                                               `measurement 0: "a" has the unknown unit "ms"`,
		`[{"name":"a","where":["x"]}]`:                                             "cannot unmarshal array",
		strings.Repeat("[", 20_000):                                                "",
		strings.Repeat(" ", 256<<10+1):                                             "found 262145 bytes, expected at most 262144",
		"[" + strings.TrimSuffix(strings.Repeat(`{"name":"a"},`, 1001), ",") + "]": "found 1001 measurements, expected at most 1000",
	} {
		record, err := gate.DecodeRecord(text)
		if err == nil || !strings.Contains(err.Error(), want) || record != nil {
			t.Errorf("%.60s gives %d measurements and %v, want %s", text, len(record), err, want)
		}
	}
	for _, text := range []string{"null", "[]"} {
		if record, err := gate.DecodeRecord(text); err != nil || len(record) != 0 {
			t.Errorf("%s gives %v and %v", text, record, err)
		}
	}
}

// Whatever decodes is recorded as it was, and compares without a panic.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(`[{"name":"latency","stat":"p95","where":{"a":""},"value":0.1,"unit":"s","samples":9,"noise":0.01}]`)
	f.Add(`[{"name":"latency","value":-1e308},{"name":"latency","value":1,"unit":"s","noise":1e308,"samples":1}]`)
	f.Add(`[{"NAME":"accuracy","value":96,"report":"r.json","pointer":"/a"}]`)
	f.Add(`null`)
	latency := testreport.Metric{Name: "latency", Unit: unit.Seconds, Samples: []float64{1, 2, 3, 4, 5}}
	report := metrics("r.json", latency, testreport.Metric{Name: "accuracy", Value: 0.9})
	allowed := gate.DefaultRegression()
	policy := gate.Policy{Metrics: []gate.Metric{
		{Name: "latency", Stat: "p95", Regression: &allowed, Improvement: &allowed}, {Name: "accuracy", Regression: &allowed}}}
	f.Fuzz(func(t *testing.T, text string) {
		record, err := gate.DecodeRecord(text)
		if err != nil {
			return
		}
		encoded, err := gate.EncodeRecord(record)
		if err != nil {
			if len(text) < 40<<10 { // a control character grows to six
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := gate.DecodeRecord(encoded)
		if err != nil || len(again) != len(record) {
			t.Fatalf("%q became %q: %v", text, encoded, err)
		}
		for range 2 { // in the metrics' own names too
			verdict := gate.Evaluate(policy, gate.Evidence{Reports: one(report), Baseline: &gate.Baseline{Ref: "a:b", Measurements: again}})
			if _, err := gate.EncodeRecord(verdict.Record); err != nil || len(verdict.Results) != 3 {
				t.Fatalf("%q: %v, %d results", text, err, len(verdict.Results))
			}
			for i := range again {
				again[i].Name = []string{"latency", "accuracy"}[i%2]
			}
		}
	})
}

func TestMeasurements(t *testing.T) {
	policy := gate.Policy{
		Size: gate.Size{Max: limit(t, "1GB")},
		Metrics: []gate.Metric{
			{Name: "latency", Stat: "p50", Max: limit(t, "1s"), Regression: limit(t, "10%")},
			{Name: "f1", Where: map[string]string{"class": "dog"}, Min: limit(t, "0.5")},
			{Name: "speed", Pointer: "/n", Report: "r.json", Max: limit(t, "1")},
			{Name: "none", Max: limit(t, "1")},
		},
		Rules: []gate.Rule{compiled(t, "tests.total == 1")},
	}
	r := metrics("r.json", testreport.Metric{Name: "latency", Unit: unit.Seconds, Samples: []float64{1, 1, 1, 1, 1}},
		testreport.Metric{Name: "f1", Value: 0.75, Labels: labels("class=dog")}, testreport.Metric{Name: "n", Value: 4})
	r.Tests = 1
	verdict := gate.Evaluate(policy, gate.Evidence{Reports: one(r), Size: gate.ImageSize{Compressed: 5}})
	want := []gate.Measurement{
		{Name: "latency", Stat: "median", Value: 1, Unit: unit.Seconds, Samples: 5},
		{Name: "f1", Where: map[string]string{"class": "dog"}, Value: 0.75},
		{Name: "speed", Report: "r.json", Pointer: "/n", Value: 4},
	}
	if diff := cmp.Diff(want, gate.Measurements(verdict.Results)); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], verdict.Record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got := gate.Measurements(nil); got != nil {
		t.Errorf("measured %v in nothing", got)
	}
}

func ExampleEncodeRecord() {
	text, err := gate.EncodeRecord([]gate.Measurement{{Name: "latency", Stat: "p95", Value: 0.041, Unit: unit.Seconds, Samples: 200, Noise: 0.002}})
	fmt.Println(text, err)
	// Output: [{"name":"latency","stat":"p95","value":0.041,"unit":"s","samples":200,"noise":0.002}] <nil>
}
