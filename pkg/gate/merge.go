package gate

import (
	"fmt"
	"slices"

	"github.com/org/ai-ship/pkg/testreport"
)

// merge makes one value of the readings: they must agree, unless the policy
// asks for the median of several runs.
func (m Metric) merge(readings []reading) (measured, *refusal) {
	first := readings[0]
	one := measured{value: first.value, stat: first.stat, source: first.source, samples: first.samples, noise: first.noise}
	if m.Runs > 0 {
		return m.median(readings, one)
	}
	for _, other := range readings[1:] {
		if other.value != first.value {
			return measured{}, m.ambiguous(readings)
		}
	}
	return one, nil
}

// median takes each report as one run of the same evaluation.
func (m Metric) median(readings []reading, one measured) (measured, *refusal) {
	var values []float64
	perReport := make(map[string]float64)
	for _, r := range readings {
		if before, again := perReport[r.source.File]; again {
			if before != r.value.Value {
				return measured{}, m.ambiguous(readings)
			}
			continue
		}
		if r.value.Unit != one.value.Unit {
			return measured{}, m.ambiguous(readings)
		}
		perReport[r.source.File] = r.value.Value
		values = append(values, r.value.Value)
	}
	if len(values) < m.Runs {
		return measured{}, &refusal{source: &one.source, until: fmt.Sprintf("from %s or more", count(m.Runs, "run")),
			problem: fmt.Sprintf("%s was measured in %s only (%s)", one.name(m), count(len(values), "run"), place(one.source))}
	}
	// The values are finite: they have been converted.
	one.value.Value, _ = testreport.Statistic(values, "median")
	one.samples, one.noise = len(values), runsError(values)
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
