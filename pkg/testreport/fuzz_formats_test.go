package testreport_test

import (
	"os"
	"testing"
)

// family is a group of formats that one fuzz target is about. shapes begin and
// end the document, so that the fuzzer starts inside of each format.
type family []struct{ head, tail string }

// fuzz adds what each shape holds to the corpus, and every sample of the formats.
func (shapes family) fuzz(f *testing.F, inside []string, files ...string) {
	for i := range shapes {
		for _, text := range inside {
			f.Add(byte(i), text)
		}
	}
	for _, name := range files { // whole, after a head that stands for itself
		data, err := os.ReadFile("../../testdata/reports/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(len(shapes)), string(data))
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		if i := int(which) % (len(shapes) + 1); i < len(shapes) {
			text = shapes[i].head + text + shapes[i].tail
		}
		checkReport(t, []byte(text))
	})
}

func FuzzReadXML(f *testing.F) {
	family{
		{`<testsuites><testsuite name="s" tests="1">`, `</testsuite></testsuites>`},
		{`<testsuite><testcase name="a" classname="b" time="1">`, `</testcase></testsuite>`},
		{`<coverage line-rate="0.5" branch-rate="1" lines-valid="2">`, `</coverage>`},
	}.fuzz(f, []string{
		`<properties><property name="latency_p95_ms" value="80.2"/><property name="a">NaN</property></properties>`,
		`<testcase name="c" time="-1"><failure message="x&#10;y"/><skipped/><error>z</error></testcase>`,
		`<packages><package name="p" line-rate="0.25" branch-rate="0"/></packages>`,
	}, "evaluation.xml", "failed.xml", "coverage.xml")
}

func FuzzReadTestRunners(f *testing.F) {
	family{
		{`{"machine_info": {}, "benchmarks": [`, `]}`},
		{`{"created": 1, "exitcode": 0, "summary": {"total": 1}, "tests": [`, `]}`},
		{`{"created": 1, "exitcode": 1, "summary": {`, `}}`},
		{`{"reportFormat": "CTRF", "results": {"summary": {"failed": 0}, "tests": [`, `]}}`},
	}.fuzz(f, []string{
		`{"name": "a", "fullname": "t::a", "stats": {"mean": 1, "rounds": 2, "data": [1, NaN]}, "extra_info": {"x_ms": [1, 2]}}`,
		`{"nodeid": "t::a[x]", "outcome": "passed", "call": {"duration": 1}, "metadata": {"f1": 1}, "user_properties": [{"a": 2}]}`,
		`{"name": "a", "suite": ["s"], "status": "failed", "message": "m", "duration": 1, "extra": {"f1": 1}}`,
		`"passed": 3, "failed": 1, "total": 4`,
	}, "benchmark-data.json", "pytest-json-report.json", "ctrf.json")
}

func FuzzReadServing(f *testing.F) {
	family{
		{`{"completed": 1, "request_throughput": 1, "p99_ttft_ms": 1, `, `}`},
		{`{"completed": 1, "request_throughput": 1, "p99_e2e_latency_ms": 1, `, `}`},
		{`{"input_config": {}, "request_latency": {"unit": "ms", "avg": 1, "count": 2}, `, `}`},
		{`{"input_config": {}, "request_throughput": null, "was_cancelled": false, `, `}`},
	}.fuzz(f, []string{
		`"p99.9_itl_ms": 2, "failed": 1, "num_prompts": 2, "itls": [[1]], "output_throughput": 5`,
		`"telemetry_stats": {"gpu_memory_used": {"unit": "GB", "gpu0": {"avg": 1}}}, "error_summary": [{"count": 1}]`,
		`"telemetry_data": {"endpoints": {"a": {"gpus": {"gpu_0": {"metrics": {"m": {"unit": "%", "p99": 1}}}}}}}`,
	}, "vllm-bench.json", "sglang-bench.json", "shapes/genai-perf.json", "aiperf.json")
}

func FuzzReadLoadTests(f *testing.F) {
	family{
		{`{"version": "1", "results": {"passed": true, "metrics": [`, `]}}`},
		{`{"root_group": {}, "metrics": {"http_req_duration": {"type": "trend", "contains": "time", "values": {`, `}}}}`},
		{`{"root_group": {}, "metrics": {`, `}}`},
		{`[{"num_requests": 3, "num_failures": 1, "response_times": {`, `}}]`},
	}.fuzz(f, []string{
		`{"name": "a{b:c}", "type": "rate", "values": {"rate": 1, "total": 2}, "thresholds": {"x": {"ok": false}}}`,
		`"p(99.9)": 1, "med": 2, "count": 3`,
		`"http_reqs": {"count": 1, "rate": 2}, "checks": {"value": 1, "passes": 2, "fails": 0, "thresholds": {"x": true}}`,
		`"150": 2, "99": 1, "1e3": 100000`,
	}, "k6-summary.json", "k6-handle-summary.json", "k6-summary-export.json", "locust.json")
}

func FuzzReadEvaluations(f *testing.F) {
	family{
		{`{"macro avg": {"f1-score": 1}, "weighted avg": {"f1-score": 1, "support": 3.0}, `, `}`},
		{`{"eval_runtime": 1, "eval_samples_per_second": 1, "eval_samples": 3, `, `}`},
		{`{"n-shot": {"a": 5}, "n-samples": {"a": {"effective": 9}}, "results": {"a": {`, `}}}`},
		{`{"": {"data": {"m.json": {"data": {`, `}}}}}`},
		{`{"meta": {}, "files": {}, "totals": {"percent_covered": 1, `, `}}`},
		{`{"allocated_bytes.all.peak": 1, `, `}`},
	}.fuzz(f, []string{
		`"accuracy": 0.5, "cat": {"precision": 1, "recall": 1, "f1-score": NaN, "support": 2}`,
		`"eval_acc": 0.5, "eval_loss": null, "train_mem_gpu_peaked_delta": 5, "eval_": 1`,
		`"acc,none": 0.5, "acc_stderr,none": "N/A", "alias": "a", ",": 1`,
		`"percent_branches_covered": 100, "num_branches": 0, "reserved_bytes.all.peak": 1`,
	}, "classification-report.json", "all_results.json", "lm-eval.json", "dvc-metrics-show.json", "coverage.json", "shapes/torch-memory-stats.json")
}

func FuzzReadCards(f *testing.F) {
	family{
		{"---\nmodel-index:\n- results:\n  - metrics:\n", "\n---\n# Title\n"},
		{"- dataset: {id: a}\n  value: 1\n", "\n"},
		{"model-index:\n", "\n"},
	}.fuzz(f, []string{
		"    - {type: f1, value: 20.0 ± 1.2, name: F}\n    - type: wer\n      value: ~",
		"- {task: {type: qa}, metric: f1_pct, dataset: {id: b, split: test}, value: '91 +/- 2'}",
		"- results: [{task: {type: t}, dataset: {name: d}, metrics: [{type: acc, value: 91%}]}]",
	}, "model-card.md", "eval_results.yaml")
}

func FuzzReadTables(f *testing.F) {
	family{
		{"Concurrency,Inferences/Second,p99 latency,Max GPU Memory Usage\n", "\n"},
		{"Type,Name,Request Count,Failure Count,Average Response Time,95%\n", "\n"},
		{"index, memory.used [MiB], utilization.gpu [%]\n", "\n"},
		{"MLPerf Results Summary\nResult is : VALID\n", "\nTest Parameters Used\n"},
		{":::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n:::MLLOG {", "}\n"},
	}.fuzz(f, []string{
		"1,2.5,800,GPU-0a1b:2e9;GPU-2c3d:x;",
		",Aggregated,5,1,2.5,N/A\nGET,/a,5,6,1,2",
		"0, 512 MiB, 5 %\n1, [N/A], 6 %\n0, 513 MiB, 7 %",
		"99.00 percentile latency (ns) : 5\nMean First Token latency (ns) : 1e9",
		`"key": "result_99.00_percentile_latency_ns", "value": 5`,
	}, "shapes/perf_analyzer.csv", "locust_stats.csv", "shapes/nvidia-smi.csv", "mlperf_log_summary.txt", "mlperf_log_detail.txt")
}
