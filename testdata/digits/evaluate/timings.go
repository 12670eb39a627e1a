package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/org/ai-ship/testdata/digits/network"
)

// timings are measured, one value for each prediction; none is dropped, so
// that the slow tail stays in the statistics.
type timings struct {
	samples []time.Duration                // round by round, in the images' order
	digits  [network.Classes]time.Duration // the same, summed over the images of a digit
	total   time.Duration                  // sum of samples
	warmUp  time.Duration                  // the pass before, over all images
}

// measure predicts every image rounds times, each timed alone by the monotonic
// clock: there are no batches. It expects the network to be warm.
func measure(ctx context.Context, net *network.Network, images []network.Sample, rounds int) (timings, error) {
	t := timings{samples: make([]time.Duration, 0, rounds*len(images))}
	var probabilities [network.Classes]float32
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return timings{}, fmt.Errorf("measuring round %d of %d: %w", round+1, rounds, err)
		}
		for i := range images {
			begin := time.Now()
			net.Predict(&images[i].Image, &probabilities)
			took := time.Since(begin)
			t.samples = append(t.samples, took)
			t.digits[images[i].Digit] += took
			t.total += took
		}
	}
	return t, nil
}

// median returns the middle sample, of an even number the lower one.
func (t timings) median() time.Duration {
	sorted := slices.Sorted(slices.Values(t.samples))
	return sorted[(len(sorted)-1)/2]
}

// throughput returns predictions a second, and whether the clock was fine
// enough to tell.
func (t timings) throughput() (float64, bool) {
	if t.total <= 0 {
		return 0, false
	}
	return float64(len(t.samples)) / t.total.Seconds(), true
}
