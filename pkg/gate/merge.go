package gate

import (
	"fmt"
	"math"
	"slices"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// merge makes one value of the readings: they must agree, unless the policy
// asks for the median of several runs.
func (m Metric) merge(readings []reading) (measured, *refusal) {
	first := readings[0]
	one := measured{called: first.name, value: first.value, stat: first.stat, source: first.source, samples: first.samples, noise: first.noise, histogram: first.spread}
	if m.Runs > 0 {
		return m.median(readings, one)
	}
	for _, other := range readings[1:] {
		if !agree(other.value, first.value) {
			return measured{}, m.ambiguous(readings)
		}
	}
	return one, nil
}

// agree reports whether two values are one, however many digits each report
// printed, and whether or not it says that it is a ratio.
func agree(a, b unit.Quantity) bool {
	return comparable(a.Unit, b.Unit) && math.Abs(a.Value-b.Value) <= rounding*max(math.Abs(a.Value), math.Abs(b.Value))
}

// alike reports whether two readings can be of one thing in two runs: with the
// same labels, which may name another machine or run.
func alike(a, b reading) bool {
	return comparable(a.value.Unit, b.value.Unit) && slices.EqualFunc(a.labels, b.labels, func(a, b testreport.Label) bool { return a.Name == b.Name })
}

// median takes each report as one run of the same evaluation.
func (m Metric) median(readings []reading, one measured) (measured, *refusal) {
	var runs []reading
	var values []float64
	perReport := make(map[string]float64)
	for _, r := range readings {
		if before, again := perReport[r.source.File]; again {
			if !agree(unit.Quantity{Value: before}, unit.Quantity{Value: r.value.Value}) {
				return measured{}, m.ambiguous(readings)
			}
			continue
		}
		if !alike(r, readings[0]) {
			return measured{}, m.ambiguous(readings)
		}
		perReport[r.source.File] = r.value.Value
		runs, values = append(runs, r), append(values, r.value.Value)
	}
	if len(values) < m.Runs {
		return measured{}, &refusal{source: &one.source, until: fmt.Sprintf("from %s or more", count(m.Runs, "run")),
			problem: fmt.Sprintf("%s was measured in %s only (%s)", one.name(m), count(len(values), "run"), place(one.source))}
	}
	var err error
	if one.value.Value, err = testreport.Statistic(values, "median"); err != nil {
		return measured{}, &refusal{source: &one.source, problem: fmt.Sprintf("%s has no median, %v (%s)", m.label(), err, place(one.source))}
	}
	one.samples, one.noise = len(values), runsError(values)
	if len(values) < minRuns {
		one.samples, one.noise = pooled(runs)
	}
	one.histogram = nil
	one.runs, one.spread = len(values), &Spread{Min: slices.Min(values), Max: slices.Max(values)}
	return one, nil
}

// ambiguous lists what the name could mean.
func (m Metric) ambiguous(readings []reading) *refusal {
	var places []string
	labelled, files := false, make(map[string]bool)
	for _, r := range readings {
		places = append(places, fmt.Sprintf("%s#%s=%s", short(r.source.File), short(r.source.Pointer), r.value.Precise())+braces(r.labels))
		labelled = labelled || len(r.labels) > 0
		files[r.source.File] = true
	}
	advice := "set report: or pointer: to choose one"
	if labelled {
		advice = "set where:, report: or pointer: to choose one"
	}
	if len(files) > 1 && m.Runs == 0 {
		advice += ", or runs: to take the median of several runs"
	}
	return &refusal{problem: fmt.Sprintf("%s is ambiguous: %s; %s", m.label(), list(slices.Compact(places)), advice)}
}
