package testreport

import (
	"cmp"
	"math"
	"slices"
)

// bucket counts the observations up to a bound, those of lower buckets too.
type bucket struct{ le, count float64 }

// distribution is one histogram or summary: all lines of one family and set of
// labels.
type distribution struct {
	family     string
	labels     []Label
	buckets    []bucket
	sum, count *float64
}

// many is how many observations there were, 0 where the lines do not say.
func (d *distribution) many() int {
	if d.count == nil || !(*d.count >= 0 && *d.count <= maxCount) || *d.count != math.Trunc(*d.count) {
		return 0
	}
	return int(*d.count)
}

// check sorts the buckets, and says why they have no quantiles. Unlike
// Prometheus, which repairs them, it accepts no counts that fall.
func (d *distribution) check() string {
	slices.SortFunc(d.buckets, func(a, b bucket) int { return cmp.Compare(a.le, b.le) })
	last := d.buckets[len(d.buckets)-1]
	switch {
	case !math.IsInf(last.le, 1):
		return "a histogram without its +Inf bucket"
	case len(d.buckets) == 1:
		return "a histogram of one bucket"
	case last.count == 0:
		return "a histogram of no observation"
	}
	for i, b := range d.buckets {
		if math.IsNaN(b.le) || math.IsInf(b.le, -1) || !(b.count >= 0) || math.IsInf(b.count, 0) || i > 0 && (b.count < d.buckets[i-1].count || b.le == d.buckets[i-1].le) {
			return "a histogram whose buckets do not add up"
		}
	}
	return ""
}

// quantile estimates as PromQL's histogram_quantile does: observations are
// spread evenly in their bucket; the lowest bucket begins at 0 if its bound is
// positive, else its bound is the result. For a quantile in the +Inf bucket
// PromQL gives the highest finite bound, which nobody measured and which is too
// low for a gate; here it is not known. It wants checked buckets.
func (d *distribution) quantile(q float64) (value float64, known bool) {
	last := len(d.buckets) - 1
	rank := q * d.buckets[last].count
	i, _ := slices.BinarySearchFunc(d.buckets[:last], rank, func(b bucket, rank float64) int { return cmp.Compare(b.count, rank) })
	if i == last {
		return 0, false
	}
	low, below := 0.0, 0.0
	if i > 0 {
		low, below = d.buckets[i-1].le, d.buckets[i-1].count
	} else if d.buckets[0].le <= 0 {
		return d.buckets[0].le, true
	}
	return low + (d.buckets[i].le-low)*(rank-below)/(d.buckets[i].count-below), true
}
