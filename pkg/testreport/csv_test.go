package testreport_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

func TestReadCSV(t *testing.T) {
	contains(t, "runs.csv", "csv",
		"accuracy [0.95 0.95 0.95] @ /accuracy",
		"latency [0.0001257 0.0001142 0.0001157]s @ /latency_ms = latency_ms")
	reads(t, "csv", []struct{ name, text, want string }{
		{"one row", "model,accuracy,latency_p95_ms\nx,0.9,80\n", "accuracy 0.9 @ /0/accuracy\nlatency p95 0.08s @ /0/latency_p95_ms = latency_p95_ms\n"},
		{"many rows of a statistic", "run,latency_p95_ms\na,80\nb,81\n", "latency_p95_ms [0.08 0.081]s @ /latency_p95_ms\n"},
		{"quotes and breaks", "\"a,b\",\"c\"\n\"1\",\"x\ny\"\n2,z\n", "a,b [1 2] @ /a,b\n"},
		{"pandas' index", ",f1\n0,0.5\n1,0.6\n", "f1 [0.5 0.6] @ /f1\n"},
		{"one bad cell", "a,b,c\n1,1,x\n,2,y\nNaN,oops,z\n", "a invalid:row 1 is empty @ /a\nb invalid:row 2 is \"oops\" @ /b\n"},
		{"no number at all", "a,b,c\nNaN,,1\nnan,,2\n", "a invalid:row 0 is NaN @ /a\nc [1 2] @ /c\n"},
		{"units in cells", "a,b\n80ms,1\n1s,1MB\n", "a [0.08 1]s @ /a\nb invalid:row 1 is in \"B\", others in \"\" @ /b\n"},
		{"a comma at each row's end", "a,b\n1,2,\n3,4,\n", "a [1 3] @ /a\nb [2 4] @ /b\n"},
	})
	refuses(t, []refusal{
		{"a", "a,b\n1,2\n3\n", "line 3: has 1 cells, expected the header's 2"},
		{"a", "a,b\n1,2\n3,\"x\n", "line 3: is no CSV: extraneous or missing \" in quoted-field"},
		{"a", "a,a\n1,2\n", `line 1: the column "a" stands twice`},
		{"a", "memory.used [MiB]\n", "is CSV with a header and no row"},
		{"a", "a,b\n" + strings.Repeat(",", 1_000_001), "holds more than 1000000 cells"},
		{"a", "a\n" + strings.Repeat("1\n", 1_000_001), "line 1000001: holds more than 1000000 cells"},
		{"a", "name,b\nx,y\n", "holds no test that ran and no number"},
		{"a", header(100_001) + "\n" + strings.Repeat("1,", 100_001), "holds more than 100000 metrics"},
	})
}

// header writes the names of n columns.
func header(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("c" + strconv.Itoa(i) + ",")
	}
	return strings.TrimSuffix(b.String(), ",")
}

func TestReadPerfAnalyzer(t *testing.T) {
	contains(t, "shapes/perf_analyzer.csv", "perf-analyzer",
		"throughput {concurrency=1} 1188.22 @ /0/Inferences~1Second = Inferences/Second",
		"latency {concurrency=1} median 0.000842s @ /0/p50 latency = p50 latency, inference_time",
		"latency {concurrency=4} p99 0.00124s @ /1/p99 latency = p99 latency, inference_time",
		"latency {concurrency=4} mean 0.001077s @ /1/Avg latency = Avg latency, inference_time",
		"Server Queue {concurrency=4} mean 4.1e-05s @ /1/Server Queue",
		"gpu_memory {concurrency=4} {gpu=GPU-2c3d} max 2.13909e+09B @ /1/Max GPU Memory Usage/GPU-2c3d = Max GPU Memory Usage",
		"gpu_utilization {concurrency=1} {gpu=GPU-0a1b} mean 0.52ratio @ /0/Avg GPU Utilization/GPU-0a1b = Avg GPU Utilization")
	reads(t, "perf-analyzer", []struct{ name, text, want string }{
		{"request rate, tokens", "Request Rate,Inferences/Second,Response Throughput,Avg First Token Latency,Avg Token-to-Token Latency,other,p101 latency\n2.5,9,90,1500,20,7,1\n",
			"throughput {request_rate=2.5} 9 @ /0/Inferences~1Second = Inferences/Second\n" +
				"response_throughput {request_rate=2.5} 90 @ /0/Response Throughput = Response Throughput\n" +
				"time_to_first_token {request_rate=2.5} mean 0.0015s @ /0/Avg First Token Latency = Avg First Token Latency\n" +
				"inter_token_latency {request_rate=2.5} mean 2e-05s @ /0/Avg Token-to-Token Latency = Avg Token-to-Token Latency\n" +
				"other {request_rate=2.5} 7 @ /0/other\n" +
				"p101 latency {request_rate=2.5} 1 @ /0/p101 latency\n"},
		{"broken cells", "Concurrency,Inferences/Second,Max GPU Memory Usage,Total GPU Memory\n1,-,uuid,\n",
			"throughput {concurrency=1} invalid:\"-\", which is no number @ /0/Inferences~1Second = Inferences/Second\n" +
				"gpu_memory {concurrency=1} {gpu=uuid} max invalid:emptyB @ /0/Max GPU Memory Usage/uuid = Max GPU Memory Usage\n"},
	})
}

func TestReadLocust(t *testing.T) {
	contains(t, "shapes/locust_stats.csv", "locust",
		"latency p95 0.07s @ /2/95% = 95%, inference_time",
		"latency p99.9 0.15s @ /2/99.9% = 99.9%, inference_time",
		"latency max 0.1534s @ /2/Max Response Time = Max Response Time, inference_time", // 100% is rounded
		"latency mean 0.0417s @ /2/Average Response Time = Average Response Time, inference_time",
		"error_rate 0.00238095ratio @ /2/Failure Count = Failure Count",
		"throughput 41.9 @ /2/Requests~1s = Requests/s",
		"endpoint_latency {method=POST} {endpoint=/predict} p95 0.071s @ /0/95% = /predict.95%")
	reads(t, "locust", []struct{ name, text, want string }{
		{"nothing was asked for", "Name,Request Count,Failure Count,Average Response Time,95%,x%\nAggregated,0,0,0,N/A,\n",
			"requests 0 @ /0/Request Count = Request Count\n" +
				"error_rate invalid:\"0 of 0\", which is no numberratio @ /0/Failure Count = Failure Count\n" +
				"latency mean 0s @ /0/Average Response Time = Average Response Time, inference_time\n" +
				"latency p95 invalid:N/As @ /0/95% = 95%, inference_time\n"},
	})
}

func TestReadNvidiaSMI(t *testing.T) {
	contains(t, "shapes/nvidia-smi.csv", "nvidia-smi",
		"gpu_memory {gpu=0} [5.36870912e+08 1.610612736e+09]B @ /memory.used/0 = memory.used, memory.used [MiB]",
		"utilization.gpu {gpu=0} [0.45 0.97]ratio @ /utilization.gpu/0 = utilization.gpu [%]",
		"power.draw {gpu=1} invalid:row 0 is N/A @ /power.draw/1 = power.draw [W]")
	reads(t, "nvidia-smi", []struct{ name, text, want string }{
		{"one column", "memory.used [MiB]\n512 MiB\n", "gpu_memory 5.36871e+08B @ /memory.used = memory.used, memory.used [MiB]\n"},
		{"nounits", "uuid, memory.used [MiB]\nGPU-0a1b, 512\n", "gpu_memory {gpu=GPU-0a1b} 5.36871e+08B @ /memory.used/GPU-0a1b = memory.used, memory.used [MiB]\n"},
		{"rows without an identity", "memory.used [MiB]\n1 MiB\n2 MiB\n", "gpu_memory [1.048576e+06 2.097152e+06]B @ /memory.used = memory.used, memory.used [MiB]\n"},
		{"not supported", "memory.used [MiB]\n[Not Supported]\n", "gpu_memory invalid:no number in any rowB @ /memory.used = memory.used, memory.used [MiB]\n"},
	})
}

func TestReadCSVKeepsLabelsApart(t *testing.T) {
	report := readFile(t, "shapes/perf_analyzer.csv")
	var got []testreport.Label
	for _, m := range report.Metrics {
		if m.Name == "gpu_memory" {
			got = append(got, m.Labels...)
		}
	}
	want := []testreport.Label{{Name: "concurrency", Value: "1"}, {Name: "gpu", Value: "GPU-0a1b"}, {Name: "concurrency", Value: "1"}, {Name: "gpu", Value: "GPU-2c3d"}}
	if len(got) != 8 || got[1] != want[1] || got[3] != want[3] || got[0] != want[0] {
		t.Errorf("labels %v, want to begin with %v", got, want)
	}
}
