package testreport_test

import (
	"math"
	"slices"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// The percentiles are numpy.percentile's of the same numbers.
func TestStatistic(t *testing.T) {
	samples := []float64{0.3, 1.7, 2.2, 9.1, 4.4, 0.05, 7.7}
	before := slices.Clone(samples)
	for stat, want := range map[string]float64{
		"mean": 3.635714285714286, "avg": 3.635714285714286,
		"median": 2.2, "p50": 2.2, "min": 0.05, "max": 9.1,
		"p0": 0.05, "p12.5": 0.2375, "p90": 8.26, "p95": 8.68, "p99": 9.016, "p99.9": 9.0916, "p100": 9.1,
	} {
		got, err := testreport.Statistic(samples, stat)
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %v, %v, want %v", stat, got, err, want)
		}
	}
	if !slices.Equal(samples, before) {
		t.Error("Statistic sorted the caller's samples")
	}
	if got, err := testreport.Statistic([]float64{4}, "p95"); got != 4 || err != nil {
		t.Errorf("p95 of one sample = %v, %v", got, err)
	}
}

func TestStatisticRefuses(t *testing.T) {
	for _, tc := range []struct {
		samples []float64
		stat    string
		want    string
	}{
		{nil, "mean", "computing mean: there are no samples"},
		{[]float64{1, math.NaN()}, "max", "computing max: sample 1 is NaN"},
		{[]float64{math.Inf(1)}, "p50", "computing median: sample 0 is +Inf"},
		{[]float64{1.7e308, 1.7e308}, "mean", "computing mean: the samples are too large"},
		{[]float64{1}, "", `unknown statistic ""; expected mean, median, min, max or a percentile such as p95 or p99.9`},
		{[]float64{1}, "mode", `unknown statistic "mode"; expected mean, median, min, max or a percentile such as p95 or p99.9`},
	} {
		got, err := testreport.Statistic(tc.samples, tc.stat)
		if err == nil || err.Error() != tc.want {
			t.Errorf("Statistic(%v, %q) = %v, %v, want error %s", tc.samples, tc.stat, got, err, tc.want)
		}
	}
}

func TestParseStat(t *testing.T) {
	for text, want := range map[string]string{
		"avg": "mean", "mean": "mean", "p50": "median", "p50.0": "median", "p95": "p95", "p95.0": "p95",
		"p99.90": "p99.9", "p0.5": "p0.5", "min": "min", "max": "max",
	} {
		if got, err := testreport.ParseStat(text); got != want || err != nil {
			t.Errorf("ParseStat(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"p", "p101", "p-1", "p095", "p1e1", "p.5", "p5.", "pNaN", "P95", "95", "stddev", "p1.2.3", "p00000000000000000"} {
		if got, err := testreport.ParseStat(text); err == nil {
			t.Errorf("ParseStat(%q) = %q, want an error", text, got)
		}
	}
}
