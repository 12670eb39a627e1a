package testreport_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/testreport"
)

// facts prints a report line by line: its failures, then its metrics with
// exact values and all that tells them apart.
func facts(report testreport.Report) []string {
	var all []string
	for _, f := range report.Failures {
		all = append(all, fmt.Sprintf("failure %s: %s @ %s", f.Test, f.Message, f.Source.Pointer))
	}
	for _, m := range report.Metrics {
		line := m.Name
		if m.Stat != "" {
			line += " " + m.Stat
		}
		switch {
		case m.Invalid != "":
			line += " invalid:" + m.Invalid
		case m.Samples != nil:
			line += fmt.Sprintf(" %v%s", m.Samples, m.Unit)
		default:
			line += " " + strconv.FormatFloat(m.Value, 'g', -1, 64) + string(m.Unit)
		}
		line += " @ " + m.Source.Pointer
		if len(m.Aliases) > 0 {
			line += " = " + strings.Join(m.Aliases, ", ")
		}
		for _, label := range m.Labels {
			line += fmt.Sprintf(" {%s=%s}", label.Name, label.Value)
		}
		if m.Duration {
			line += " duration"
		}
		all = append(all, line)
	}
	return all
}

// hold checks that facts has all the lines, and no failure beside theirs.
func hold(t *testing.T, report testreport.Report, want []string) {
	t.Helper()
	have := facts(report)
	for _, line := range want {
		if !slices.Contains(have, line) {
			t.Errorf("lacks %s", line)
		}
	}
	for _, line := range have {
		if strings.HasPrefix(line, "failure ") && !slices.Contains(want, line) {
			t.Errorf("has also %s", line)
		}
	}
	if t.Failed() {
		t.Logf("has\n%s", strings.Join(have, "\n"))
	}
}

func TestReadKnownFormats(t *testing.T) {
	for _, tc := range []struct {
		file, format string
		tests        int
		want         []string
	}{
		{"shapes/pytest-json-report.json", "pytest-json-report", 4, []string{
			"failure tests/test_model.py::test_f1: AssertionError: f1 fell @ /tests/2",
			"failure tests/test_model.py::test_gpu: RuntimeError: no device @ /tests/3",
			"duration 3.5s @ /duration",
			"test_accuracy 0.125s @ /tests/0/call/duration = tests/test_model.py::test_accuracy duration",
			"test_batch[cpu::32] 0.75s @ /tests/1/call/duration = tests/test_model.py::TestSpeed::test_batch[cpu::32] duration",
			"test_f1 0.25s @ /tests/2/call/duration = tests/test_model.py::test_f1 duration",
			"accuracy 0.913 @ /tests/0/metadata/accuracy = test_accuracy.accuracy",
			"latency p95 0.04125s @ /tests/0/metadata/latency_p95_ms = latency_p95_ms, test_accuracy.latency_p95_ms",
			"gpu_memory 5.36870912e+08B @ /tests/1/user_properties/0/gpu_memory_mib = gpu_memory_mib, test_batch[cpu::32].gpu_memory_mib",
			"tests.0.setup.duration 0.0002 @ /tests/0/setup/duration",
		}},
		{"shapes/ctrf.json", "ctrf", 3, []string{
			"failure tests/test_model.py.test_f1: f1 fell @ /results/tests/1",
			"failure test_odd: status other @ /results/tests/4",
			"test_infer 0.012s @ /results/tests/0/duration = tests.test_model.py.test_infer duration",
			"gpu_peak 5.36870912e+08B @ /results/tests/0/extra/gpu_peak_mib = gpu_peak_mib, test_infer.gpu_peak_mib",
			"accuracy 0.91 @ /results/tests/0/extra/accuracy = test_infer.accuracy",
			"test_f1 0.25s @ /results/tests/1/duration = tests/test_model.py.test_f1 duration",
			"latency p95 0.04125s @ /results/extra/latency_p95_ms = latency_p95_ms",
			"f1 0.9 @ /extra/f1",
		}},
		{"shapes/coverage.json", "coverage-py", 0, []string{
			"coverage 0.75ratio @ /totals/percent_covered = totals.percent_covered",
			"statement_coverage 0.8ratio @ /totals/percent_statements_covered = totals.percent_statements_covered",
			"branch_coverage 0.6666666666666667ratio @ /totals/percent_branches_covered = totals.percent_branches_covered",
			"file_coverage 0.75ratio @ /files/src~1model.py/summary/percent_covered = files.src/model.py.summary.percent_covered {file=src/model.py}",
			"file_coverage invalid:a rate of no statement @ /files/src~1__init__.py/summary/percent_covered = files.src/__init__.py.summary.percent_covered {file=src/__init__.py}",
			"totals.covered_lines 4 @ /totals/covered_lines",
		}},
		{"shapes/classification-report.json", "sklearn-classification-report", 0, []string{
			"accuracy 0.625 @ /accuracy",
			"f1 0.6309523809523809 @ /weighted avg/f1-score = weighted avg.f1-score {average=weighted}",
			"precision 0.625 @ /macro avg/precision = macro avg.precision {average=macro}",
			"recall 0.6666666666666666 @ /big dog/recall = big dog.recall {class=big dog}",
			"f1 0.5714285714285714 @ /big dog/f1-score = big dog.f1-score {class=big dog}",
			"support 3 @ /big dog/support = big dog.support {class=big dog}",
		}},
		{"shapes/all_results.json", "huggingface-trainer", 0, []string{
			"accuracy 0.9128 @ /eval_accuracy = eval_accuracy {split=eval}",
			"f1 0.905 @ /eval_f1 = eval_f1 {split=eval}",
			"runtime 2.5s @ /eval_runtime = eval_runtime {split=eval}",
			"throughput 348.8 @ /eval_samples_per_second = eval_samples_per_second {split=eval}",
			"gpu_memory 2.68435456e+08B @ /eval_mem_gpu_peaked_delta = eval_mem_gpu_peaked_delta {split=eval}",
			"gpu_memory 5.36870912e+08B @ /train_mem_gpu_peaked_delta = train_mem_gpu_peaked_delta {split=train}",
			"train_mem_cpu_peaked_delta 1.048576e+06B @ /train_mem_cpu_peaked_delta {split=train}",
			"train_loss 0.18 @ /train_loss {split=train}",
			"train_runtime 120.5s @ /train_runtime {split=train}",
			"train_samples_per_second 1676.7 @ /train_samples_per_second {split=train}",
			"epoch 3 @ /epoch",
		}},
		{"shapes/lm-eval.json", "lm-evaluation-harness", 0, []string{
			"accuracy 0.61 @ /results/arc_easy/acc,none = acc,none, results.arc_easy.acc,none {task=arc_easy} {filter=none} {n-shot=0}",
			"accuracy_stderr 0.01 @ /results/arc_easy/acc_stderr,none = acc_stderr,none, results.arc_easy.acc_stderr,none {task=arc_easy} {filter=none} {n-shot=0}",
			"acc_norm 0.58 @ /results/arc_easy/acc_norm,none = acc_norm,none, results.arc_easy.acc_norm,none {task=arc_easy} {filter=none} {n-shot=0}",
			"exact_match 0.4 @ /results/gsm8k/exact_match,strict-match = exact_match,strict-match, results.gsm8k.exact_match,strict-match {task=gsm8k} {filter=strict-match} {n-shot=5}",
			"exact_match 0.45 @ /results/gsm8k/exact_match,flexible-extract = exact_match,flexible-extract, results.gsm8k.exact_match,flexible-extract {task=gsm8k} {filter=flexible-extract} {n-shot=5}",
			"exact_match_stderr invalid:N/A @ /results/gsm8k/exact_match_stderr,strict-match = exact_match_stderr,strict-match, results.gsm8k.exact_match_stderr,strict-match {task=gsm8k} {filter=strict-match} {n-shot=5}",
			"accuracy 0.61 @ /groups/suite/acc,none = acc,none, groups.suite.acc,none {group=suite} {filter=none}",
			"versions.gsm8k 3 @ /versions/gsm8k",
		}},
		{"shapes/vllm-bench.json", "vllm-bench", 0, []string{
			"failure requests: 2 failed, 98 completed @ /failed",
			"duration 12.5s @ /duration",
			"throughput 7.84 @ /request_throughput = request_throughput",
			"tokens_per_second 2048 @ /output_throughput = output_throughput",
			"time_to_first_token mean 0.0425s @ /mean_ttft_ms = mean_ttft_ms",
			"time_per_output_token stddev 0.0005s @ /std_tpot_ms = std_tpot_ms",
			"inter_token_latency median 0.01s @ /median_itl_ms = median_itl_ms",
			"latency p99.9 3.0055s @ /p99.9_e2el_ms = p99.9_e2el_ms, inference_time",
			"request_goodput invalid:null @ /request_goodput",
		}},
		{"shapes/sglang-bench.json", "sglang-bench", 0, []string{
			"throughput 3.92 @ /request_throughput = request_throughput",
			"tokens_per_second 1003.9 @ /output_throughput = output_throughput",
			"latency p99 2.25s @ /p99_e2e_latency_ms = p99_e2e_latency_ms, inference_time",
			"inter_token_latency max 0.044s @ /max_itl_ms = max_itl_ms",
		}},
		{"shapes/torch-memory-stats.json", "torch-memory-stats", 0, []string{
			"gpu_memory 1.610612736e+09B @ /allocated_bytes.all.peak = allocated_bytes.all.peak",
			"reserved_bytes.all.peak 2.147483648e+09B @ /reserved_bytes.all.peak",
			"active.all.peak 12 @ /active.all.peak",
		}},
		{"shapes/dvc-metrics-show.json", "dvc-metrics", 0, []string{
			"accuracy 0.91 @ /workspace/data/metrics.json/data/accuracy = metrics.json.accuracy {rev=workspace} {file=metrics.json}",
			"train.latency p95 0.04125s @ /workspace/data/metrics.json/data/train/latency_p95_ms = train.latency_p95_ms, metrics.json.train.latency_p95_ms {rev=workspace} {file=metrics.json}",
			"f1 0.9 @ /workspace/data/eval~1scores.yaml/data/f1 = eval/scores.yaml.f1 {rev=workspace} {file=eval/scores.yaml}",
			"accuracy 0.9 @ /main/data/metrics.json/data/accuracy = metrics.json.accuracy {rev=main} {file=metrics.json}",
		}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			report := readFile(t, tc.file)
			if report.Format != tc.format || report.Tests != tc.tests {
				t.Errorf("format %q, %d tests, want %q, %d", report.Format, report.Tests, tc.format, tc.tests)
			}
			hold(t, report, tc.want)
		})
	}
}

// What the formats are known to trap readers with, and their rarer shapes. want
// is the whole report.
func TestReadTraps(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"pytest summary only", `{"created": 1, "exitcode": 1, "summary": {"passed": 2, "failed": 1, "total": 3}}`,
			"failure pytest: 1 tests ended as failed @ /summary/failed\ncreated 1 @ /created\nexitcode 1 @ /exitcode\nsummary.total 3 @ /summary/total"},
		{"pytest interrupted", `{"created": 1, "exitcode": 2, "summary": {}, "tests": []}`,
			"failure pytest: ended with exit code 2 @ /exitcode\ncreated 1 @ /created\nexitcode 2 @ /exitcode"},
		{"pytest rerun that passed at last", `{"created": 1, "exitcode": 0, "summary": {}, "tests": [{"nodeid": "a[x", "outcome": "rerun", "call": {"duration": -1, "outcome": "passed"}}]}`,
			"created 1 @ /created\nexitcode 0 @ /exitcode\na[x -1s @ /tests/0/call/duration duration"},
		{"pytest skipped and no metadata", `{"created": 1, "exitcode": 0, "summary": {}, "tests": [{"nodeid": "a", "outcome": "xfailed", "call": {"duration": 1}, "metadata": 5}, {"nodeid": "b", "outcome": "passed"}]}`,
			"created 1 @ /created\nexitcode 0 @ /exitcode"},
		{"ctrf without reportFormat, list cut short", `{"results": {"tool": {}, "summary": {"failed": 2}, "tests": [{"name": "a", "status": "failed", "duration": NaN}]}}`,
			"failure a: status failed @ /results/tests/0\nfailure summary: 2 failed by the summary, 1 by the list of tests @ /results/summary/failed\na invalid:NaN @ /results/tests/0/duration duration\nresults.summary.failed 2 @ /results/summary/failed"},
		{"ctrf of pytest", `{"reportFormat": "CTRF", "results": {"summary": {"failed": 0}, "tests": [{"name": "t.py::test_a", "suite": ["t.py"], "status": "passed", "duration": 6}]}}`,
			"t.py::test_a 0.006s @ /results/tests/0/duration = test_a duration\nresults.summary.failed 0 @ /results/summary/failed"},
		{"ctrf of a browser's suites", `{"reportFormat": "CTRF", "results": {"summary": {"failed": 0}, "tests": [{"name": "loads", "suite": ["chromium", "page"], "status": "passed", "duration": 6}]}}`,
			"loads 0.006s @ /results/tests/0/duration = chromium.page.loads duration\nresults.summary.failed 0 @ /results/summary/failed"},
		{"coverage of nothing", `{"meta": {}, "files": {}, "totals": {"num_statements": 0, "percent_covered": 100.0, "percent_covered_display": "100"}}`,
			"totals.num_statements 0 @ /totals/num_statements\ncoverage invalid:a rate of no statement @ /totals/percent_covered = totals.percent_covered"},
		{"coverage of no branch", `{"meta": {}, "files": {}, "totals": {"num_branches": 0, "percent_covered": 99.9, "percent_branches_covered": 100}}`,
			"totals.num_branches 0 @ /totals/num_branches\ncoverage 0.999ratio @ /totals/percent_covered = totals.percent_covered\nbranch_coverage invalid:a rate of no branch @ /totals/percent_branches_covered = totals.percent_branches_covered"},
		{"classification of a subset of labels", `{"accuracy": {"f1-score": 0.5}, "micro avg": {"f1-score": 0.4}, "macro avg": {"f1-score": NaN}, "weighted avg": {"f1-score": 1, "extra": 2}, "n": 8}`,
			"f1 0.5 @ /accuracy/f1-score = accuracy.f1-score {class=accuracy}\nf1 0.4 @ /micro avg/f1-score = micro avg.f1-score {average=micro}\nf1 invalid:NaN @ /macro avg/f1-score = macro avg.f1-score {average=macro}\n" +
				"f1 1 @ /weighted avg/f1-score = weighted avg.f1-score {average=weighted}\nweighted avg.extra 2 @ /weighted avg/extra {average=weighted}\nn 8 @ /n"},
		{"trainer's other fields", `{"predict_runtime": 2, "predict_samples_per_second": 3, "predict_acc": 0.5, "predict_latency_p95_ms": 80, "predict_model": "x", "predict_inference_time_ms": 80, "predict_": 1, "predict_per_class": [1, 2], "predict_ok": true}`,
			"runtime 2s @ /predict_runtime = predict_runtime {split=predict}\nthroughput 3 @ /predict_samples_per_second = predict_samples_per_second {split=predict}\naccuracy 0.5 @ /predict_acc = predict_acc {split=predict}\n" +
				"latency p95 0.08s @ /predict_latency_p95_ms = predict_latency_p95_ms, inference_time {split=predict}\ninference_time 0.08s @ /predict_inference_time_ms = predict_inference_time_ms, latency {split=predict}\npredict_ 1 @ /predict_\npredict_per_class [1 2] @ /predict_per_class"},
		{"lm-eval before filters", `{"results": {"a": {"acc": 0.5, "acc_stderr": "N/A", "alias": "a", "ok": true, ",none": 1}}, "versions": {"a": 0}, "configs": {}, "groups": null}`,
			"accuracy 0.5 @ /results/a/acc = acc, results.a.acc {task=a}\nresults.a.acc_stderr invalid:N/A @ /results/a/acc_stderr {task=a}\nresults.a.,none 1 @ /results/a/,none {task=a} {filter=none}\nversions.a 0 @ /versions/a\ngroups invalid:null @ /groups"},
		{"lm-eval score that is an object", `{"results": {"a": {"acc,none": {"x": 1}}}, "n-samples": {}}`,
			"results.a.acc,none.x 1 @ /results/a/acc,none/x {task=a} {filter=none}"},
		{"vllm without failed", `{"num_prompts": 3, "completed": 2, "request_throughput": 1, "p99_ttft_ms": "n/a"}`,
			"failure requests: 1 failed, 2 completed @ /completed\nnum_prompts 3 @ /num_prompts\ncompleted 2 @ /completed\nthroughput 1 @ /request_throughput = request_throughput\ntime_to_first_token p99 invalid:n/a @ /p99_ttft_ms = p99_ttft_ms"},
		{"vllm with no request completed", `{"completed": 0, "request_throughput": 0, "mean_ttft_ms": 0, "itls": 5, "mean_x_ms": 1, "low_ttft_ms": 2}`,
			"failure requests: 0 failed, 0 completed @ /completed\ncompleted 0 @ /completed\nthroughput 0 @ /request_throughput = request_throughput\n" +
				"time_to_first_token mean 0s @ /mean_ttft_ms = mean_ttft_ms\nitls 5 @ /itls\nmean_x 0.001s @ /mean_x_ms = mean_x_ms\nlow_ttft 0.002s @ /low_ttft_ms = low_ttft_ms"},
		{"genai-perf units", `{"input_config": {}, "request_latency": {"unit": "us", "avg": 1500, "count": 3}, "time_to_first_token": {"unit": "ticks", "p99": 2}, "inter_token_latency": {"p99": 2}, "x": {"unit": "ms", "avg": 1, "max": 2}}`,
			"latency 0.0015s @ /request_latency/avg = request_latency, request_latency.avg, inference_time\nrequest_latency.count 3 @ /request_latency/count\ntime_to_first_token p99 2 @ /time_to_first_token/p99 = time_to_first_token.p99\n" +
				"inter_token_latency p99 2 @ /inter_token_latency/p99 = inter_token_latency.p99\nx mean 0.001s @ /x/avg = x.avg\nx max 0.002s @ /x/max = x.max"},
		{"telemetry without GPUs", `{"input_config": {}, "request_latency": null, "telemetry_stats": {"gpu_memory_used": 5, "a": {"unit": "GB", "gpu": {"max": 1}}}, "telemetry_data": null}`,
			"latency invalid:null @ /request_latency = request_latency, inference_time\ntelemetry_stats.gpu_memory_used 5 @ /telemetry_stats/gpu_memory_used\n" +
				"a max 1e+09B @ /telemetry_stats/a/gpu/max = telemetry_stats.a.gpu.max {gpu=gpu}\ntelemetry_data invalid:null @ /telemetry_data"},
		{"aiperf cancelled", `{"input_config": {}, "request_throughput": {"avg": 1}, "was_cancelled": true, "error_summary": [{"count": 0}]}`,
			"failure benchmark: was cancelled @ /was_cancelled\nthroughput 1 @ /request_throughput/avg = request_throughput, request_throughput.avg"},
		{"aiperf's later names", `{"input_config": {}, "request_latency": {"unit": "ms", "avg": 1}, "aiperf_version": "0.13.0", "telemetry_data": {"endpoints": {"e": {"gpus": {"gpu_0": {"metrics": {"nvidia_memory_used": {"unit": "GB", "max": 2}}}}}}}}`,
			"latency 0.001s @ /request_latency/avg = request_latency, request_latency.avg, inference_time\n" +
				"gpu_memory max 2e+09B @ /telemetry_data/endpoints/e/gpus/gpu_0/metrics/nvidia_memory_used/max = nvidia_memory_used, telemetry_data.endpoints.e.gpus.gpu_0.metrics.nvidia_memory_used.max {gpu=0} {endpoint=e}"},
		{"dvc file that is a list", `{"": {"data": {"m.json": {"data": [1, 2.5]}, "n.json": {"data": {"a": [1, 2]}}}}}`,
			"a [1 2] @ //data/n.json/data/a = n.json.a {rev=} {file=n.json}"},
		{"not dvc", `{"a": {"data": {"b": {"data": 1}}}, "c": {"data": 5}}`,
			"a.data.b.data 1 @ /a/data/b/data\nc.data 5 @ /c/data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Split(tc.want, "\n"), facts(readText(t, "r.json", tc.text))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}
