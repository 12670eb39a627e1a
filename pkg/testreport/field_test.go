package testreport

import (
	"testing"

	"github.com/org/ai-ship/pkg/unit"
)

func TestParseField(t *testing.T) {
	s, b, r := unit.Seconds, unit.Bytes, unit.Ratio
	for name, want := range map[string]field{
		"accuracy":              {"accuracy", "", unit.Quantity{Value: 1}, 0},
		"inference_time_p95_ms": {"inference_time", "p95", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"latency_ms":            {"latency", "", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"latency_us":            {"latency", "", unit.Quantity{Value: 1e-6, Unit: s}, 0},
		"latency_ns":            {"latency", "", unit.Quantity{Value: 1e-9, Unit: s}, 0},
		"latency_s":             {"latency", "", unit.Quantity{Value: 1, Unit: s}, 0},
		"latency_seconds":       {"latency", "", unit.Quantity{Value: 1, Unit: s}, 0},
		"gpu_memory_peak_mb":    {"gpu_memory_peak", "", unit.Quantity{Value: 1e6, Unit: b}, 0},
		"gpu_memory_peak_mib":   {"gpu_memory_peak", "", unit.Quantity{Value: 1 << 20, Unit: b}, 0},
		"memory_bytes":          {"memory", "", unit.Quantity{Value: 1, Unit: b}, 0},
		"accuracy_percent":      {"accuracy", "", unit.Quantity{Value: 0.01, Unit: r}, 0},
		"accuracy_pct":          {"accuracy", "", unit.Quantity{Value: 0.01, Unit: r}, 0},
		"accuracy_avg":          {"accuracy", "mean", unit.Quantity{Value: 1}, 0},
		"latency_p50":           {"latency", "median", unit.Quantity{Value: 1}, 0},
		"latency_max_ms":        {"latency", "max", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"latency_ms_p99":        {"latency", "p99", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"a.latency_ms.p95":      {"a.latency", "p95", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"requests_per_min":      {"requests_per_min", "", unit.Quantity{Value: 1}, 0},
		"tokens_per_s":          {"tokens_per_s", "", unit.Quantity{Value: 1}, 0},
		"p95_ms":                {"p95", "", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"ms":                    {"ms", "", unit.Quantity{Value: 1}, 0},
		"_ms":                   {"_ms", "", unit.Quantity{Value: 1}, 0},
		"a._ms":                 {"a._ms", "", unit.Quantity{Value: 1}, 0},
		"memory.mb":             {"memory.mb", "", unit.Quantity{Value: 1}, 0},
		"x_mb_ms":               {"x_mb", "", unit.Quantity{Value: 1e-3, Unit: s}, 0},
		"":                      {"", "", unit.Quantity{Value: 1}, 0},
	} {
		if got := parseField(name); got != want {
			t.Errorf("parseField(%q) = %+v, want %+v", name, got, want)
		}
	}
}

func TestFieldMetric(t *testing.T) {
	for _, tc := range []struct {
		name, value string
		want        Metric
		ok          bool
	}{
		{"accuracy", "0.97", Metric{Name: "accuracy", Value: 0.97}, true},
		{"accuracy", " 0.97 ", Metric{Name: "accuracy", Value: 0.97}, true},
		{"accuracy", "97%", Metric{Name: "accuracy", Value: 0.97, Unit: unit.Ratio}, true},
		{"latency", "80ms", Metric{Name: "latency", Value: 0.08, Unit: unit.Seconds}, true},
		{"latency_s", "80ms", Metric{Name: "latency", Value: 0.08, Unit: unit.Seconds}, true},
		{"latency_ms", "3MB", Metric{Name: "latency", Unit: unit.Seconds, Invalid: `"3MB" in a field whose name says s`}, true},
		{"accuracy_pct", "99.9", Metric{Name: "accuracy", Value: 0.999, Unit: unit.Ratio}, true},
		{"accuracy", "NaN", Metric{Name: "accuracy", Invalid: "NaN"}, true},
		{"accuracy", "-inf", Metric{Name: "accuracy", Invalid: "-inf"}, true},
		{"accuracy", "N/A", Metric{Name: "accuracy", Invalid: "N/A"}, true},
		{"accuracy", "None", Metric{Name: "accuracy", Invalid: "None"}, true},
		{"accuracy", "", Metric{Name: "accuracy", Invalid: "empty"}, true},
		{"accuracy", "1e999", Metric{Name: "accuracy", Invalid: "out of range"}, true},
		{"memory_gb", "1e308", Metric{Name: "memory", Unit: unit.Bytes, Invalid: "out of range"}, true},
		{"commit", "3b5c9f3", Metric{}, false},
		{"commit", "-", Metric{}, false},
		{"size", "0x10", Metric{}, false},
		{"model", "nearest-mean", Metric{}, false},
	} {
		got, ok := parseField(tc.name).metric(tc.value)
		if ok != tc.ok || got.Name != tc.want.Name || got.Unit != tc.want.Unit || got.Value != tc.want.Value || got.Invalid != tc.want.Invalid {
			t.Errorf("%s=%q is %+v, %v, want %+v, %v", tc.name, tc.value, got, ok, tc.want, tc.ok)
		}
	}
}
