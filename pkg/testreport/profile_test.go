package testreport_test

import "testing"

func TestReadProfiles(t *testing.T) {
	genaiPerf := readFile(t, "shapes/genai-perf.json")
	hold(t, genaiPerf, []string{
		"throughput 6.25 @ /request_throughput/avg = request_throughput, request_throughput.avg",
		"latency mean 0.0415s @ /request_latency/avg = request_latency, request_latency.avg, inference_time",
		"latency p99 0.0615s @ /request_latency/p99 = request_latency, request_latency.p99, inference_time",
		"time_to_first_token p99 0.01225s @ /time_to_first_token/p99 = time_to_first_token.p99",
		"inter_token_latency p99 0.0035s @ /inter_token_latency/p99 = inter_token_latency.p99",
		"tokens_per_second 1234.5 @ /output_token_throughput/avg = output_token_throughput, output_token_throughput.avg",
		"output_sequence_length p99 97 @ /output_sequence_length/p99 = output_sequence_length.p99",
		"gpu_memory max 1.3e+10B @ /telemetry_stats/gpu_memory_used/gpu0/max = gpu_memory_used, telemetry_stats.gpu_memory_used.gpu0.max {gpu=0}",
		"gpu_memory max 1.45e+10B @ /telemetry_stats/gpu_memory_used/gpu1/max = gpu_memory_used, telemetry_stats.gpu_memory_used.gpu1.max {gpu=1}",
		"total_gpu_memory 5.15e+10B @ /telemetry_stats/total_gpu_memory/gpu0/avg = telemetry_stats.total_gpu_memory.gpu0.avg {gpu=0}",
		"gpu_utilization 0.75ratio @ /telemetry_stats/gpu_utilization/gpu0/avg = telemetry_stats.gpu_utilization.gpu0.avg {gpu=0}",
		"gpu_power_usage max 60 @ /telemetry_stats/gpu_power_usage/gpu0/max = telemetry_stats.gpu_power_usage.gpu0.max {gpu=0}",
		"input_config.concurrency 4 @ /input_config/concurrency",
	})
	const metrics, dotted = "/telemetry_data/endpoints/localhost:9401/gpus/gpu_0/metrics/", "telemetry_data.endpoints.localhost:9401.gpus.gpu_0.metrics."
	aiperf := readFile(t, "shapes/aiperf.json")
	hold(t, aiperf, []string{
		"failure requests: 3 failed: InternalServerError the server broke @ /error_summary/0",
		"latency p95 8.9805s @ /request_latency/p95 = request_latency, request_latency.p95, inference_time",
		"time_to_first_token invalid:null @ /time_to_first_token",
		"benchmark_duration 15.25s @ /benchmark_duration/avg = benchmark_duration.avg",
		"gpu_memory max 4.75e+10B @ " + metrics + "gpu_memory_used/max = gpu_memory_used, " + dotted + "gpu_memory_used.max {gpu=0} {endpoint=localhost:9401}",
		"gpu_utilization max 0.98ratio @ " + metrics + "gpu_utilization/max = " + dotted + "gpu_utilization.max {gpu=0} {endpoint=localhost:9401}",
	})
	if genaiPerf.Format != "genai-perf" || aiperf.Format != "aiperf" || genaiPerf.Tests+aiperf.Tests != 0 {
		t.Errorf("formats %q, %q, %d tests", genaiPerf.Format, aiperf.Format, genaiPerf.Tests+aiperf.Tests)
	}
}
