package testreport_test

import (
	"strings"
	"testing"
)

func TestReadPrometheus(t *testing.T) {
	contains(t, "metrics.prom", "prometheus",
		`model_accuracy {split=test} 0.95ratio @ /model_accuracy_ratio{split="test"} = model_accuracy_ratio`,
		"inference_latency mean 0.00011785s @ /inference_latency_seconds = inference_latency_seconds",
		"inference_latency median 0.000115667s @ /inference_latency_seconds = inference_latency_seconds",
		"inference_latency p95 0.0001485s @ /inference_latency_seconds = inference_latency_seconds",
		"inference_latency_seconds_count 50 @ /inference_latency_seconds_count",
		"batch_latency mean 0.00011785s @ /batch_latency_seconds = batch_latency_seconds")
	const ttft = ` @ /vllm:time_to_first_token_seconds{engine="0",model_name="acme~1tiny"} = vllm:time_to_first_token_seconds, vllm:time_to_first_token`
	contains(t, "shapes/vllm.prom", "prometheus",
		"time_to_first_token {engine=0} {model_name=acme/tiny} mean 0.032s"+ttft,
		"time_to_first_token {engine=0} {model_name=acme/tiny} median 0.0183333s"+ttft,
		"time_to_first_token {engine=0} {model_name=acme/tiny} p95 0.065s"+ttft,
		"time_to_first_token {engine=0} {model_name=acme/tiny} p99 invalid:above the highest buckets"+ttft, // in the +Inf bucket
		`gpu_memory {gpu=0} {UUID=GPU-0a1b} {device=nvidia0} {modelName=NVIDIA L4} 2.14748e+09B @ /DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-0a1b",device="nvidia0",modelName="NVIDIA L4"} = DCGM_FI_DEV_FB_USED`,
		`gpu_memory {gpu=GPU-2c3d} 1.07374e+09B @ /nv_gpu_memory_used_bytes{gpu_uuid="GPU-2c3d"} = nv_gpu_memory_used_bytes`,
		"process_resident_memory 5.24288e+08B @ /process_resident_memory_bytes = process_resident_memory_bytes")
	reads(t, "prometheus", []struct{ name, text, want string }{
		{"values", "a 1\nb:c -2.5e3 1767323045000\nd NaN\ne +Inf\nf\t.5\ng 1e999\n# EOF\n#\n", "a 1 @ /a\nb:c -2500 @ /b:c\nd invalid:NaN @ /d\ne invalid:+Inf @ /e\nf 0.5 @ /f\ng invalid:+Inf @ /g\n"},
		{"labels", "a { b = \"x\\\\y\\\"\\n\" , } 1\na{} 2\n", "a {b=x\\y\"\n} 1 @ /a{b=\"x\\\\y\\\"\\n\"}\na 2 @ /a\n"},
		{"canonical names", "vllm:x 1\nsglang:gen_throughput 5\nother:gen_throughput 6\n# TYPE vllm:e2e_request_latency_seconds gauge\nvllm:e2e_request_latency_seconds 1\n",
			"vllm:x 1 @ /vllm:x\ntokens_per_second 5 @ /sglang:gen_throughput = sglang:gen_throughput\nother:gen_throughput 6 @ /other:gen_throughput\nlatency 1s @ /vllm:e2e_request_latency_seconds = vllm:e2e_request_latency_seconds, vllm:e2e_request_latency, inference_time\n"},
		{"summary", "# TYPE s_seconds summary\ns_seconds{quantile=\"0.5\",a=\"b\"} 1\ns_seconds{a=\"b\",quantile=\"0.999\"} 2\ns_seconds{a=\"b\",quantile=\"0.29\"} NaN\ns_seconds_sum{a=\"b\"} 6\ns_seconds_count{a=\"b\"} 4\n",
			"s {a=b} median 1s @ /s_seconds{a=\"b\"} = s_seconds\ns {a=b} p99.9 2s @ /s_seconds{a=\"b\"} = s_seconds\ns {a=b} p29 invalid:NaNs @ /s_seconds{a=\"b\"} = s_seconds\n" +
				"s_seconds_count {a=b} 4 @ /s_seconds_count{a=\"b\"}\ns {a=b} mean 1.5s @ /s_seconds{a=\"b\"} = s_seconds\n"},
		{"no summary", "a_sum 1\na_count 0\na_bucket{le=\"1\"} 3\n", "a_sum 1 @ /a_sum\na_count 0 @ /a_count\na_bucket {le=1} 3 @ /a_bucket{le=\"1\"}\n"},
	})
}

// The estimates are those of PromQL's histogram_quantile.
func TestReadPrometheusHistogram(t *testing.T) {
	const head = "# TYPE h histogram\n"
	quantiles := func(median, p90, p95, p99 string) string {
		return "h median " + median + " @ /h\nh p90 " + p90 + " @ /h\nh p95 " + p95 + " @ /h\nh p99 " + p99 + " @ /h\n"
	}
	reads(t, "prometheus", []struct{ name, text, want string }{
		{"lowest bucket begins at 0, buckets in any order", head + "h_bucket{le=\"+Inf\"} 100\nh_bucket{le=\"2\"} 100\nh_bucket{le=\"1\"} 50\n", quantiles("1", "1.8", "1.9", "1.98")},
		{"negative bounds", head + "h_bucket{le=\"-1\"} 95\nh_bucket{le=\"1\"} 100\nh_bucket{le=\"+Inf\"} 100\n", quantiles("-1", "-1", "-1", "0.6")},
		{"all in +Inf", head + "h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 9\n", quantiles("invalid:above the highest bucket", "invalid:above the highest bucket", "invalid:above the highest bucket", "invalid:above the highest bucket")},
		{"no +Inf", head + "h_bucket{le=\"1\"} 5\n", "h invalid:a histogram without its +Inf bucket @ /h\n"},
		{"only +Inf", head + "h_bucket{le=\"+Inf\"} 5\n", "h invalid:a histogram of one bucket @ /h\n"},
		{"nothing observed", head + "h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n", "h_count 0 @ /h_count\nh invalid:a histogram of no observation @ /h\n"},
		{"counts fall", head + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 4\nh_bucket{le=\"+Inf\"} 6\n", "h invalid:a histogram whose buckets do not add up @ /h\n"},
		{"a bound twice", head + "h_bucket{le=\"1\"} 5\nh_bucket{le=\"1.0\"} 5\nh_bucket{le=\"+Inf\"} 6\n", "h invalid:a histogram whose buckets do not add up @ /h\n"},
		{"a bound of NaN", head + "h_bucket{le=\"NaN\"} 5\nh_bucket{le=\"+Inf\"} 6\n", "h invalid:a histogram whose buckets do not add up @ /h\n"},
		{"per series", head + "h_bucket{a=\"x\",le=\"1\"} 1\nh_bucket{le=\"+Inf\",a=\"x\"} 1\nh_sum{a=\"y\"} 6\nh_count{a=\"y\"} 4\n",
			strings.ReplaceAll(strings.ReplaceAll(quantiles("0.5", "0.9", "0.95", "0.99"), "h ", "h {a=x} "), "/h", "/h{a=\"x\"}") +
				"h_count {a=y} 4 @ /h_count{a=\"y\"}\nh {a=y} mean 1.5 @ /h{a=\"y\"}\n"},
	})
}

func TestReadPrometheusRefuses(t *testing.T) {
	const no = ": is no Prometheus text: "
	refuses(t, []refusal{
		{"a", "a 1\n9 1\n", "line 2" + no + `found "9 1", expected a metric's name`},
		{"a", "a 1\na-b 1\n", "line 2" + no + `found "a-b 1", expected a metric's name`},
		{"a", "a 1\nb\n", "line 2" + no + `found "", expected a value and at most a timestamp`},
		{"a", "a 1\nb 1 2 3\n", "line 2" + no + `found "1 2 3", expected a value and at most a timestamp`},
		{"a", "a 1\nb one\n", "line 2" + no + `found "one", expected a number`},
		{"a", "a 1\nb 0x1p3\n", "line 2" + no + `found "0x1p3", expected a number`},
		{"a", "a 1\nb 1 1.5\n", "line 2" + no + `found "1.5", expected a timestamp in milliseconds`},
		{"a", "a 1\nb 1 # {id=\"x\"} 1\n", "line 2" + no + `found "1 # {id=\"x\"} 1", expected a value and at most a timestamp`},
		{"a", "a 1\nb{c} 1\n", "line 2" + no + `found "} 1", expected a label such as gpu="0"`},
		{"a", "a 1\n{\"b\"} 1\n", "line 2" + no + `found "{\"b\"} 1", expected a metric's name`},
		{"a", "a 1\nb{c=\"x\" d=\"y\"} 1\n", "line 2" + no + `found "d=\"y\"} 1", expected a comma or }`},
		{"a", "a 1\nb{c=\"x\",c=\"y\"} 1\n", "line 2" + no + `the label "c" stands twice`},
		{"a", "a 1\nb{c=\"\\t\"} 1\n", "line 2" + no + `found the escape \t, expected \\, \" or \n`},
		{"a", "a 1\nb{c=\"x", "line 2" + no + "found a label's value without its end"},
		{"a", "a 1\nb{c=\"x\\", "line 2" + no + "found a label's value without its end"},
		{"a", "a 1\nb{" + manyLabels(65) + "} 1\n", "line 2" + no + "found more than 64 labels"},
		{"a", "a{b=\"c\",d=\"e\"} 1\na{d=\"e\",b=\"c\"} 1\n", "line 2" + no + `a{b="c",d="e"} stands twice`},
		{"a", "# TYPE a gauge\n# TYPE a gauge\na 1\n", "line 2" + no + `the type of "a" stands twice`},
		{"a", "a 1\n# TYPE b\n", "line 2" + no + "found a TYPE of 1 words, expected a name and a type"},
		{"a", "a 1\n# TYPE b info\n", "line 2" + no + `found the type "info", expected counter, gauge, histogram, summary or untyped`},
		{"a", "# TYPE h histogram\nh 1\n", "line 2" + no + `found the histogram "h" as one value, expected its buckets`},
		{"a", "# TYPE h histogram\nh_bucket 1\n", "line 2" + no + `found a bucket with le="", expected a number`},
		{"a", "# TYPE s summary\ns{quantile=\"2\"} 1\n", "line 2" + no + `found a summary with quantile="2", expected a number from 0 to 1`},
		{"a", "# TYPE s summary\ns{quantile=\"-1\"} 1\n", "line 2" + no + `found a summary with quantile="-1", expected a number from 0 to 1`},
	})
}

// manyLabels writes n labels.
func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("l", i+1) + "=\"\",")
	}
	return b.String()
}
