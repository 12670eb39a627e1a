package gate_test

import "strings"

// hostilePlain are YAML, TOML, model cards and MLPerf logs.
func hostilePlain() []hostile {
	const (
		perf = "MLPerf Results Summary\nResult is : "
		end  = "\nTest Parameters Used\n"
	)
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [1]\n")
	for i := range 9 {
		n := string(rune('0' + i))
		bomb.WriteString("a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat("*a"+n+",", 9) + "]\n")
	}
	return []hostile{
		{"YAML, NaN", "m.yaml", "accuracy: .nan\n", "accuracy", []string{"NaN", "/accuracy"}},
		{"YAML, infinity", "m.yaml", "accuracy: .inf\n", "accuracy", []string{"Inf"}},
		{"YAML, 1e999", "m.yaml", "accuracy: 1e999\n", "accuracy", []string{"accuracy"}},
		{"YAML, below zero", "m.yaml", "latency_ms: -3\n", "latency", []string{"negative"}},
		{"YAML, null", "m.yaml", "accuracy: ~\n", "accuracy", []string{"null"}},
		{"YAML, key twice", "m.yaml", "accuracy: 0.1\naccuracy: 0.99\n", "accuracy", []string{"line 2"}},
		{"YAML, key twice in one line", "m.yaml", "m: {accuracy: 0.1, accuracy: 0.99}\n", "m.accuracy", []string{"line 1"}},
		{"YAML, key twice in two notations", "m.yaml", "accuracy: 0.1\n\"accuracy\": 0.99\n", "accuracy", []string{"m.yaml"}},
		{"YAML, aliases that multiply", "m.yaml", bomb.String(), "accuracy", []string{"line 1", "anchor"}},
		{"YAML, merged keys", "m.yaml", "a: 1\n<<: {accuracy: 1}\n", "accuracy", []string{"line 2"}},
		{"YAML, object of a program", "m.yaml", "accuracy: !!python/object/apply:os.system [x]\n", "accuracy", []string{"line 1", "tag"}},
		{"YAML, two documents", "m.yaml", "accuracy: 0.1\n---\naccuracy: 0.9\n", "accuracy", []string{"line 2"}},
		{"YAML, deep nesting", "m.yaml", "a: " + strings.Repeat("[", 100_000) + "\n", "accuracy", []string{"m.yaml"}},
		{"YAML, deep nesting of lists", "m.yaml", "a:\n" + strings.Repeat("- ", 5000) + "1\n", "accuracy", []string{"m.yaml"}},
		{"YAML, cut in a number", "m.yaml", "accuracy: 0.9", "accuracy", []string{"line 1", "cut off"}},
		{"YAML, cut in a later number", "m.yaml", "accuracy: 0.9\nlatency_ms: 12", "latency", []string{"line 2", "cut off"}},
		{"YAML, cut in a list", "m.yaml", "latency_ms: [1, 2", "latency max", []string{"line 1"}},
		{"YAML, tab as indent", "m.yaml", "m:\n\taccuracy: 1\n", "m.accuracy", []string{"m.yaml"}},
		{"YAML, invalid UTF-8", "m.yaml", "accuracy: 1\nb: \xff\n", "accuracy", []string{"line 2", "UTF-8"}},
		{"YAML, base 60", "m.yaml", "latency_s: 1:30\n", "latency", []string{"m.yaml"}},
		{"TOML, NaN", "m.toml", "accuracy = nan\n", "accuracy", []string{"nan", "/accuracy"}},
		{"TOML, infinity", "m.toml", "accuracy = +inf\n", "accuracy", []string{"inf"}},
		{"TOML, 1e999", "m.toml", "accuracy = 1e999\n", "accuracy", []string{"out of range"}},
		{"TOML, below zero", "m.toml", "latency_ms = -1\n", "latency", []string{"negative"}},
		{"TOML, key twice", "m.toml", "accuracy = 0.1\naccuracy = 0.9\n", "accuracy", []string{"line 2", "twice"}},
		{"TOML, key twice by its quotes", "m.toml", "accuracy = 0.1\n\"accuracy\" = 0.9\n", "accuracy", []string{"line 2", "twice"}},
		{"TOML, table twice", "m.toml", "[m]\naccuracy = 0.1\n[m]\naccuracy = 0.9\n", "m.accuracy", []string{"line 3", "twice"}},
		{"TOML, table over a dotted key", "m.toml", "m.accuracy = 0.1\n[m.accuracy]\nx = 1\n", "m.accuracy", []string{"line 2"}},
		{"TOML, cut in a number", "m.toml", "accuracy = 0.9", "accuracy", []string{"line 1", "cut off"}},
		{"TOML, cut in an array", "m.toml", "latency_ms = [1, 2", "latency max", []string{"line 1"}},
		{"TOML, cut in a text", "m.toml", "accuracy = 1\nb = \"x", "accuracy", []string{"line 2"}},
		{"TOML, deep nesting", "m.toml", "a = " + strings.Repeat("[", 100_000) + "\n", "accuracy", []string{"line 1"}},
		{"model card, no number", "README.md", "---\nmodel-index:\n- results:\n  - metrics: [{type: accuracy, value: pending}]\n---\n", "accuracy", []string{"pending", "/model-index/0"}},
		{"model card, NaN", "README.md", "---\nmodel-index:\n- results:\n  - metrics: [{type: accuracy, value: .nan}]\n---\n", "accuracy", []string{"NaN"}},
		{"model card, cut", "README.md", "---\nmodel-index:\n- results:\n  - metrics: [{type: accuracy, value: 1}]\n", "accuracy", []string{"ends its YAML"}},
		{"model card, two results that disagree", "README.md", "---\nmodel-index:\n- results:\n  - metrics: [{type: accuracy, value: 1}, {type: accuracy, value: 0}]\n---\n", "accuracy", []string{"ambiguous"}},
		{"eval_results, no value", "e.yaml", "- dataset: {id: a}\n  value: ~\n", "score", []string{"null", "/0/value"}},
		{"eval_results, cut", "e.yaml", "- dataset: {id: a}\n  value: 0.9", "score", []string{"cut off"}},
		{"MLPerf, INVALID", "mlperf_log_summary.txt", perf + "INVALID\n99.00 percentile latency (ns) : 5" + end, "latency p99", []string{"failed", "Result is"}},
		{"MLPerf, no result", "mlperf_log_summary.txt", "MLPerf Results Summary\n99.00 percentile latency (ns) : 5" + end, "latency p99", []string{"VALID"}},
		{"MLPerf, valid in small letters", "mlperf_log_summary.txt", perf + "valid\n99.00 percentile latency (ns) : 5" + end, "latency p99", []string{"failed", "Result is"}},
		{"MLPerf, VALID and INVALID", "mlperf_log_summary.txt", perf + "VALID\nResult is : INVALID\n99.00 percentile latency (ns) : 5" + end, "latency p99", []string{"failed", "Result is"}},
		{"MLPerf, cut", "mlperf_log_summary.txt", perf + "VALID\n99.00 percentile latency (ns) : 5", "latency p99", []string{"ends before"}},
		{"MLPerf, nan", "mlperf_log_summary.txt", perf + "VALID\n99.00 percentile latency (ns) : nan" + end, "latency p99", []string{"nan"}},
		{"MLPerf, latency twice", "mlperf_log_summary.txt", perf + "VALID\n99.00 percentile latency (ns) : 5\n99.00 percentile latency (ns) : 6" + end, "latency p99", []string{"ambiguous"}},
		{"MLPerf detail, no result", "mlperf_log_detail.txt", ":::MLLOG {\"key\": \"result_99.00_percentile_latency_ns\", \"value\": 5}\n", "latency p99", []string{"VALID"}},
		{"MLPerf detail, INVALID", "mlperf_log_detail.txt", ":::MLLOG {\"key\": \"result_validity\", \"value\": \"INVALID\"}\n", "", []string{"failed", "/result_validity"}},
		{"MLPerf detail, cut", "mlperf_log_detail.txt", ":::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n:::MLLOG {\"key\": \"result_99.00_percentile_latency_ns\", \"value\": 5", "latency p99", []string{"line 2"}},
	}
}

func hostileCSV() []hostile {
	const locust = "Type,Name,Request Count,Failure Count,Average Response Time,95%\n"
	return []hostile{
		{"NaN", "r.csv", "accuracy,x\nNaN,1\n", "accuracy", []string{"NaN", "/0/accuracy"}},
		{"NaN in one row", "r.csv", "accuracy,x\n1,1\nnan,1\n", "accuracy mean", []string{"row 1 is nan", "/accuracy"}},
		{"inf", "r.csv", "latency_ms,x\n-inf,1\n", "latency", []string{"-inf"}},
		{"1e999", "r.csv", "accuracy,x\n1e999,1\n", "accuracy", []string{"out of range"}},
		{"below zero", "r.csv", "latency_ms,x\n-5,1\n", "latency", []string{"negative"}},
		{"empty cell", "r.csv", "latency_ms,x\n5,1\n,1\n", "latency max", []string{"row 1 is empty"}},
		{"word in a row", "r.csv", "latency_ms,x\n5,1\ntimeout,1\n", "latency max", []string{"timeout"}},
		{"column twice", "r.csv", "accuracy,accuracy\n0.1,0.99\n", "accuracy", []string{"line 1", "twice"}},
		{"column twice but for a space", "r.csv", "accuracy, accuracy \n0.1,0.99\n", "accuracy", []string{"line 1", "twice"}},
		{"two columns of one metric", "r.csv", "latency_ms,latency_s\n1,2\n", "latency", []string{"ambiguous"}},
		{"row cut short", "r.csv", "a,accuracy\n1,0.9\n2\n", "accuracy", []string{"line 3"}},
		{"row too long", "r.csv", "a,accuracy\n1,0,95\n", "accuracy", []string{"line 2"}},
		{"cut in a number", "r.csv", "a,latency_ms\n1,12", "latency", []string{"line 2", "cut off"}},
		{"cut in quotes", "r.csv", "a,accuracy\n1,\"0.9", "accuracy", []string{"line 2"}},
		{"no row", "r.csv", "a,accuracy\n", "accuracy", []string{"r.csv"}},
		{"semicolons", "r.csv", "a;accuracy\n1;0,95\n", "accuracy", []string{"r.csv"}},
		{"invalid UTF-8", "r.csv", "a,accuracy\n\xe9,1\n", "accuracy", []string{"line 2", "UTF-8"}},
		{"a quote alone", "r.csv", "a,accuracy\n1,0\"9\n", "accuracy", []string{"line 2"}},
		{"perf_analyzer, no latency", "p.csv", "Concurrency,Inferences/Second,p95 latency\n1,5,\n", "latency p95", []string{"empty"}},
		{"perf_analyzer, two levels", "p.csv", "Concurrency,Inferences/Second,p95 latency\n1,5,10\n2,6,20\n", "latency p95", []string{"ambiguous"}},
		{"perf_analyzer, cut", "p.csv", "Concurrency,Inferences/Second,p95 latency\n1,5,10", "latency p95", []string{"cut off"}},
		{"perf_analyzer, memory without a number", "p.csv", "Concurrency,Inferences/Second,Max GPU Memory Usage\n1,5,GPU-0a1b\n", "gpu_memory max", []string{"GPU-0a1b"}},
		{"Locust, N/A", "l.csv", locust + ",Aggregated,0,0,0,N/A\n", "latency p95", []string{"N/A"}},
		{"Locust, rate of no request", "l.csv", locust + ",Aggregated,0,0,0,1\n", "error_rate", []string{"0 of 0"}},
		{"Locust, more failures than requests", "l.csv", locust + ",Aggregated,1,2,0,1\n", "error_rate", []string{"error_rate"}},
		{"Locust, cut before the whole", "l.csv", locust + "GET,/a,1,0,0,1\n", "latency p95", []string{"not measured"}},
		{"nvidia-smi, not supported", "n.csv", "memory.used [MiB]\n[Not Supported]\n", "gpu_memory", []string{"no number"}},
		{"nvidia-smi, one row of N/A", "n.csv", "index, memory.used [MiB]\n0, 5 MiB\n0, [N/A]\n", "gpu_memory max", []string{"N/A"}},
		{"nvidia-smi, two GPUs", "n.csv", "index, memory.used [MiB]\n0, 5 MiB\n1, 6 MiB\n", "gpu_memory", []string{"ambiguous"}},
		{"nvidia-smi, below zero", "n.csv", "memory.used [MiB]\n-5 MiB\n", "gpu_memory", []string{"negative"}},
	}
}

func hostilePrometheus() []hostile {
	const histogram = "# TYPE latency_seconds histogram\n"
	return []hostile{
		{"NaN", "m.prom", "accuracy NaN\n", "accuracy", []string{"NaN", "/accuracy"}},
		{"+Inf", "m.prom", "accuracy +Inf\n", "accuracy", []string{"Inf"}},
		{"1e999", "m.prom", "accuracy 1e999\n", "accuracy", []string{"accuracy"}},
		{"below zero", "m.prom", "latency_seconds -1\n", "latency", []string{"negative"}},
		{"series twice", "m.prom", "accuracy 0.1\naccuracy 0.99\n", "accuracy", []string{"line 2", "twice"}},
		{"series twice, labels in another order", "m.prom", "accuracy{a=\"1\",b=\"2\"} 0.1\naccuracy{b=\"2\",a=\"1\"} 0.99\n", "accuracy", []string{"line 2", "twice"}},
		{"label twice", "m.prom", "accuracy{a=\"1\",a=\"2\"} 1\n", "accuracy", []string{"line 1", "twice"}},
		{"type twice", "m.prom", "# TYPE accuracy gauge\n# TYPE accuracy counter\naccuracy 1\n", "accuracy", []string{"line 2", "twice"}},
		{"series that disagree", "m.prom", "accuracy{a=\"1\"} 0.1\naccuracy{a=\"2\"} 1\n", "accuracy", []string{"ambiguous"}},
		{"cut in a number", "m.prom", "accuracy 0.9", "accuracy", []string{"line 1", "cut off"}},
		{"cut in a label", "m.prom", "up 1\naccuracy{a=\"", "accuracy", []string{"line 2"}},
		{"cut after the name", "m.prom", "up 1\naccuracy", "accuracy", []string{"line 2"}},
		{"histogram without +Inf", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} 5\n", "latency p95", []string{"+Inf"}},
		{"histogram of nothing", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} 0\nlatency_seconds_bucket{le=\"+Inf\"} 0\n", "latency p95", []string{"no observation"}},
		{"histogram that falls", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} 9\nlatency_seconds_bucket{le=\"+Inf\"} 5\n", "latency p95", []string{"add up"}},
		{"histogram of NaN", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} NaN\nlatency_seconds_bucket{le=\"+Inf\"} 5\n", "latency p95", []string{"add up"}},
		{"p99 beyond the buckets", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} 5\nlatency_seconds_bucket{le=\"+Inf\"} 10\n", "latency p99", []string{"highest bucket"}},
		{"histogram bucket twice", "m.prom", histogram + "latency_seconds_bucket{le=\"1\"} 5\nlatency_seconds_bucket{le=\"1.0\"} 6\nlatency_seconds_bucket{le=\"+Inf\"} 6\n", "latency p95", []string{"add up"}},
		{"histogram with a sum below zero", "m.prom", histogram + "latency_seconds_sum -9\nlatency_seconds_count 3\n", "latency mean", []string{"negative"}},
		{"summary of NaN", "m.prom", "# TYPE latency_seconds summary\nlatency_seconds{quantile=\"0.99\"} NaN\n", "latency p99", []string{"NaN"}},
		{"summary with quantile 99", "m.prom", "# TYPE latency_seconds summary\nlatency_seconds{quantile=\"99\"} 1\n", "latency p99", []string{"line 2", "quantile"}},
		{"summary quantile twice", "m.prom", "# TYPE latency_seconds summary\nlatency_seconds{quantile=\"0.99\"} 1\nlatency_seconds{quantile=\"0.990\"} 2\n", "latency p99", []string{"ambiguous"}},
		{"OpenMetrics' exemplar", "m.prom", "accuracy 1 # {id=\"x\"} 1\n", "accuracy", []string{"m.prom"}},
	}
}

// hostileBytes are files that are no report at all.
func hostileBytes() []hostile {
	utf16 := func(text string) string {
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, c := range []byte(text) {
			b.WriteByte(c)
			b.WriteByte(0)
		}
		return b.String()
	}
	const json = `{"accuracy": 1}`
	return []hostile{
		{"empty", "r.json", "", "accuracy", []string{"is empty"}},
		{"only space", "r.json", " \r\n\t", "accuracy", []string{"is empty"}},
		{"only a byte order mark", "r.json", "\xef\xbb\xbf", "accuracy", []string{"is empty"}},
		{"two byte order marks", "r.json", "\xef\xbb\xbf\xef\xbb\xbf" + json, "accuracy", []string{"r.json"}},
		{"UTF-16", "r.json", utf16(json), "accuracy", []string{"UTF-16"}},
		{"UTF-16 without its mark", "r.json", utf16(json)[2:], "accuracy", []string{"r.json"}},
		{"UTF-16 XML", "r.xml", utf16("<testsuite/>"), "", []string{"UTF-16"}},
		{"UTF-16 CSV", "r.csv", utf16("a,accuracy\n1,1\n"), "accuracy", []string{"UTF-16"}},
		{"NUL bytes", "r.json", strings.Repeat("\x00", 100), "accuracy", []string{"binary"}},
		{"NUL bytes after the report", "r.json", json + strings.Repeat("\x00", 100), "accuracy", []string{"line 1"}},
		{"NUL bytes after a table", "r.csv", "a,accuracy\n1,1\n" + strings.Repeat("\x00", 100), "accuracy", []string{"binary"}},
		{"gzip", "r.json.gz", "\x1f\x8b\x08\x00", "accuracy", []string{"gzip"}},
		{"zip", "r.json", "PK\x03\x04", "accuracy", []string{"zip"}},
		{"a program", "r.json", "\x7fELF\x02\x01\x01\x00", "accuracy", []string{"binary"}},
		{"pickle", "r.json", "\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00}", "accuracy", []string{"r.json"}},
		{"JSON named XML", "r.xml", json, "accuracy", []string{"named .xml"}},
		{"XML named JSON", "r.json", "<testsuite/>", "", []string{"named .json"}},
		{"YAML named JSON", "r.json", "accuracy: 1\n", "accuracy", []string{"named .json"}},
		{"CSV named YAML", "r.yaml", "a,accuracy\n1,1\n", "accuracy", []string{"named .yaml"}},
		{"prose", "r.txt", "The accuracy was 0.99, which is great.\n", "accuracy", []string{"The accuracy"}},
		{"an error page", "r.json", "<!DOCTYPE html><html><p>502", "accuracy", []string{"named .json"}},
		{"a log", "r.txt", "2026-01-02 03:04:05 INFO accuracy=0.99\n", "accuracy", []string{"r.txt"}},
		{"one line of 33 MiB", "r.csv", strings.Repeat("1,", 33<<19), "accuracy", []string{"larger than 32 MiB"}},
	}
}
