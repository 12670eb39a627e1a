package gate

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/testreport"
)

// minSamples are the fewest that say anything about noise.
const minSamples = 5

// minRuns are the fewest whose spread says anything about noise.
const minRuns = 3

// confidence is the one-sided normal quantile from which on a difference is
// not put down to noise: 0.13 % of equal measurements lie beyond it, which
// leaves room for standard errors that are themselves estimates.
const confidence = 3.0

// standardError is how far a statistic of these samples may lie from what it
// estimates; 0 when that cannot be told, as when no number holds it.
//
// Of a mean it is s/√n. Of a percentile it is half the width of the interval
// between the order statistics one standard error of the rank around it (R. S.
// Woodruff, "Confidence Intervals for Medians and Other Position Measures",
// 1952), which assumes no distribution; where the interval leaves the samples,
// the half that is inside stands for both. Extremes have none.
func standardError(samples []float64, stat string) float64 {
	n := float64(len(samples))
	if len(samples) < minSamples {
		return 0
	}
	if stat == "mean" {
		return known(deviation(samples) / math.Sqrt(n))
	}
	p := 0.5
	if digits, ok := strings.CutPrefix(stat, "p"); ok {
		percentile, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return 0
		}
		p = percentile / 100
	} else if stat != "median" {
		return 0
	}
	at := func(q float64) float64 {
		// The statistic is computable: samples and stat have been used already.
		v, _ := testreport.Statistic(samples, "p"+strconv.FormatFloat(min(max(q, 0), 1)*100, 'f', 9, 64))
		return v
	}
	step := math.Sqrt(p * (1 - p) / n)
	middle, low, high := at(p), at(p-step), at(p+step)
	if p-step <= 0 || p+step >= 1 {
		return known(max(middle-low, high-middle))
	}
	return known((high - low) / 2)
}

// known is an error that a number holds, else 0.
func known(e float64) float64 {
	if math.IsInf(e, 0) || math.IsNaN(e) {
		return 0
	}
	return e
}

// runsError is the standard error of the median of several runs' values: that
// of a normal sample's median, 1.2533·s/√n. It needs minRuns.
func runsError(values []float64) float64 {
	if len(values) < minRuns {
		return 0
	}
	return known(1.2533 * deviation(values) / math.Sqrt(float64(len(values))))
}

// pooled is what fewer runs than minRuns tell: how many samples they have, and
// the standard error of their mean by the samples alone, when all have it.
func pooled(runs []reading) (samples int, noise float64) {
	all := true
	for _, r := range runs {
		samples += r.samples
		noise = math.Hypot(noise, r.noise)
		all = all && r.noise > 0
	}
	if !all {
		return samples, 0
	}
	return samples, known(noise / float64(len(runs)))
}

// deviation is the standard deviation of a sample of two or more.
func deviation(samples []float64) float64 {
	n, mean := float64(len(samples)), 0.0
	for _, s := range samples {
		mean += s / n
	}
	sum := 0.0
	for _, s := range samples {
		sum += (s - mean) * (s - mean)
	}
	return math.Sqrt(sum / (n - 1))
}

// Explained is how much of the difference between the values of two results of
// one gate the noise of their measurements explains; 0 when neither tells its
// noise.
func Explained(now, before Result) float64 {
	return explained(now.Noise, now.Samples, Measurement{Samples: before.Samples, Noise: before.Noise})
}

// explained is the difference that noise explains between a value and its
// baseline; 0 when neither tells its noise. One that does not is taken to be as
// noisy as the other. Few samples widen it as Student's distribution does, by
// the expansion in Abramowitz and Stegun, 26.7.5.
func explained(noise float64, samples int, base Measurement) float64 {
	var errors []float64
	freedom := math.Inf(1)
	for _, side := range []struct {
		noise   float64
		samples int
	}{{noise, samples}, {base.Noise, base.Samples}} {
		if side.noise > 0 {
			errors = append(errors, side.noise)
			freedom = min(freedom, float64(max(side.samples-1, 1)))
		}
	}
	if len(errors) == 0 {
		return 0
	}
	z, cube := confidence, confidence*confidence*confidence
	t := z + (cube+z)/(4*freedom) + (5*cube*z*z+16*cube+3*z)/(96*freedom*freedom)
	return known(t * math.Hypot(slices.Min(errors), slices.Max(errors)))
}
