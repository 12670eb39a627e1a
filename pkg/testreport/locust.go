package testreport

import (
	"slices"
	"strconv"
	"strings"
)

const (
	aggregated     = "Aggregated" // the row of all requests together
	endpointPrefix = "endpoint_"  // before the names of what one endpoint measured
)

func isLocust(header []string) bool {
	return slices.Contains(header, "Request Count") && slices.Contains(header, "Average Response Time") && slices.Contains(header, "Name")
}

// locust reads the _stats.csv of locust --csv. Its times are milliseconds,
// those of the percentile columns rounded to two digits (stats.py). The row
// Aggregated is latency and throughput, without labels; an endpoint's row is
// endpoint_latency and endpoint_throughput with the labels method and endpoint,
// for a gate on the whole must not mean a part.
func (c *collector) locust(t table) error {
	for i, cells := range t.rows {
		name := t.cell(cells, "Name")
		var labels []Label
		prefix := ""
		if name != aggregated {
			prefix = endpointPrefix
			labels = labelled("method", t.cell(cells, "Type"), "endpoint", name)
		}
		requests, _ := strconv.Atoi(t.cell(cells, "Request Count"))
		for j, column := range t.header {
			f, ok := locustColumn(column)
			if !ok {
				continue
			}
			alias := column
			if prefix != "" {
				alias = name + "." + column
			}
			if f.name == "latency" || f.name == "error_rate" {
				f.count = max(requests, 0)
			}
			f.name = prefix + f.name
			text := cells[j]
			if column == "Failure Count" {
				text = share(text, t.cell(cells, "Request Count"))
			}
			if err := c.measure(f, text, labels, []string{row(i), column}, alias); err != nil {
				return err
			}
		}
	}
	return nil
}

// share divides two counts. Where that is impossible it says so in a text that
// is no number.
func share(part, whole string) string {
	a, err := strconv.ParseUint(part, 10, 64)
	b, also := strconv.ParseUint(whole, 10, 64)
	if err != nil || also != nil || b == 0 || a > b {
		return part + " of " + whole
	}
	return strconv.FormatFloat(float64(a)/float64(b), 'g', -1, 64)
}

func locustColumn(column string) (field, bool) {
	switch column {
	case "Request Count":
		return plain("requests", ""), true
	case "Failure Count":
		return plain("error_rate", "").in("ratio"), true
	case "Requests/s":
		return plain("throughput", ""), true
	case "Failures/s":
		return plain("failures_per_second", ""), true
	case "Average Response Time":
		return plain("latency", "mean").in("ms"), true
	case "Min Response Time":
		return plain("latency", "min").in("ms"), true
	case "Max Response Time":
		return plain("latency", "max").in("ms"), true
	case "Average Content Size":
		return plain("content_size", "mean").in("B"), true
	}
	digits, ok := strings.CutSuffix(column, "%")
	if !ok {
		return field{}, false
	}
	stat, err := ParseStat("p" + digits)
	return plain("latency", stat).in("ms"), err == nil
}
