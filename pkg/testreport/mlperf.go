package testreport

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

const (
	mlperfTitle  = "MLPerf Results Summary"
	mlperfEnd    = "Test Parameters Used" // what follows are settings and no measurements
	mlperfResult = "Result is"
	mlperfLog    = ":::MLLOG"
	mlperfValid  = "VALID"
)

var (
	mlperfPercentile = regexp.MustCompile(`(\d{1,3}(?:\.\d+)?)(?:th)? (?:first token )?percentile`)
	mlperfExtreme    = regexp.MustCompile(`\b(min|max|mean)\b`)
)

func isMLPerfSummary(body []byte) bool {
	for i, line := range numbered(body) {
		switch {
		case line == mlperfTitle:
			return true
		case i > 3, strings.Trim(line, "= ") != "":
			return false
		}
	}
	return false
}

// readMLPerfSummary reads mlperf_log_summary.txt of MLPerf's load generator
// (loadgen/results.cc). Its latencies are nanoseconds. A run that it calls
// INVALID is a failed test, so that no gate passes; a log without that line or
// without its last part is an error.
func (c *collector) readMLPerfSummary(data []byte) error {
	c.report.Format = formatMLPerf
	ended := false
	for number, line := range numbered(data) {
		if strings.TrimSpace(line) == mlperfEnd {
			ended = true
			break
		}
		key, value, ok := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || strings.HasPrefix(key, "*") { // advice
			continue
		}
		var err error
		if key == mlperfResult {
			err = c.mlperfResult(value, "/"+key)
		} else {
			err = c.mlperf(key, value)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if !ended {
		return fmt.Errorf("is an MLPerf summary that ends before %q", mlperfEnd)
	}
	return c.mlperfRan()
}

func isMLPerfDetail(body []byte) bool {
	return strings.HasPrefix(string(body[:min(len(body), len(mlperfLog))]), mlperfLog)
}

// readMLPerfDetail reads the result_ lines of mlperf_log_detail.txt, each a
// JSON object with key and value. Lines of other programs may stand between.
func (c *collector) readMLPerfDetail(data []byte) error {
	c.report.Format = formatMLPerf
	scenario, queries := "", 0
	for number, line := range numbered(data) {
		text, ok := strings.CutPrefix(line, mlperfLog)
		if !ok {
			continue
		}
		event, err := parseJSON([]byte(text))
		if err != nil {
			return fmt.Errorf("line %d: %w", number, errors.Unwrap(err))
		}
		key, value := event.member("key").text, event.member("value")
		switch key {
		case "requested_scenario", "effective_scenario":
			scenario = value.text
		case "result_query_count":
			queries = value.many()
		}
		switch {
		case key == "result_validity":
			err = c.mlperfResult(value.text, "/"+key)
		case strings.HasPrefix(key, "result_") && value.scalar():
			err = c.mlperf(key, value.number())
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	c.mlperfQueries(scenario, queries)
	return c.mlperfRan()
}

// mlperfQueries sets how many latencies there were, which the log says only
// where a query is one sample (loadgen/results.cc).
func (c *collector) mlperfQueries(scenario string, queries int) {
	if scenario != "SingleStream" && scenario != "Server" {
		return
	}
	for i := range c.report.Metrics {
		if m := &c.report.Metrics[i]; m.Name == "latency" {
			m.Count = queries
		}
	}
}

// mlperfResult counts a run as a test.
func (c *collector) mlperfResult(result, place string) error {
	c.report.Tests++
	if result == mlperfValid {
		return nil
	}
	return c.fail(Failure{Test: "MLPerf", Message: "the run's result is " + result + ", expected " + mlperfValid, Source: c.source(place)})
}

// mlperfRan refuses a log that does not say whether its run was valid.
func (c *collector) mlperfRan() error {
	if c.report.Tests == 0 {
		return errors.New("is an MLPerf log that does not say whether its run was VALID")
	}
	return nil
}

// mlperf adds one line. Text that is no number is passed over.
func (c *collector) mlperf(key, value string) error {
	f := mlperfField(key)
	m, ok := f.metric(value)
	if !ok || key == "" || value == "" && f.name == key { // a heading
		return nil
	}
	return c.add(m, pointer([]string{key}), key, twin(m.Name))
}

// mlperfField knows the keys of both logs: "99.00 percentile latency (ns)" and
// result_99.00_percentile_latency_ns. One that it does not know is plain.
func mlperfField(key string) field {
	words := strings.ReplaceAll(strings.ToLower(key), "_", " ")
	words = strings.TrimPrefix(words, "result ")
	time, isTime := strings.CutSuffix(words, " (ns)")
	if !isTime {
		time, isTime = strings.CutSuffix(words, " ns")
	}
	if !isTime { // result_time_to_output_token_max counts nanoseconds without saying so
		time, isTime = words, strings.HasPrefix(words, "time to output token ")
	}
	if !isTime {
		switch words {
		case "samples per second", "completed samples per second", "completed samples per sec":
			return plain("throughput", "")
		case "tokens per second", "completed tokens per second":
			return plain("tokens_per_second", "")
		}
		return plain(key, "")
	}
	f := field{name: "latency", one: unit.Quantity{Value: 1e-9, Unit: unit.Seconds}}
	switch {
	case strings.Contains(time, "first token"):
		f.name = "time_to_first_token"
	case strings.Contains(time, "output token"):
		f.name = "time_per_output_token"
	case strings.Contains(time, "query latency"):
		f.name = "query_latency"
	case !strings.Contains(time, "latency"):
		f.name = key
		return f
	}
	if p := mlperfPercentile.FindStringSubmatch(time); p != nil {
		f.stat, _ = ParseStat("p" + p[1])
	} else {
		f.stat = mlperfExtreme.FindString(time)
	}
	return f
}
