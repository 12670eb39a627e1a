package testreport

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

const acceptedStats = "expected mean, median, min, max or a percentile such as p95 or p99.9"

// ParseStat returns the one spelling that this package uses for a statistic:
// mean (also written avg), median (also p50), min, max, and pN or pN.N with N
// from 0 to 100. Other text is an error that lists these.
func ParseStat(s string) (string, error) {
	switch s {
	case "mean", "median", "min", "max":
		return s, nil
	case "avg":
		return "mean", nil
	}
	p, ok := percentile(s)
	if !ok {
		return "", fmt.Errorf("unknown statistic %.40q; %s", s, acceptedStats)
	}
	if p == 50 {
		return "median", nil
	}
	return "p" + strconv.FormatFloat(p, 'f', -1, 64), nil
}

// percentile returns 95 for p95.
func percentile(s string) (float64, bool) {
	digits, ok := strings.CutPrefix(s, "p")
	if !ok || len(digits) > 16 || digits == "" || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	if digits[0] == '.' || strings.HasSuffix(digits, ".") || (digits[0] == '0' && len(digits) > 1 && digits[1] != '.') {
		return 0, false
	}
	p, err := strconv.ParseFloat(digits, 64)
	return p, err == nil && p <= 100
}

// Statistic computes a statistic of raw samples, in the samples' unit. A
// percentile is interpolated linearly between the closest ranks: type 7 of
// Hyndman and Fan, "Sample Quantiles in Statistical Packages" (1996), which is
// what numpy does. No samples, a sample that is not finite, an unknown
// statistic and a result out of range are errors. samples stays as it is.
func Statistic(samples []float64, stat string) (float64, error) {
	stat, err := ParseStat(stat)
	if err != nil {
		return 0, err
	}
	if len(samples) == 0 {
		return 0, fmt.Errorf("computing %s: there are no samples", stat)
	}
	for i, s := range samples {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return 0, fmt.Errorf("computing %s: sample %d is %v", stat, i, s)
		}
	}
	value := compute(samples, stat)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("computing %s: the samples are too large", stat)
	}
	return value, nil
}

// compute wants a statistic that ParseStat returned, and finite samples.
func compute(samples []float64, stat string) float64 {
	switch stat {
	case "mean":
		sum := 0.0
		for _, s := range samples {
			sum += s
		}
		return sum / float64(len(samples))
	case "min":
		return slices.Min(samples)
	case "max":
		return slices.Max(samples)
	case "median":
		return quantile(samples, 0.5)
	}
	p, _ := percentile(stat)
	return quantile(samples, p/100)
}

func quantile(samples []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	rank := float64(len(sorted)-1) * q
	below := int(rank)
	if below >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	low, high, part := sorted[below], sorted[below+1], rank-math.Floor(rank)
	if part >= 0.5 { // interpolate from the nearer end, which keeps the result monotonic
		return high - (high-low)*(1-part)
	}
	return low + (high-low)*part
}
