package testreport_test

import (
	"testing"
)

func TestReadMLPerfSummary(t *testing.T) {
	report := contains(t, "shapes/mlperf_log_summary.txt", "mlperf",
		"throughput 21.87 @ /Completed samples per second = Completed samples per second",
		"latency mean 4.51235s @ /Mean latency (ns) = Mean latency (ns), inference_time",
		"latency p99 9.01235s @ /99.00 percentile latency (ns) = 99.00 percentile latency (ns), inference_time",
		"latency p99.9 9.81235s @ /99.90 percentile latency (ns) = 99.90 percentile latency (ns), inference_time",
		"tokens_per_second 6432.1 @ /Completed tokens per second = Completed tokens per second",
		"time_to_first_token p99 1.51235s @ /99.00 percentile first token latency (ns) = 99.00 percentile first token latency (ns)",
		"time_per_output_token max 0.0912346s @ /Max Time to Output Token (ns) = Max Time to Output Token (ns)",
		"Scheduled samples per second 21.95 @ /Scheduled samples per second")
	if report.Tests != 1 || len(report.Failures) != 0 || len(report.Metrics) != 18 {
		t.Errorf("%d tests, failures %v, %d metrics, want 1, none and 18: settings are no metrics", report.Tests, report.Failures, len(report.Metrics))
	}
	const title, end = "===\nMLPerf Results Summary\n===\n", "Test Parameters Used\ntarget_latency (ns): 15000000\n"
	reads(t, "mlperf", []struct{ name, text, want string }{
		{"headline percentile", title + "90th percentile latency (ns) : 5000000\nResult is : VALID\n" + end,
			"latency p90 0.005s @ /90th percentile latency (ns) = 90th percentile latency (ns), inference_time\n"},
		{"offline", title + "Samples per second: 1.03e+06\nTokens per second: 5\nResult is : VALID\n" + end,
			"throughput 1.03e+06 @ /Samples per second = Samples per second\ntokens_per_second 5 @ /Tokens per second = Tokens per second\n"},
		{"advice and headings", title + "Result is : VALID\nEarly Stopping Result:\n * Early stopping 90th percentile estimate: 7\nQPS w/ loadgen overhead         : 9\nMean latency (ns)  :\n" + end,
			"QPS w/ loadgen overhead 9 @ /QPS w~1 loadgen overhead\nlatency mean invalid:emptys @ /Mean latency (ns) = Mean latency (ns), inference_time\n"},
	})
	refuses(t, []refusal{
		{"a", title + "Samples per second: 5\n" + end, "is an MLPerf log that does not say whether its run was VALID"},
		{"a", title + "Samples per second: 5\nResult is : VALID\n", `is an MLPerf summary that ends before "Test Parameters Used"`},
	})
	invalid(t, title+"Samples per second: 5\nResult is : INVALID\n"+end, "/Result is")
}

func TestReadMLPerfDetail(t *testing.T) {
	report := contains(t, "shapes/mlperf_log_detail.txt", "mlperf",
		"throughput 1031.25 @ /result_samples_per_second = result_samples_per_second",
		"latency p99 600.012s @ /result_99.00_percentile_latency_ns = result_99.00_percentile_latency_ns, inference_time",
		"result_query_count 1 @ /result_query_count")
	if report.Tests != 1 || len(report.Metrics) != 5 {
		t.Errorf("%d tests, %d metrics, want 1 and 5: settings are no metrics", report.Tests, len(report.Metrics))
	}
	const valid = ":::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n"
	reads(t, "mlperf", []struct{ name, text, want string }{
		{"tokens, queries and other lines", valid + "Epoch 1: loss 0.5\n" +
			":::MLLOG {\"key\": \"result_first_token_99.00_percentile_latency_ns\", \"value\": 5000000}\n" +
			":::MLLOG {\"key\": \"result_99.00_percentile_per_query_latency_ns\", \"value\": 5000000}\n" +
			":::MLLOG {\"key\": \"result_total_ns\", \"value\": \"NaN\"}\n",
			"time_to_first_token p99 0.005s @ /result_first_token_99.00_percentile_latency_ns = result_first_token_99.00_percentile_latency_ns\n" +
				"query_latency p99 0.005s @ /result_99.00_percentile_per_query_latency_ns = result_99.00_percentile_per_query_latency_ns\n" +
				"result_total_ns invalid:NaNs @ /result_total_ns\n"},
	})
	refuses(t, []refusal{
		{"a", valid + ":::MLLOG {\"key\": \"result_min", "line 2: is no JSON: unexpected EOF"},
		{"a", ":::MLLOG {\"key\": \"result_query_count\", \"value\": 1}\n", "is an MLPerf log that does not say whether its run was VALID"},
	})
	invalid(t, ":::MLLOG {\"key\": \"result_validity\", \"value\": \"INVALID\"}\n", "/result_validity")
}

// invalid wants a run that loadgen rejects to be a failed test.
func invalid(t *testing.T, text, place string) {
	t.Helper()
	report := readText(t, "r.txt", text)
	if report.Tests != 1 || len(report.Failures) != 1 {
		t.Fatalf("%d tests, failures %v, want 1 and one", report.Tests, report.Failures)
	}
	f := report.Failures[0]
	if f.Test != "MLPerf" || f.Message != "the run's result is INVALID, expected VALID" || f.Source.Pointer != place || f.Source.SHA256 != report.SHA256 {
		t.Errorf("failure %+v", f)
	}
}
