package testreport_test

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// Known places with the wrong type: an error that says where, never silence.
func TestReadKnownFormatsRefuses(t *testing.T) {
	const (
		pytest = `{"created": 1, "exitcode": 0, "summary": {}, "tests": [`
		ctrf   = `{"reportFormat": "CTRF", "results": {"summary": {"failed": 0}, "tests": [`
		vllm   = `"request_throughput": 1, "mean_ttft_ms": 1`
		aiperf = `{"input_config": {}, "request_latency": `
		k6     = `{"root_group": {}, "metrics": {"a": {"type": "trend", "values": {"avg": `
	)
	for _, tc := range []struct{ text, want string }{
		{`{"created": 1, "exitcode": 0, "summary": {}, "tests": {}}`, "/tests: is an object, expected an array"},
		{`{"created": 1, "exitcode": 0, "summary": 5}`, "/summary: is 5, expected an object"},
		{`{"created": 1, "exitcode": 0, "summary": {"failed": -1}}`, "/summary/failed: is -1, expected a count"},
		{`{"created": 1, "exitcode": "0", "summary": {}, "tests": []}`, `/exitcode: is the text "0", expected a count`},
		{`{"created": 1, "exitcode": 0, "duration": true, "summary": {}}`, "/duration: is a boolean, expected a number"},
		{pytest + `5]}`, "/tests/0: is 5, expected a test with nodeid and outcome"},
		{pytest + `{"nodeid": ""}]}`, "/tests/0: is an object, expected a test with nodeid and outcome"},
		{pytest + `{"nodeid": "a"}]}`, "/tests/0/outcome: is missing, expected passed, failed, error, skipped, xfailed or xpassed"},
		{pytest + `{"nodeid": "a", "outcome": "rerun", "call": null}]}`, `/tests/0/outcome: is the text "rerun", expected passed, failed, error, skipped, xfailed or xpassed`},
		{pytest + `{"nodeid": "a", "outcome": "passed", "call": []}]}`, "/tests/0/call: is an array, expected an object"},
		{pytest + `{"nodeid": "a", "outcome": "passed", "call": {"duration": "fast"}}]}`, `/tests/0/call/duration: is the text "fast", expected a number`},
		{`{"reportFormat": "CTRF"}`, "/results: is missing, expected an object"},
		{`{"reportFormat": "CTRF", "results": {"tests": null}}`, "/results/tests: is null, expected an array"},
		{`{"reportFormat": "CTRF", "results": {"tests": []}}`, "/results/summary: is missing, expected an object"},
		{`{"reportFormat": "CTRF", "results": {"summary": {}, "tests": []}}`, "/results/summary/failed: is missing, expected a count"},
		{ctrf + `{"name": 5}]}}`, "/results/tests/0: is an object, expected a test with name and status"},
		{ctrf + `{"name": "a", "status": "ok"}]}}`, `/results/tests/0/status: is the text "ok", expected passed, failed, skipped, pending or other`},
		{ctrf + `{"name": "a", "status": "passed", "duration": {}}]}}`, "/results/tests/0/duration: is an object, expected a number"},
		{`{"meta": {}, "files": {}, "totals": {"percent_covered": true}}`, "/totals/percent_covered: is a boolean, expected a number"},
		{`{"meta": {}, "files": {"a/b": {}}, "totals": {"percent_covered": 1}}`, "/files/a~1b/summary: is missing, expected an object"},
		{`{"accuracy": [1], "macro avg": {"f1-score": 1}, "weighted avg": {"f1-score": 1}}`, "/accuracy: is an array, expected a number"},
		{`{"macro avg": {"f1-score": "high"}, "weighted avg": {"f1-score": 1}}`, `/macro avg/f1-score: is the text "high", expected a number`},
		{`{"eval_runtime": {}, "eval_samples_per_second": 1}`, "/eval_runtime: is an object, expected a number"},
		{`{"results": {"a": {}, "b": 5}, "versions": {}, "configs": {}}`, "/results/b: is 5, expected an object"},
		{`{"results": {"a": {"acc,none": true}}, "n-shot": {}}`, "/results/a/acc,none: is a boolean, expected a number"},
		{`{"completed": 1, ` + strings.Replace(vllm, "1", "[]", 1) + `}`, "/request_throughput: is an array, expected a number"},
		{`{"completed": "all", ` + vllm + `}`, `/completed: is the text "all", expected a count`},
		{`{"completed": 1, "failed": 1e9, ` + vllm + `}`, "/failed: is 1e9, expected a count"},
		{`{"completed": 1, "num_prompts": 1000000001, ` + vllm + `}`, "/num_prompts: is 1000000001, expected a count"},
		{aiperf + `5}`, "/request_latency: is 5, expected an object"},
		{aiperf + `{"unit": 5}}`, "/request_latency/unit: is 5, expected a unit"},
		{aiperf + `{"p99": false}}`, "/request_latency/p99: is a boolean, expected a number"},
		{aiperf + `{}, "was_cancelled": "no"}`, `/was_cancelled: is the text "no", expected a boolean`},
		{aiperf + `{}, "error_summary": 3}`, "/error_summary: is 3, expected an array"},
		{aiperf + `{}, "error_summary": [3]}`, "/error_summary/0: is 3, expected an object"},
		{aiperf + `{}, "error_summary": [{}]}`, "/error_summary/0/count: is missing, expected a count"},
		{aiperf + `{}, "telemetry_stats": {"a": {"unit": []}}}`, "/telemetry_stats/a/unit: is an array, expected a unit"},
		{aiperf + `{}, "telemetry_data": {"endpoints": {"a": 5}}}`, "/telemetry_data/endpoints/a/gpus: is missing, expected an object"},
		{`{"version": "1", "results": {"metrics": [5]}}`, "/results/metrics/0: is 5, expected a metric with name and values"},
		{`{"version": "1", "results": {"metrics": [{"name": "a"}]}}`, "/results/metrics/0/values: is missing, expected an object"},
		{`{"version": "1", "results": {"metrics": [], "passed": "yes"}}`, `/results/passed: is the text "yes", expected a boolean`},
		{`{"root_group": {}, "metrics": {"a": 5}}`, "/metrics/a: is 5, expected an object"},
		{`{"root_group": {}, "metrics": {"a": {"values": {}}, "b": {"avg": 1}}}`, "/metrics/b/values: is missing, expected an object"},
		{k6 + `"x"}}}}`, `/metrics/a/values/avg: is the text "x", expected a number`},
		{k6 + `1}, "thresholds": []}}}`, "/metrics/a/thresholds: is an array, expected an object"},
		{k6 + `1}, "thresholds": {"p": true}}}}`, "/metrics/a/thresholds/p: is a boolean, expected an object with the boolean ok"},
		{`{"root_group": {}, "metrics": {"a": {"avg": 1, "thresholds": {"p": {"ok": true}}}}}`, "/metrics/a/thresholds/p: is an object, expected a boolean"},
		{`[{"num_requests": 1, "response_times": []}]`, "/0/response_times: is an array, expected an object"},
		{`[{"num_requests": 1, "response_times": {"soon": 1}}]`, `/0/response_times/soon: is the text "soon", expected a time in milliseconds`},
		{`[{"num_requests": 1, "response_times": {"1e999": 1}}]`, `/0/response_times/1e999: is the text "1e999", expected a time in milliseconds`},
		{`[{"num_requests": 1, "response_times": {"1": 0.5}}]`, "/0/response_times/1: is 0.5, expected a count"},
		{`[{"num_requests": 1, "response_times": {"1": 1000000000, "2": 1}}]`, "/0/response_times/2: is 1, expected at most 1000000000 requests in all"},
		{`[{"num_requests": 1, "response_times": {"1": 1000000000}}, {"response_times": {"2": 1}}]`, "/1/response_times: is an object, expected at most 1000000000 requests in all"},
		{`[{"num_requests": null, "response_times": {}}]`, "/0/num_requests: is null, expected a count"},
		{`[{"num_requests": 1, "response_times": {}}]`, "/0/num_failures: is missing, expected a count"},
		{`[{"num_requests": 1, "num_failures": 0, "response_times": {}}, 5]`, "/1/response_times: is missing, expected an object"},
		{`{"allocated_bytes.all.peak": "much"}`, `/allocated_bytes.all.peak: is the text "much", expected a number`},
		{`{"a": {"error": {"msg": "no such\nrevision"}}, "b": {"data": {"m.json": {"data": {}}}}}`, `/a: DVC reports "no such\nrevision"`},
		{`{"a": {"data": {"m.json": {"error": "gone"}}}}`, `/a/data/m.json: DVC reports "gone"`},
	} {
		report, err := testreport.ReadFile("r.json", strings.NewReader(tc.text), written)
		if want := `reading report "r.json": ` + tc.want; err == nil || err.Error() != want {
			t.Errorf("ReadFile(%s) = %+v, %v\nwant error %s", tc.text, report, err, want)
		}
	}
}

// A name that labels or failures repeat counts against the limit on names.
func TestReadLimitsLabelsAndFailures(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under the race detector")
	}
	long := strings.Repeat("k", 1<<20)
	for name, text := range map[string]string{
		"labels":   `{"results": {"` + long + `": {` + many(`"%d,none":1`, 40) + `}}, "n-shot": {}}`,
		"failures": `{"root_group": {}, "metrics": {"` + long + `": {"thresholds": {` + many(`"%d":true`, 70) + `}}}}`,
	} {
		report, err := testreport.ReadFile("r.json", strings.NewReader(text), written)
		if want := `reading report "r.json": has names of more than 64 MiB`; err == nil || err.Error() != want {
			t.Errorf("%s: %d metrics, %v, want %s", name, len(report.Metrics), err, want)
		}
	}
}

// many repeats a pattern with the numbers below n.
func many(pattern string, n int) string {
	var all []string
	for i := range n {
		all = append(all, strings.Replace(pattern, "%d", strings.Repeat("1", i+1), 1))
	}
	return strings.Join(all, ",")
}
