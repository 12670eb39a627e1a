package testreport_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/testreport"
)

func TestReadLocustJSON(t *testing.T) {
	report := readFile(t, "shapes/locust.json")
	if report.Format != "locust" || report.Tests != 0 {
		t.Errorf("format %q, %d tests", report.Format, report.Tests)
	}
	hold(t, report, []string{
		"latency [0.004 0.006 0.099 0.11 0.15 0.15 0.2]s @ /*/response_times = *.response_times, inference_time",
		"error_rate 0.14285714285714285ratio @ /*/num_failures = *.num_failures",
		"endpoint_latency [0.099 0.11 0.15 0.15 0.2]s @ /0/response_times = 0.response_times {method=POST} {endpoint=/predict}",
		"endpoint_latency [0.004 0.006]s @ /1/response_times = 1.response_times {method=GET} {endpoint=/health}",
		"endpoint_error_rate 0.2ratio @ /0/num_failures = 0.num_failures {method=POST} {endpoint=/predict}",
		"endpoint_error_rate 0ratio @ /1/num_failures = 1.num_failures {method=GET} {endpoint=/health}",
		"max_response_time 0.1985s @ /0/max_response_time = 0.max_response_time {method=POST} {endpoint=/predict}",
		"0.num_requests 5 @ /0/num_requests {method=POST} {endpoint=/predict}",
	})
}

func TestReadLocustJSONTraps(t *testing.T) {
	text := `[{"num_requests": 0, "num_failures": 0, "response_times": {}, "num_fail_per_sec": {"1": 1}}, {"num_requests": 1, "num_failures": 1, "response_times": {"-3": 1}}]`
	want := []string{
		"error_rate 1ratio @ /*/num_failures = *.num_failures",
		"latency [-0.003]s @ /*/response_times = *.response_times, inference_time",
		"endpoint_error_rate invalid:a rate of no request @ /0/num_failures = 0.num_failures",
		"0.num_requests 0 @ /0/num_requests",
		"endpoint_latency invalid:a time of no request @ /0/response_times = 0.response_times",
		"endpoint_error_rate 1ratio @ /1/num_failures = 1.num_failures",
		"1.num_requests 1 @ /1/num_requests",
		"endpoint_latency [-0.003]s @ /1/response_times = 1.response_times",
	}
	if diff := cmp.Diff(want, facts(readText(t, "r.json", text))); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// Too many requests to keep: their statistics are those of the single times.
func TestReadLocustJSONOfManyRequests(t *testing.T) {
	times := map[string]int{"10": 90_000, "20": 5_000, "300": 5_001}
	var samples []float64
	var bars []string
	for _, key := range []string{"300", "10", "20"} {
		bars = append(bars, fmt.Sprintf("%q: %d", key, times[key]))
		var took float64
		fmt.Sscan(key, &took)
		for range times[key] {
			samples = append(samples, took/1000)
		}
	}
	report := readText(t, "r.json", `[{"num_requests": 100001, "num_failures": 0, "response_times": {`+strings.Join(bars, ", ")+`}}]`)
	seen := 0
	for _, m := range report.Metrics {
		if m.Name != "latency" {
			continue
		}
		seen++
		want, err := testreport.Statistic(samples, m.Stat)
		if err != nil || math.Abs(m.Value-want) > 1e-9 || m.Samples != nil || m.Unit != "s" {
			t.Errorf("%s = %v%s, want %v, %v", m.Stat, m.Value, m.Unit, want, err)
		}
	}
	if seen != 8 {
		t.Errorf("%d statistics", seen)
	}
}
