package testreport_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadJSON(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"top-level leaf", `{"accuracy": 0.97, "ok": true, "model": "x"}`, "accuracy 0.97 @ /accuracy\n"},
		{"dotted path", `{"metrics": {"accuracy": 9.7e-1}}`, "metrics.accuracy 0.97 @ /metrics/accuracy\n"},
		{"suffixes", `{"a": {"latency_p95_ms": 80.2}}`, "a.latency p95 0.0802s @ /a/latency_p95_ms = a.latency_p95_ms\n"},
		{"statistic as last segment", `{"latency_ms": {"p95": 80}}`, "latency p95 0.08s @ /latency_ms/p95 = latency_ms.p95\n"},
		{"pointer escapes", `{"a/b": {"c~d": 1, "": 2}}`, "a/b.c~d 1 @ /a~1b/c~0d\na/b. 2 @ /a~1b/\n"},
		{"samples", `{"latency_ms": [1, 2.5, 3]}`, "latency [0.001 0.0025 0.003]s @ /latency_ms = latency_ms\n"},
		{"samples of a statistic", `{"latency_p95_ms": [1, 2]}`, "latency_p95_ms [0.001 0.002]s @ /latency_p95_ms\n"},
		{"array of objects", `[{"f1": 0.5}, {"f1": 0.6}]`, "0.f1 0.5 @ /0/f1\n1.f1 0.6 @ /1/f1\n"},
		{"mixed array", `{"a": [1, "x", {"b": 2}]}`, "a.0 1 @ /a/0\na.2.b 2 @ /a/2/b\n"},
		{"names in an array", `{"classes": ["", "n/a", "cat"], "a": 1}`, "classes.0 invalid:empty @ /classes/0\nclasses.1 invalid:n/a @ /classes/1\na 1 @ /a\n"},
		{"bare NaN", `{"a": NaN, "b": -Infinity, "c": [1, Infinity]}`,
			"a invalid:NaN @ /a\nb invalid:-Infinity @ /b\nc invalid:sample 1 is Infinity @ /c\n"},
		{"NaN inside of strings stays", `{"a NaN \" NaN": 1, "b": "NaN \\"}`, "a NaN \" NaN 1 @ /a NaN \" NaN\n"},
		{"no number", `{"a": null, "b": "NaN", "c": "", "d": [0.5, null]}`,
			"a invalid:null @ /a\nb invalid:NaN @ /b\nc invalid:empty @ /c\nd invalid:sample 1 is null @ /d\n"},
		{"out of range", `{"a": 1e999, "b": [-1e999]}`, "a invalid:out of range @ /a\nb invalid:sample 0 is out of range @ /b\n"},
		{"number as text", `{"a": "0.5", "b": "80ms"}`, "a 0.5 @ /a\nb 0.08s @ /b\n"},
		{"unit and value", `{"t": {"unit": "ms", "value": 80}}`, "t 0.08s @ /t/value = t.value\n"},
		{"unit and samples", `{"t": {"unit": "MiB", "samples": [1, 2], "p95": 2, "n": 2}}`,
			"t [1.048576e+06 2.097152e+06]B @ /t/samples = t.samples\nt p95 2.09715e+06B @ /t/p95 = t.p95\nt.n 2 @ /t/n\n"},
		{"unit and statistics", `{"t": {"unit": "ms", "avg": 41.2, "std": 4, "p99": NaN}}`,
			"t mean 0.0412s @ /t/avg = t.avg\nt stddev 0.004s @ /t/std = t.std\nt p99 invalid:NaNs @ /t/p99 = t.p99\n"},
		{"unit and statistics over runs", `{"t": {"unit": "ms", "p95": [1, 2]}}`, "t.p95 [0.001 0.002]s @ /t/p95\n"},
		{"unknown unit", `{"t": {"unit": "tokens/s", "value": 80}}`, "t 80 @ /t/value = t.value\n"},
		{"unit and title", `[{"name": "infer", "unit": "ms", "value": 80}]`, "0 0.08s @ /0/value = 0.value, infer\n"},
		{"unit without value", `{"t": {"unit": "ms", "n": 2}}`, "t.n 2 @ /t/n\n"},
		{"unit under an empty name", `{"": {"unit": "ms", "p95": 80}}`, ".p95 80 @ //p95\n"},
		{"unit at the root", `{"unit": "ms", "value": 80}`, "value 80 @ /value\n"},
		{"not a benchmark", `{"benchmarks": [{"a": 1}]}`, "benchmarks.0.a 1 @ /benchmarks/0/a\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			report := readText(t, "r.json", tc.text)
			if diff := cmp.Diff(tc.want, lines(report)); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if report.Format != "json" || report.Tests != 0 {
				t.Errorf("format %q, %d tests, want json, 0", report.Format, report.Tests)
			}
		})
	}
}

func TestReadEvaluation(t *testing.T) {
	got := lines(readFile(t, "evaluation.json"))
	for _, want := range []string{
		"metrics.accuracy 0.95 @ /metrics/accuracy\n",
		"metrics.inference_time 50 sampless @ /metrics/inference_time/samples = ",
		"metrics.inference_time p99 ",
		"metrics.batch_latency mean ",
		"metrics.perplexity invalid:NaN @ /metrics/perplexity\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("metrics lack %q:\n%s", want, got)
		}
	}
}

func TestReadBenchmark(t *testing.T) {
	report := readText(t, "r.json", `{"machine_info": {}, "benchmarks": [{"name": "test_a", "fullname": "t.py::test_a",
		"extra_info": {"accuracy_pct": 91, "model": "x", "deep": {"n": 1}},
		"stats": {"mean": 0.5, "max": NaN, "rounds": 2, "outliers": "1;2", "data": [0.25, 0.75]}}]}`)
	want := `test_a mean 0.5s @ /benchmarks/0/stats/mean = t.py::test_a
test_a max invalid:NaNs @ /benchmarks/0/stats/max = t.py::test_a
test_a [0.25 0.75]s @ /benchmarks/0/stats/data = t.py::test_a
accuracy 0.91ratio @ /benchmarks/0/extra_info/accuracy_pct = accuracy_pct, test_a.accuracy_pct
deep.n 1 @ /benchmarks/0/extra_info/deep/n = test_a.deep.n
`
	if diff := cmp.Diff(want, lines(report)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if report.Format != "pytest-benchmark" {
		t.Errorf("format %q", report.Format)
	}
}

func TestReadPytestBenchmarks(t *testing.T) {
	with, without := lines(readFile(t, "benchmark-data.json")), lines(readFile(t, "benchmark.json"))
	const data = "test_one_point 20 sampless @ /benchmarks/1/stats/data = tests/test_speed.py::test_one_point\n"
	const accuracy = "accuracy 0.95 @ /benchmarks/0/extra_info/accuracy = test_inference.accuracy\n"
	if !strings.Contains(with, data) || !strings.Contains(with, accuracy) {
		t.Errorf("metrics lack %q or %q:\n%s", data, accuracy, with)
	}
	if strings.Contains(without, "data") || strings.Count(without, "test_one_point stddev") != 1 {
		t.Errorf("metrics of a file without data:\n%s", without)
	}
}
