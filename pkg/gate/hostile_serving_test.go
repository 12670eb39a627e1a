package gate_test

import "strings"

// hostileServing are reports of load generators and evaluations, in JSON.
func hostileServing() []hostile {
	const (
		vllm   = `{"completed": 5, "request_throughput": 1, "mean_ttft_ms": 1, `
		aiperf = `{"input_config": {}, "request_latency": {"unit": "ms", "p95": 1}, `
		k6     = `{"root_group": {}, "metrics": {"http_req_duration": {"type": "trend", "contains": "time", "values": {"p(95)": `
		eval   = `{"results": {"a": {"acc,none": `
	)
	return []hostile{
		{"vLLM, NaN", "v.json", vllm + `"p99_e2el_ms": NaN}`, "latency p99", []string{"NaN", "/p99_e2el_ms"}},
		{"vLLM, below zero", "v.json", vllm + `"p99_e2el_ms": -1}`, "latency p99", []string{"negative"}},
		{"vLLM, p99 absent", "v.json", vllm + `"mean_e2el_ms": 1}`, "latency p99", []string{"p99", "mean"}},
		{"vLLM, requests failed", "v.json", vllm + `"failed": 3, "p99_e2el_ms": 1}`, "latency p99", []string{"failed", "/failed"}},
		{"vLLM, none completed", "v.json", `{"completed": 0, "request_throughput": 0, "mean_ttft_ms": 0}`, "time_to_first_token mean", []string{"failed", "/completed"}},
		{"vLLM, fewer completed than asked", "v.json", vllm + `"num_prompts": 9}`, "", []string{"failed", "/completed"}},
		{"vLLM, completed is text", "v.json", `{"completed": "all", "request_throughput": 1, "mean_ttft_ms": 1}`, "", []string{"/completed"}},
		{"vLLM, run after run in one file", "v.jsonl", vllm + `"p99_e2el_ms": 1}` + "\n" + vllm + `"p99_e2el_ms": 2}` + "\n", "latency p99", []string{"more than one JSON value"}},
		{"vLLM, a latency as text", "v.json", vllm + `"p99_e2el_ms": "1s?"}`, "latency p99", []string{"/p99_e2el_ms"}},
		{"SGLang, 1e999", "s.json", `{"completed": 5, "request_throughput": 1, "p99_e2e_latency_ms": 1e999}`, "latency p99", []string{"out of range"}},
		{"AIPerf, was cancelled", "a.json", aiperf + `"was_cancelled": true}`, "latency p95", []string{"cancelled", "/was_cancelled"}},
		{"AIPerf, requests failed", "a.json", aiperf + `"error_summary": [{"count": 2, "error_details": {}}]}`, "latency p95", []string{"failed", "/error_summary/0"}},
		{"AIPerf, was_cancelled is text", "a.json", aiperf + `"was_cancelled": "false"}`, "latency p95", []string{"/was_cancelled"}},
		{"genai-perf, NaN", "g.json", `{"input_config": {}, "request_latency": {"unit": "ms", "p95": NaN}}`, "latency p95", []string{"NaN"}},
		{"genai-perf, no unit", "g.json", `{"input_config": {}, "request_latency": {"p95": 5}}`, "latency p95", []string{"without unit"}},
		{"genai-perf, unknown unit", "g.json", `{"input_config": {}, "request_latency": {"unit": "ticks", "p95": 5}}`, "latency p95", []string{"without unit"}},
		{"genai-perf, null", "g.json", `{"input_config": {}, "request_latency": null}`, "latency p95", []string{"null"}},
		{"k6, NaN", "k.json", k6 + `NaN}}}}`, "latency p95", []string{"NaN", "/metrics/http_req_duration"}},
		{"k6, below zero", "k.json", k6 + `-1}}}}`, "latency p95", []string{"negative"}},
		{"k6, threshold crossed", "k.json", k6 + `1}, "thresholds": {"p(95)<1": {"ok": false}}}}}`, "latency p95", []string{"threshold"}},
		{"k6, threshold without verdict", "k.json", k6 + `1}, "thresholds": {"p(95)<1": {"ok": null}}}}}`, "latency p95", []string{"/metrics/http_req_duration/thresholds"}},
		{"k6 before 1.5, threshold crossed, which is true", "k.json", `{"root_group": {}, "metrics": {"http_req_duration": {"p(95)": 1, "thresholds": {"a": true}}}}`, "latency p95", []string{"threshold"}},
		{"k6 2, did not pass", "k.json", `{"version": "1", "results": {"passed": false, "metrics": []}}`, "", []string{"failed", "/results/passed"}},
		{"k6 2, passed is text", "k.json", `{"version": "1", "results": {"passed": "true", "metrics": []}}`, "", []string{"/results/passed"}},
		{"Locust, no request", "l.json", `[{"num_requests": 0, "num_failures": 0, "response_times": {}}]`, "latency p95", []string{"no request"}},
		{"Locust, more failures than requests", "l.json", `[{"num_requests": 1, "num_failures": 3, "response_times": {"1": 1}}]`, "error_rate", []string{"3 failures of 1"}},
		{"Locust, time below zero", "l.json", `[{"num_requests": 1, "num_failures": 0, "response_times": {"-3": 1}}]`, "latency p95", []string{"negative"}},
		{"Locust, times beyond counting", "l.json", `[{"num_requests": 1, "num_failures": 0, "response_times": {"1": 1e18}}]`, "latency p95", []string{"/0/response_times/1"}},
		{"Locust, time of NaN", "l.json", `[{"num_requests": 1, "num_failures": 0, "response_times": {"NaN": 1}}]`, "latency p95", []string{"/0/response_times/NaN"}},
		{"k6, rate below zero", "k.json", `{"root_group": {}, "metrics": {"http_req_failed": {"type": "rate", "values": {"rate": -1}}}}`, "error_rate", []string{"no share", "/metrics/http_req_failed/values/rate"}},
		{"classification, in percent", "s.json", `{"accuracy": 95, "macro avg": {"f1-score": 1}, "weighted avg": {"f1-score": 1}}`, "accuracy", []string{"no share", "/accuracy"}},
		{"lm-eval, NaN", "e.json", eval + `NaN}}, "n-shot": {}}`, "accuracy", []string{"NaN", "acc,none"}},
		{"lm-eval, N/A", "e.json", eval + `"N/A"}}, "n-shot": {}}`, "accuracy", []string{"N/A"}},
		{"lm-eval, true", "e.json", eval + `true}}, "n-shot": {}}`, "accuracy", []string{"/results/a/acc,none"}},
		{"lm-eval, two tasks that disagree", "e.json", `{"results": {"a": {"acc,none": 0.9}, "b": {"acc,none": 0.1}}, "n-shot": {}}`, "accuracy", []string{"ambiguous"}},
		{"classification, NaN", "s.json", `{"accuracy": NaN, "macro avg": {"f1-score": 1}, "weighted avg": {"f1-score": 1}}`, "accuracy", []string{"NaN"}},
		{"classification, an f1 of which class", "s.json", `{"macro avg": {"f1-score": 0.1}, "weighted avg": {"f1-score": 1}}`, "f1", []string{"ambiguous"}},
		{"Trainer, Infinity", "t.json", `{"eval_runtime": 1, "eval_samples_per_second": 1, "eval_accuracy": Infinity}`, "accuracy", []string{"Infinity"}},
		{"Trainer, negative memory", "t.json", `{"eval_runtime": 1, "eval_samples_per_second": 1, "eval_mem_gpu_peaked_delta": -1}`, "gpu_memory", []string{"negative"}},
		{"Torch, text", "m.json", `{"allocated_bytes.all.peak": "2GB?"}`, "gpu_memory", []string{"/allocated_bytes.all.peak"}},
		{"Torch, out of range", "m.json", `{"allocated_bytes.all.peak": 1e999}`, "gpu_memory", []string{"out of range"}},
		{"coverage.py, nothing covered", "c.json", `{"meta": {}, "files": {}, "totals": {"num_statements": 0, "percent_covered": 100}}`, "coverage", []string{"no statement"}},
		{"coverage.py, 12000 %", "c.json", `{"meta": {}, "files": {}, "totals": {"percent_covered": 12000}}`, "coverage", []string{"coverage"}},
		{"DVC, a file that it could not read", "d.json", `{"": {"data": {"m.json": {"error": {"msg": "gone"}}}}}`, "accuracy", []string{"gone", "m.json"}},
		{"DVC, two revisions that disagree", "d.json", `{"a": {"data": {"m": {"data": {"accuracy": 0.1}}}}, "b": {"data": {"m": {"data": {"accuracy": 0.9}}}}}`, "accuracy", []string{"ambiguous"}},
		{"a name of a mebibyte", "n.json", `{"` + strings.Repeat("a", 1<<20) + `": NaN, "accuracy": NaN}`, "accuracy", []string{"NaN"}},
	}
}
