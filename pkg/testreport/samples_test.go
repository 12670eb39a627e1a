package testreport_test

import "testing"

// What the tools themselves wrote: testdata/reports/README.md has the commands.
// The samples under shapes hold what these runs had no occasion for.
func TestReadSamples(t *testing.T) {
	for _, tc := range []struct {
		file, format string
		tests        int
		want         []string
	}{
		{"pytest-json-report.json", "pytest-json-report", 4, []string{
			"failure tests/test_outcomes.py::test_f1: AssertionError: f1 fell @ /tests/2",
			"failure tests/test_outcomes.py::test_gpu: RuntimeError: no device @ /tests/3",
			"duration 0.05617046356201172s @ /duration",
			"gpu_memory 5.36870912e+08B @ /tests/0/user_properties/0/gpu_memory_mib = gpu_memory_mib, test_batch[cpu::32].gpu_memory_mib",
			"accuracy 0.95 @ /tests/1/metadata/accuracy = test_accuracy.accuracy",
			"latency p95 2.3725000573904254e-05s @ /tests/1/metadata/latency_p95_ms = latency_p95_ms, test_accuracy.latency_p95_ms",
			"test_accuracy 0.0002319349987374153s @ /tests/1/call/duration = tests/test_outcomes.py::test_accuracy duration",
		}},
		{"ctrf.json", "ctrf", 4, []string{
			"failure tests/test_outcomes.py::test_f1: AssertionError: f1 fell @ /results/tests/2",
			"failure tests/test_outcomes.py::test_gpu: RuntimeError: no device @ /results/tests/3",
			"tests/test_outcomes.py::TestSpeed::test_batch[cpu::32] 0.002s @ /results/tests/0/duration = test_batch[cpu::32] duration",
			"tests/test_outcomes.py::test_f1 0.019s @ /results/tests/2/duration = test_f1 duration",
		}},
		{"coverage.json", "coverage-py", 0, []string{
			"coverage 0.706896551724138ratio @ /totals/percent_covered = totals.percent_covered",
			"statement_coverage 0.74ratio @ /totals/percent_statements_covered = totals.percent_statements_covered",
			"branch_coverage 0.5ratio @ /totals/percent_branches_covered = totals.percent_branches_covered",
		}},
		{"classification-report.json", "sklearn-classification-report", 0, []string{
			"accuracy 0.9442379182156134 @ /accuracy",
			"f1 0.9438884310721255 @ /weighted avg/f1-score = weighted avg.f1-score {average=weighted}",
			"precision 0.9443527548553806 @ /macro avg/precision = macro avg.precision {average=macro}",
			"recall 0.9213483146067416 @ /big one/recall = big one.recall {class=big one}",
			"support 89 @ /big one/support = big one.support {class=big one}",
		}},
		{"all_results.json", "huggingface-trainer", 0, []string{
			"accuracy 0.9383333333333334 @ /eval_accuracy = eval_accuracy {split=eval}",
			"f1 0.9388429752066115 @ /eval_f1 = eval_f1 {split=eval}",
			"runtime 3.3369s @ /eval_runtime = eval_runtime {split=eval}",
			"throughput 179.808 @ /eval_samples_per_second = eval_samples_per_second {split=eval}",
			"train_loss 0.3305211987411767 @ /train_loss {split=train}",
			"train_mem_cpu_alloc_delta 1.7502208e+07B @ /train_mem_cpu_alloc_delta {split=train}",
		}},
		{"evaluate.json", "json", 0, []string{
			"accuracy 0.95 @ /accuracy",
			"latency p95 0.04125s @ /latency_p95_ms = latency_p95_ms",
		}},
		{"lm-eval.json", "lm-evaluation-harness", 0, []string{
			"accuracy 0.3 @ /results/sums/acc,none = acc,none, results.sums.acc,none {task=sums} {filter=none} {n-shot=0}",
			"accuracy_stderr 0.15275252316519464 @ /results/sums/acc_stderr,none = acc_stderr,none, results.sums.acc_stderr,none {task=sums} {filter=none} {n-shot=0}",
			"acc_norm 0.3 @ /results/sums/acc_norm,none = acc_norm,none, results.sums.acc_norm,none {task=sums} {filter=none} {n-shot=0}",
			"exact_match 0 @ /results/sums_said/exact_match,strict-match = exact_match,strict-match, results.sums_said.exact_match,strict-match {task=sums_said} {filter=strict-match} {n-shot=0}",
			"accuracy 0.25 @ /groups/sums_suite/acc,none = acc,none, groups.sums_suite.acc,none {group=sums_suite} {filter=none} {n-shot=0}",
			"groups.sums_suite.sample_count.acc,none 20 @ /groups/sums_suite/sample_count/acc,none {group=sums_suite} {n-shot=0}",
		}},
		{"vllm-bench.json", "vllm-bench", 0, []string{
			"throughput 18.893828858898697 @ /request_throughput = request_throughput",
			"tokens_per_second 226.72594630678438 @ /output_throughput = output_throughput",
			"time_to_first_token mean 0.026099889900069683s @ /mean_ttft_ms = mean_ttft_ms",
			"time_per_output_token stddev 0.0002074144598126415s @ /std_tpot_ms = std_tpot_ms",
			"inter_token_latency p95 0.0030738898002709903s @ /p95_itl_ms = p95_itl_ms",
			"latency p99.9 0.059725939158663095s @ /p99.9_e2el_ms = p99.9_e2el_ms, inference_time",
			"request_goodput invalid:null @ /request_goodput",
			"failed 0 @ /failed",
		}},
		{"sglang-bench.json", "sglang-bench", 0, []string{
			"throughput 17.318015095242863 @ /request_throughput = request_throughput",
			"tokens_per_second 132.4828154786079 @ /output_throughput = output_throughput",
			"latency p99 0.0528503287597232s @ /p99_e2e_latency_ms = p99_e2e_latency_ms, inference_time",
			"time_to_first_token p95 0.03064398265096316s @ /p95_ttft_ms = p95_ttft_ms",
		}},
		{"aiperf.json", "aiperf", 0, []string{
			"throughput 46.36284903921729 @ /request_throughput/avg = request_throughput, request_throughput.avg",
			"latency p95 0.10057219934999999s @ /request_latency/p95 = request_latency, request_latency.p95, inference_time",
			"time_to_first_token p99 0.06715539501s @ /time_to_first_token/p99 = time_to_first_token.p99",
			"tokens_per_second 695.4427355882593 @ /output_token_throughput/avg = output_token_throughput, output_token_throughput.avg",
			"benchmark_duration 0.857349632s @ /benchmark_duration/avg = benchmark_duration.avg",
			"request_error_rate 0ratio @ /request_error_rate/avg = request_error_rate.avg",
		}},
		{"dvc-metrics-show.json", "dvc-metrics", 0, []string{
			"accuracy 0.96 @ /workspace/data/metrics.json/data/accuracy = metrics.json.accuracy {rev=workspace} {file=metrics.json}",
			"accuracy 0.95 @ /v1.0.0/data/metrics.json/data/accuracy = metrics.json.accuracy {rev=v1.0.0} {file=metrics.json}",
			"train.latency p95 0.04125s @ /workspace/data/metrics.json/data/train/latency_p95_ms = train.latency_p95_ms, metrics.json.train.latency_p95_ms {rev=workspace} {file=metrics.json}",
			"perplexity invalid:NaN @ /workspace/data/metrics.json/data/perplexity = metrics.json.perplexity {rev=workspace} {file=metrics.json}",
			"per class.big dog.recall 0.66 @ /workspace/data/eval~1scores.yaml/data/per class/big dog/recall = eval/scores.yaml.per class.big dog.recall {rev=workspace} {file=eval/scores.yaml}",
			"gpu.memory 5.36870912e+08B @ /workspace/data/train.toml/data/gpu/memory_mib = gpu.memory_mib, train.toml.gpu.memory_mib {rev=workspace} {file=train.toml}",
		}},
		{"model-card.md", "huggingface-model-card", 0, []string{
			"accuracy 0.95 @ /model-index/0/results/0/metrics/0/value = Test accuracy {task=tabular-classification} {dataset=acme/points} {config=default} {split=test}",
			"f1 94.9 @ /model-index/0/results/0/metrics/1/value = Test F1 {task=tabular-classification} {dataset=acme/points} {config=default} {split=test}",
			"wer 12.4 @ /model-index/0/results/1/metrics/0/value {task=automatic-speech-recognition} {dataset=acme/spoken-points}",
		}},
		{"eval_results.yaml", "huggingface-eval-results", 0, []string{
			"score 95 @ /0/value = value, acme/points-bench, points {task=points} {dataset=acme/points-bench}",
			"score 0.95 @ /1/value = value, acme/lines-bench, default {task=default} {dataset=acme/lines-bench}",
		}},
	} {
		t.Run(tc.file, func(t *testing.T) { sample(t, tc.file, tc.format, tc.tests, tc.want) })
	}
}

func TestReadLoadSamples(t *testing.T) {
	const metrics = " @ /results/metrics/1/values/"
	for _, tc := range []struct {
		file, format string
		tests        int
		want         []string
	}{
		// p95 without parentheses, no rate of http_reqs, and no threshold, though one was crossed
		{"k6-summary.json", "k6", 0, []string{
			"latency p95 0.028853921399999996s" + metrics + "p95 = http_req_duration, results.metrics.1.values.p95, inference_time",
			"latency median 0.0189132465s" + metrics + "med = http_req_duration, results.metrics.1.values.med, inference_time",
			"error_rate 0.06ratio @ /results/metrics/3/values/rate = http_req_failed, results.metrics.3.values.rate",
			"checks 0.94ratio @ /results/checks/metrics/2/values/rate = checks_succeeded, results.checks.metrics.2.values.rate",
			"data_received 31464B @ /results/metrics/7/values/count = results.metrics.7.values.count",
			"queue_wait p95 0.02870575605s @ /results/metrics/8/values/p95 = results.metrics.8.values.p95",
			"tokens p95 17 @ /results/metrics/10/values/p95 = results.metrics.10.values.p95",
		}},
		{"k6-handle-summary.json", "k6", 4, []string{
			"failure http_req_duration p(95)<5: the threshold was crossed @ /metrics/http_req_duration/thresholds/p(95)<5",
			"latency p95 0.02912364925s @ /metrics/http_req_duration/values/p(95) = http_req_duration, metrics.http_req_duration.values.p(95), inference_time",
			"latency p99.9 0.030567864393s @ /metrics/http_req_duration/values/p(99.9) = http_req_duration, metrics.http_req_duration.values.p(99.9), inference_time",
			"error_rate 0.055ratio @ /metrics/http_req_failed/values/rate = http_req_failed, metrics.http_req_failed.values.rate",
			"checks 0.945ratio @ /metrics/checks/values/rate = metrics.checks.values.rate",
			"throughput 221.4155823760162 @ /metrics/http_reqs/values/rate = metrics.http_reqs.values.rate",
			"queue_wait p95 0.029082366949999997s @ /metrics/queue_wait/values/p(95) = metrics.queue_wait.values.p(95)",
		}},
		// true says that a threshold was crossed; a trend of one's own does not say that it is a time
		{"k6-summary-export.json", "k6", 4, []string{
			"failure http_req_duration p(95)<5: the threshold was crossed @ /metrics/http_req_duration/thresholds/p(95)<5",
			"latency p95 0.02961109095s @ /metrics/http_req_duration/p(95) = http_req_duration, metrics.http_req_duration.p(95), inference_time",
			"error_rate 0.025ratio @ /metrics/http_req_failed/value = http_req_failed, metrics.http_req_failed.value",
			"checks 0.975ratio @ /metrics/checks/value = metrics.checks.value",
			"throughput 203.97530469762174 @ /metrics/http_reqs/rate = metrics.http_reqs.rate",
			"queue_wait p95 29.572609749999998 @ /metrics/queue_wait/p(95) = metrics.queue_wait.p(95)",
		}},
		{"locust.json", "locust", 0, []string{
			"error_rate 0.06818181818181818ratio @ /*/num_failures = *.num_failures",
			"endpoint_error_rate 0.07476635514018691ratio @ /0/num_failures = 0.num_failures {method=POST} {endpoint=/predict}",
			"max_response_time 0.04805108099935751s @ /0/max_response_time = 0.max_response_time {method=POST} {endpoint=/predict}",
			"0.num_requests 642 @ /0/num_requests {method=POST} {endpoint=/predict}",
		}},
		{"locust_stats.csv", "locust", 0, []string{
			"latency p95 0.031s @ /2/95% = 95%, inference_time",
			"latency p99.9 0.048s @ /2/99.9% = 99.9%, inference_time",
			"latency max 0.04805108099935751s @ /2/Max Response Time = Max Response Time, inference_time",
			"error_rate 0.06980273141122914ratio @ /2/Failure Count = Failure Count",
			"throughput 164.9387771128488 @ /2/Requests~1s = Requests/s",
		}},
		{"mlperf_log_summary.txt", "mlperf", 1, []string{
			"throughput 29.33 @ /Completed samples per second = Completed samples per second",
			"tokens_per_second 234.98 @ /Completed tokens per second = Completed tokens per second",
			"latency p99 0.023928582s @ /99.00 percentile latency (ns) = 99.00 percentile latency (ns), inference_time",
			"time_to_first_token p99.9 0.01440832s @ /99.90 percentile first token latency (ns) = 99.90 percentile first token latency (ns)",
			"time_per_output_token max 0.001846916s @ /Max Time per Output Token (ns) = Max Time per Output Token (ns)",
		}},
		{"mlperf_log_detail.txt", "mlperf", 1, []string{
			"throughput 29.3306 @ /result_completed_samples_per_sec = result_completed_samples_per_sec",
			"latency p99 0.023928582s @ /result_99.00_percentile_latency_ns = result_99.00_percentile_latency_ns, inference_time",
			"tokens_per_second 234.981 @ /result_completed_tokens_per_second = result_completed_tokens_per_second",
			"result_token_throughput 3.8663e-07 @ /result_token_throughput", // it counts by the nanosecond, and twice over
			"time_per_output_token max 0.001846916s @ /result_time_to_output_token_max = result_time_to_output_token_max",
			"time_per_output_token p99 0.001521684s @ /result_time_per_output_token_99.00_percentile_ns = result_time_per_output_token_99.00_percentile_ns",
		}},
		{"mlperf_single_summary.txt", "mlperf", 1, []string{
			"latency p90 0.003832518s @ /90.0th percentile latency (ns) = 90.0th percentile latency (ns), inference_time",
			"latency p99.9 1.171874327s @ /99.90 percentile latency (ns) = 99.90 percentile latency (ns), inference_time",
		}},
		{"mlperf_invalid_summary.txt", "mlperf", 1, []string{"failure MLPerf: the run's result is INVALID, expected VALID @ /Result is"}},
		{"mlperf_invalid_detail.txt", "mlperf", 1, []string{"failure MLPerf: the run's result is INVALID, expected VALID @ /result_validity"}},
	} {
		t.Run(tc.file, func(t *testing.T) { sample(t, tc.file, tc.format, tc.tests, tc.want) })
	}
}

// sample reads a file and checks its lines.
func sample(t *testing.T, file, format string, tests int, want []string) {
	t.Helper()
	report := readFile(t, file)
	if report.Format != format || report.Tests != tests {
		t.Errorf("format %q, %d tests, want %q, %d", report.Format, report.Tests, format, tests)
	}
	hold(t, report, want)
}

// A percentile that the tool was not asked for is absent, and is not made of
// others.
func TestReadInventsNoPercentile(t *testing.T) {
	for file, absent := range map[string]string{
		"benchmark.json":    "p95", // statistics without the measurements
		"vllm-bench.json":   "p99",
		"k6-summary.json":   "p99.9",
		"metrics.prom":      "p99.9",
		"sglang-bench.json": "p99.9",
	} {
		for _, m := range readFile(t, file).Metrics {
			if m.Stat == absent {
				t.Errorf("%s has %s %s = %v @ %s", file, m.Name, m.Stat, m.Value, m.Source.Pointer)
			}
		}
	}
}
