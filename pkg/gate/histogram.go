package gate

import (
	"math"
	"slices"
)

// MaxBins bounds a histogram's bins.
const MaxBins = 60

// Histogram says how the measurements behind a value are spread.
type Histogram struct {
	// From is the lowest measurement and To the highest, in the result's unit.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Counts are the measurements in bins of equal width, at most MaxBins; each
	// holds its lower end, the last its upper one too.
	Counts []int `json:"counts"`
}

// histogram counts samples; nil for too few to show anything, and for a range
// that no number holds.
func histogram(samples []float64) *Histogram {
	if len(samples) < minSamples {
		return nil
	}
	h := &Histogram{From: slices.Min(samples), To: slices.Max(samples)}
	width := h.To - h.From
	if math.IsInf(width, 0) || math.IsNaN(width) {
		return nil
	}
	h.Counts = make([]int, 1)
	if width > 0 {
		h.Counts = make([]int, min(int(math.Ceil(math.Sqrt(float64(len(samples))))), MaxBins))
	}
	for _, s := range samples {
		i := 0
		if width > 0 {
			i = min(int((s-h.From)/width*float64(len(h.Counts))), len(h.Counts)-1)
		}
		h.Counts[i]++
	}
	return h
}

// times is the histogram in another unit, of which one of its own is so many.
func (h *Histogram) times(by float64) *Histogram {
	if h == nil {
		return nil
	}
	scaled := Histogram{From: h.From * by, To: h.To * by, Counts: h.Counts}
	if math.IsInf(scaled.From, 0) || math.IsInf(scaled.To, 0) {
		return nil
	}
	return &scaled
}
