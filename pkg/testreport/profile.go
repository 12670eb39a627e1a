package testreport

import (
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

func isProfile(root node) bool {
	return root.member("input_config").kind == '{' && (root.has("request_latency") || root.has("request_throughput"))
}

func isAIPerf(root node) bool {
	return isProfile(root) && (root.has("was_cancelled") || root.has("error_summary") || root.has("aiperf_version"))
}

// profile reads the profile exports of genai-perf and of AIPerf, which writes
// the same shape: an object for each metric that names its unit, and for each
// GPU under the telemetry.
func (w *walk) profile(root node) error {
	return w.each(root, func(name string, item node) error {
		switch name {
		case "request_latency", "time_to_first_token", "inter_token_latency", "time_per_output_token",
			"request_throughput", "output_token_throughput":
			return w.profiled(name, item)
		case "telemetry_stats":
			return w.telemetryStats(item)
		case "telemetry_data":
			return w.telemetryData(item)
		case "was_cancelled":
			return w.cancelled(item)
		case "error_summary":
			return w.requestErrors(item)
		}
		if item.has("unit") {
			return w.profiled(name, item)
		}
		return w.value(item)
	})
}

// profileName is the name that people use for a metric of these tools.
func profileName(name string) string {
	switch name {
	case "request_latency":
		return "latency"
	case "request_throughput":
		return "throughput"
	case "output_token_throughput":
		return "tokens_per_second"
	case "gpu_memory_used", "nvidia_memory_used", "amd_memory_used": // AIPerf renamed its own
		return "gpu_memory"
	}
	return name
}

// profiled reads one metric. null is what AIPerf writes for one that it did not
// measure.
func (w *walk) profiled(name string, n node) error {
	if n.kind == 'n' {
		return w.known(field{name: profileName(name)}, n)
	}
	if n.kind != '{' {
		return w.unexpected(n, "an object")
	}
	one, err := w.unitOf(n)
	if err != nil {
		return err
	}
	return w.statistics(name, n, one)
}

// unitOf reads an object's unit. One that ai-ship does not know (tokens/sec)
// and none at all leave plain numbers.
func (w *walk) unitOf(n node) (unit.Quantity, error) {
	name := n.member("unit")
	if name.kind != '"' && name.kind != 'n' && name.kind != 0 {
		return unit.Quantity{}, w.in("unit", func() error { return w.unexpected(name, "a unit") })
	}
	one, err := unit.ParseUnit(name.text)
	if err != nil {
		one = unit.Quantity{}
	}
	return one, nil
}

// statistics reads the statistics of one metric. Where there is but an average,
// as of a throughput, it is the one value of the run.
func (w *walk) statistics(name string, n node, one unit.Quantity) error {
	there := 0
	for _, key := range n.names {
		if _, ok := statistic(key); ok {
			there++
		}
	}
	return w.each(n, func(key string, item node) error {
		stat, ok := statistic(key)
		switch {
		case key == "unit":
			return nil
		case !ok:
			return w.value(item)
		case there == 1 && stat == "mean":
			stat = ""
		}
		return w.known(field{name: profileName(name), stat: stat, one: one, count: n.member("count").many()}, item, name)
	})
}

// telemetryStats reads genai-perf's telemetry: metrics, of each the GPUs.
func (w *walk) telemetryStats(n node) error {
	return w.each(n, func(name string, metric node) error {
		if metric.kind != '{' {
			return w.value(metric)
		}
		one, err := w.unitOf(metric)
		if err != nil {
			return err
		}
		return w.each(metric, func(gpu string, item node) error {
			if item.kind != '{' {
				return w.value(item)
			}
			read := func() error { return w.statistics(name, item, one) }
			return w.labelled(read, Label{"gpu", gpuIndex(gpu)})
		})
	})
}

// telemetryData reads AIPerf's telemetry: endpoints, of each the GPUs, of each
// the metrics.
func (w *walk) telemetryData(n node) error {
	return w.each(n, func(part string, item node) error {
		if part != "endpoints" {
			return w.value(item)
		}
		return w.each(item, func(endpoint string, item node) error {
			return w.must(item, "gpus", '{', func(gpus node) error {
				return w.each(gpus, func(gpu string, item node) error {
					read := func() error { return w.must(item, "metrics", '{', w.gpuMetrics) }
					return w.labelled(read, Label{"gpu", gpuIndex(gpu)}, Label{"endpoint", endpoint})
				})
			})
		})
	})
}

func (w *walk) gpuMetrics(metrics node) error {
	return w.each(metrics, func(name string, item node) error { return w.profiled(name, item) })
}

// gpuIndex returns the 0 of gpu0 and gpu_0.
func gpuIndex(name string) string {
	if index := strings.TrimLeft(strings.TrimPrefix(name, "gpu"), "_"); index != "" {
		return index
	}
	return name
}

func (w *walk) cancelled(n node) error {
	switch n.kind {
	case 't':
		return w.fail("benchmark", "was cancelled")
	case 'f', 'n':
		return nil
	}
	return w.unexpected(n, "a boolean")
}

// requestErrors reads how many requests failed of which error.
func (w *walk) requestErrors(n node) error {
	if n.kind != '[' && n.kind != 'n' {
		return w.unexpected(n, "an array")
	}
	return w.each(n, func(_ string, item node) error {
		if item.kind != '{' {
			return w.unexpected(item, "an object")
		}
		many, err := w.countOf(item, "count")
		if err != nil || many == 0 {
			return err
		}
		details := item.member("error_details")
		return w.fail("requests", item.member("count").text+" failed: "+details.member("type").text+" "+details.member("message").text)
	})
}
