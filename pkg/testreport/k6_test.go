package testreport_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadK6(t *testing.T) {
	for file, want := range map[string][]string{
		"shapes/k6-summary.json": {
			"failure k6: results.passed is false @ /results/passed",
			"throughput 24.75 @ /results/metrics/0/values/rate = results.metrics.0.values.rate",
			"http_reqs 1500 @ /results/metrics/0/values/count = results.metrics.0.values.count",
			"latency median 0.2345s @ /results/metrics/1/values/med = http_req_duration, results.metrics.1.values.med, inference_time",
			"latency p99.9 0.45525s @ /results/metrics/1/values/p(99.9) = http_req_duration, results.metrics.1.values.p(99.9), inference_time",
			"results.metrics.1.values.count 1500 @ /results/metrics/1/values/count",
			"http_req_duration{expected_response:true} p95 0.4115s @ /results/metrics/2/values/p(95) = results.metrics.2.values.p(95) {expected_response=true}",
			"error_rate 0.02ratio @ /results/metrics/3/values/rate = http_req_failed, results.metrics.3.values.rate",
			"data_received 1.572864e+07B @ /results/metrics/5/values/count = results.metrics.5.values.count",
			"tokens p95 128 @ /results/metrics/6/values/p(95) = results.metrics.6.values.p(95)",
			"checks 0.95ratio @ /results/checks/metrics/2/values/rate = checks_succeeded, results.checks.metrics.2.values.rate",
		},
		"shapes/k6-handle-summary.json": {
			"failure http_req_duration p(95)<150: the threshold was crossed @ /metrics/http_req_duration/thresholds/p(95)<150",
			"latency p95 0.1905s @ /metrics/http_req_duration/values/p(95) = http_req_duration, metrics.http_req_duration.values.p(95), inference_time",
			"checks 0.95ratio @ /metrics/checks/values/rate = metrics.checks.values.rate",
			"error_rate 0.05ratio @ /metrics/http_req_failed/values/rate = http_req_failed, metrics.http_req_failed.values.rate",
			"throughput 0.66 @ /metrics/http_reqs/values/rate = metrics.http_reqs.values.rate",
			"gpu_memory 5.36870912e+08B @ /metrics/gpu_memory/values/value = metrics.gpu_memory.values.value",
			"gpu_memory max 5.36870912e+08B @ /metrics/gpu_memory/values/max = metrics.gpu_memory.values.max",
		},
		"shapes/k6-summary-export.json": {
			"failure http_req_duration p(95)<150: the threshold was crossed @ /metrics/http_req_duration/thresholds/p(95)<150",
			"latency p95 0.1905s @ /metrics/http_req_duration/p(95) = http_req_duration, metrics.http_req_duration.p(95), inference_time",
			"checks 0.95ratio @ /metrics/checks/value = metrics.checks.value",
			"error_rate 0.05ratio @ /metrics/http_req_failed/value = http_req_failed, metrics.http_req_failed.value",
			"throughput 0.66 @ /metrics/http_reqs/rate = metrics.http_reqs.rate",
			"data_received 204800B @ /metrics/data_received/count = metrics.data_received.count",
			"tokens mean 96.5 @ /metrics/tokens/avg = metrics.tokens.avg",
			"vus max 1 @ /metrics/vus/max = metrics.vus.max",
		},
	} {
		t.Run(file, func(t *testing.T) {
			report := readFile(t, file)
			thresholds := 3
			if file == "shapes/k6-summary.json" {
				thresholds = 0
			}
			if report.Format != "k6" || report.Tests != thresholds {
				t.Errorf("format %q, %d tests, want k6, %d", report.Format, report.Tests, thresholds)
			}
			hold(t, report, want)
		})
	}
}

func TestReadK6Traps(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"checks by name, as the documentation has them", `{"version": "1.0.0", "results": {"passed": true, "x": 1, "metrics": [], "checks": {"n": 2, "metrics": {"checksSucceeded": {"name": "checks_succeeded", "type": "rate", "values": {"rate": 0.95, "passes": 19}}}}}}`,
			"results.x 1 @ /results/x\nresults.checks.n 2 @ /results/checks/n\n" +
				"checks 0.95ratio @ /results/checks/metrics/checksSucceeded/values/rate = checks_succeeded, results.checks.metrics.checksSucceeded.values.rate\n" +
				"results.checks.metrics.checksSucceeded.values.passes 19 @ /results/checks/metrics/checksSucceeded/values/passes"},
		{"counter of a time, rate per second", `{"root_group": {}, "metrics": {"wait": {"type": "counter", "contains": "time", "values": {"count": 80, "rate": 2}}}}`,
			"wait 0.08s @ /metrics/wait/values/count = metrics.wait.values.count\nmetrics.wait.values.rate 2 @ /metrics/wait/values/rate"},
		{"no name", `{"root_group": {}, "metrics": {"": {"avg": 80}}}`, "metrics..avg mean 80 @ /metrics//avg"},
		{"unknown type", `{"root_group": {}, "metrics": {"a": {"type": 5, "values": {"avg": 80}}}}`,
			"metrics.a.values mean 80 @ /metrics/a/values/avg = metrics.a.values.avg"},
		{"subset with two tags", `{"root_group": {}, "metrics": {"http_req_duration{a:b, c}": {"avg": -80}}}`,
			"http_req_duration{a:b, c} mean -0.08s @ /metrics/http_req_duration{a:b, c}/avg = metrics.http_req_duration{a:b, c}.avg {a=b} {c=}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Split(tc.want, "\n"), facts(readText(t, "r.json", tc.text))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}
