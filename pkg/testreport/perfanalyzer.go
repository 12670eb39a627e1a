package testreport

import (
	"strings"
)

func isPerfAnalyzer(header []string) bool {
	return len(header) > 1 && (header[0] == "Concurrency" || header[0] == "Request Rate") && header[1] == "Inferences/Second"
}

// perfAnalyzer reads the CSV that Triton's perf_analyzer writes with -f. All
// its times are microseconds (measurements_metrics.md); its GPU columns, of
// --verbose-csv --collect-metrics, are uuid:value; for each GPU, and its
// memory is bytes of six digits. Each row is a load level, which is the label.
func (c *collector) perfAnalyzer(t table) error {
	label := strings.ReplaceAll(strings.ToLower(t.header[0]), " ", "_")
	for i, cells := range t.rows {
		labels := []Label{{label, cells[0]}}
		for j, column := range t.header[1:] {
			cell := cells[j+1]
			var err error
			if f, ok := gpuColumn(column); ok {
				err = c.gpus(f, cell, labels, []string{row(i), column})
			} else if column != "" {
				err = c.measure(perfColumn(column), cell, labels, []string{row(i), column}, column)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// perfColumn says what a column holds. One that it does not know is a plain
// number.
func perfColumn(column string) field {
	switch column {
	case "Inferences/Second":
		return plain("throughput", "")
	case "Response Throughput":
		return plain("response_throughput", "")
	case "Avg latency":
		return plain("latency", "mean").in("us")
	case "Avg First Token Latency":
		return plain("time_to_first_token", "mean").in("us")
	case "Avg Token-to-Token Latency":
		return plain("inter_token_latency", "mean").in("us")
	case "request/response", "response wait", "Network+Server Send/Recv", "Client Send", "Client Recv":
		return plain(column, "mean").in("us")
	}
	if p, ok := strings.CutSuffix(column, " latency"); ok {
		if stat, err := ParseStat(p); err == nil {
			return plain("latency", stat).in("us")
		}
	}
	if strings.HasPrefix(column, "Server ") {
		return plain(column, "mean").in("us")
	}
	return plain(column, "")
}

func gpuColumn(column string) (field, bool) {
	switch column {
	case "Max GPU Memory Usage":
		return plain("gpu_memory", "max").in("B"), true
	case "Total GPU Memory":
		return plain("gpu_memory_total", "").in("B"), true
	case "Avg GPU Utilization":
		return plain("gpu_utilization", "mean").in("ratio"), true
	case "Avg GPU Power Usage":
		return plain("gpu_power", "mean"), true
	}
	return field{}, false
}

// gpus reads uuid:value;uuid:value; and adds one metric for each GPU.
func (c *collector) gpus(f field, cell string, labels []Label, place []string) error {
	for entry := range strings.SplitSeq(cell, ";") {
		if entry == "" {
			continue
		}
		uuid, text, _ := strings.Cut(entry, ":")
		both := append(labels[:len(labels):len(labels)], Label{"gpu", uuid})
		if err := c.measure(f, text, both, append(place[:2:2], uuid), place[1]); err != nil {
			return err
		}
	}
	return nil
}
