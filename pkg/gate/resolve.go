package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// candidate is a metric that the gate may mean.
type candidate struct {
	*testreport.Metric
	report *testreport.Report
	exact  bool // meant by an alias or its pointer, which say which statistic it is
}

// find returns the metrics that m names: by pointer, else by name or alias.
func (m Metric) find(reports []testreport.Report) ([]candidate, *refusal) {
	if len(reports) == 0 {
		return nil, &refusal{problem: fmt.Sprintf("%s was not measured: no report was read, name them under reports", m.label())}
	}
	var found []candidate
	var names, files, all []string
	for i := range reports {
		report := &reports[i]
		all = append(all, short(report.Path))
		if m.Report != "" && m.Report != report.Path {
			continue
		}
		files = append(files, short(report.Path))
		for j := range report.Metrics {
			metric := &report.Metrics[j]
			if m.Pointer != "" {
				names = append(names, metric.Source.Pointer)
			} else {
				names = append(append(names, metric.Name), metric.Aliases...)
			}
			if exact, ok := m.means(metric); ok {
				found = append(found, candidate{metric, report, exact})
			}
		}
	}
	switch {
	case len(files) == 0:
		return nil, &refusal{absent: true, problem: fmt.Sprintf("%s was not measured: the report %q was not read (there is %s)", m.label(), m.Report, list(all))}
	case len(found) == 0 && m.Pointer != "":
		return nil, &refusal{absent: true, problem: fmt.Sprintf("%s was not measured: nothing stands at %s (looked into %s%s)", m.label(), m.Pointer, list(files), didYouMean(m.Pointer, names))}
	case len(found) == 0:
		return nil, &refusal{absent: true, problem: fmt.Sprintf("%s was not measured (looked into %s%s)", m.label(), list(files), didYouMean(m.Name, names))}
	}
	return recorded(found), nil
}

// recorded leaves out test durations where something of that name was recorded.
func recorded(found []candidate) []candidate {
	isDuration := func(c candidate) bool { return c.Duration }
	if slices.ContainsFunc(found, func(c candidate) bool { return !c.Duration }) {
		return slices.DeleteFunc(found, isDuration)
	}
	return found
}

func (m Metric) means(metric *testreport.Metric) (exact, ok bool) {
	if m.Pointer != "" {
		return true, metric.Source.Pointer == m.Pointer
	}
	if metric.Name == m.Name {
		return false, true
	}
	return true, slices.Contains(metric.Aliases, m.Name)
}

// resolve applies the statistic that is asked for, and returns a reading of
// each candidate that has it: at least one, if there is no refusal.
func (m Metric) resolve(found []candidate) ([]reading, *refusal) {
	stat, err := "", error(nil)
	if m.Stat != "" {
		stat, err = testreport.ParseStat(m.Stat)
	}
	if err != nil {
		return nil, &refusal{problem: fmt.Sprintf("%s has an %v", m.label(), err)}
	}
	raw := make(map[string]bool) // files that have raw samples, which win over what was computed from them
	for _, c := range found {
		raw[c.report.Path] = raw[c.report.Path] || len(c.Samples) > 0
	}
	var readings []reading
	var others []candidate
	for _, c := range found {
		if !c.has(stat, raw[c.report.Path]) {
			others = append(others, c)
			continue
		}
		r, refused := m.value(c, stat)
		if refused != nil {
			return nil, refused
		}
		readings = append(readings, r)
	}
	if len(readings) > 0 {
		return readings, nil
	}
	if stat != "" || slices.ContainsFunc(others, func(c candidate) bool { return !c.exact || c.Stat != others[0].Stat }) {
		return nil, m.without(stat, others)
	}
	for _, c := range others { // an alias or a pointer that can only mean this statistic
		r, refused := m.value(c, c.Stat)
		if refused != nil {
			return nil, refused
		}
		readings = append(readings, r)
	}
	return readings, nil
}

// has reports whether c is what a gate with that statistic is about. An invalid
// value without statistic could have been samples, so every gate is about it.
func (c candidate) has(stat string, raw bool) bool {
	switch {
	case len(c.Samples) > 0, c.Stat == "" && c.Invalid != "":
		return true
	case stat == "":
		return c.Stat == ""
	}
	return c.Stat == stat && !raw
}

// value reads one candidate that has the statistic.
func (m Metric) value(c candidate, stat string) (reading, *refusal) {
	r := reading{value: unit.Quantity{Value: c.Value, Unit: c.Unit}, stat: stat, source: c.Source, modified: c.report.Modified}
	switch {
	case c.Invalid != "":
		return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s is no number but %s (%s)", m.label(), short(c.Invalid), place(c.Source))}
	case len(c.Samples) == 1 && stat == "":
		r.value.Value = c.Samples[0]
	case len(c.Samples) > 0 && stat == "":
		return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s has %d samples (%s): write stat: p95 or another", m.label(), len(c.Samples), place(c.Source))}
	case len(c.Samples) > 0:
		v, err := testreport.Statistic(c.Samples, stat)
		if err != nil {
			return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s cannot be read, %v (%s)", m.label(), err, place(c.Source))}
		}
		r.value.Value = v
	}
	return r, nil
}

// without says which statistics there are instead of the one that a gate needs.
func (m Metric) without(stat string, others []candidate) *refusal {
	var there []string
	for _, c := range others {
		name := c.Stat
		if name == "" {
			name = "a single value"
		}
		if !slices.Contains(there, name) {
			there = append(there, name)
		}
	}
	source := others[0].Source
	problem := fmt.Sprintf("%s has no %s, only %s (%s)", m.label(), stat, list(there), place(source))
	if stat == "" {
		problem = fmt.Sprintf("%s is there as %s only (%s): write stat: %s", m.label(), list(there), place(source), strings.Join(there[:min(len(there), maxListed)], " or stat: "))
	}
	return &refusal{problem: problem, source: &source}
}
