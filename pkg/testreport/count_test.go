package testreport_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// counts prints name, statistic, labels and count of the metrics that have one.
func counts(report testreport.Report) []string {
	var all []string
	for _, m := range report.Metrics {
		if m.Count == 0 {
			continue
		}
		line := strings.TrimSpace(m.Name + " " + m.Stat)
		for _, l := range m.Labels {
			line += " " + l.Name + "=" + l.Value
		}
		all = append(all, line+": "+strconv.Itoa(m.Count))
	}
	return all
}

// How many measurements a value was computed from: what the report says, and
// nothing where it does not.
func TestCounts(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"pytest-benchmark", `{"machine_info": {}, "benchmarks": [{"name": "a", "stats": {"mean": 1, "max": 2, "rounds": 83, "ops": 1, "data": [1, 2]}}]}`, "a mean: 83\na max: 83"},
		{"pytest-benchmark without rounds", `{"machine_info": {}, "benchmarks": [{"name": "a", "stats": {"mean": 1}}]}`, ""},
		{"k6 trend", `{"version": "1", "results": {"metrics": [{"name": "http_req_duration", "type": "trend", "contains": "time", "values": {"avg": 1, "p(95)": 2, "count": 1500}}]}}`, "latency mean: 1500\nlatency p95: 1500"},
		{"k6 trend without count", `{"root_group": {}, "metrics": {"http_reqs": {"count": 9, "rate": 1}, "http_req_duration": {"avg": 1}}}`, ""},
		{"k6 rates", `{"root_group": {}, "metrics": {"checks": {"value": 1, "passes": 19, "fails": 1}}}`, "checks: 20"},
		{"k6 rates of 2", `{"version": "1", "results": {"metrics": [{"name": "http_req_failed", "type": "rate", "values": {"rate": 0.02, "matches": 30, "total": 1500}}]}}`, "error_rate: 1500"},
		{"Locust CSV", "Type,Name,Request Count,Failure Count,Average Response Time,95%,Requests/s\nGET,/a,60,0,1,2,3\n,Aggregated,1260,3,1,2,3\n",
			"endpoint_error_rate method=GET endpoint=/a: 60\nendpoint_latency mean method=GET endpoint=/a: 60\nendpoint_latency p95 method=GET endpoint=/a: 60\nerror_rate: 1260\nlatency mean: 1260\nlatency p95: 1260"},
		{"Locust JSON, whose samples say how many", `[{"name": "/a", "method": "GET", "num_requests": 5, "num_failures": 1, "response_times": {"1": 5}}]`,
			"error_rate: 5\nendpoint_error_rate method=GET endpoint=/a: 5"},
		{"vLLM", `{"completed": 98, "request_throughput": 1, "mean_ttft_ms": 1, "p99_tpot_ms": 1, "mean_itl_ms": 1, "p99_e2el_ms": 1}`, "time_to_first_token mean: 98\nlatency p99: 98"},
		{"SGLang", `{"completed": 98, "request_throughput": 1, "p99_e2e_latency_ms": 1}`, "latency p99: 98"},
		{"genai-perf", `{"input_config": {}, "request_latency": {"unit": "ms", "avg": 1, "p95": 2, "count": 200.0}, "time_to_first_token": {"unit": "ms", "p99": 1}}`, "latency mean: 200\nlatency p95: 200"},
		{"counts that are none", `{"input_config": {}, "request_latency": {"unit": "ms", "p95": 2, "count": -3}, "a": {"unit": "ms", "avg": 1, "count": 1.5}, "b": {"unit": "ms", "avg": 1, "count": 1e999}}`, ""},
		{"histogram", "# TYPE a histogram\na_bucket{le=\"1\"} 6\na_bucket{le=\"2\"} 10\na_bucket{le=\"+Inf\"} 10\na_sum 5\na_count 10\n", "a mean: 10\na median: 10\na p90: 10\na p95: 10\na p99: 10"},
		{"summary, whose quantiles are of its last minutes", "# TYPE a summary\na{quantile=\"0.5\"} 1\na_sum 5\na_count 10\n", "a mean: 10"},
		{"MLPerf, a sample in each query", ":::MLLOG {\"key\": \"effective_scenario\", \"value\": \"Server\"}\n:::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n:::MLLOG {\"key\": \"result_query_count\", \"value\": 270336}\n:::MLLOG {\"key\": \"result_mean_latency_ns\", \"value\": 5}\n", "latency mean: 270336"},
		{"MLPerf, all samples in one query", ":::MLLOG {\"key\": \"effective_scenario\", \"value\": \"Offline\"}\n:::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n:::MLLOG {\"key\": \"result_query_count\", \"value\": 1}\n:::MLLOG {\"key\": \"result_mean_latency_ns\", \"value\": 5}\n", ""},
		{"classification", `{"cat": {"f1-score": 1, "support": 3.0}, "accuracy": 0.5, "macro avg": {"f1-score": 1, "support": 8.0}, "weighted avg": {"f1-score": 1, "support": 8.0}}`,
			"f1 class=cat: 3\naccuracy: 8\nf1 average=macro: 8\nf1 average=weighted: 8"},
		{"lm-eval", `{"results": {"a": {"acc,none": 0.5}, "b": {"acc,none": 0.5}}, "n-samples": {"a": {"original": 2376, "effective": 100}}}`, "accuracy task=a filter=none: 100"},
		{"Trainer", `{"eval_accuracy": 0.5, "eval_runtime": 1, "eval_samples": 872, "eval_samples_per_second": 3, "train_loss": 1}`, "accuracy split=eval: 872"},
		{"any JSON", `{"latency": {"unit": "ms", "p95": 80, "samples": 50}, "b": {"unit": "ms", "mean": 1, "count": 7}}`, "latency p95: 50\nb mean: 7"},
		{"JUnit, which does not say", `<testsuite><testcase name="a" time="1"><properties><property name="latency_p95_ms" value="80"/></properties></testcase></testsuite>`, ""},
		{"model card, which does not say", "---\nmodel-index:\n- results:\n  - metrics: [{type: f1, value: 1}]\n---\n", ""},
	} {
		got := counts(readText(t, "r", tc.text))
		if want := strings.Split(tc.want, "\n"); tc.want == "" && got != nil || tc.want != "" && !slices.Equal(got, want) {
			t.Errorf("%s: counts\n%s\nwant\n%s", tc.name, strings.Join(got, "\n"), tc.want)
		}
	}
}

// A count where raw measurements are usual is in no unit.
func TestNumberOfSamplesIsNoMeasurement(t *testing.T) {
	want := "t p95 0.08s @ /t/p95 = t.p95\nt.samples 50 @ /t/samples\n"
	if got := lines(readText(t, "r.json", `{"t": {"unit": "ms", "p95": 80, "samples": 50}}`)); got != want {
		t.Errorf("metrics:\n%swant:\n%s", got, want)
	}
}
