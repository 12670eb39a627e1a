package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// find returns the metrics that m names: by pointer, else by name or alias.
func (c court) find(m Metric) ([]candidate, *refusal) {
	if len(c.Reports) == 0 {
		return nil, &refusal{problem: fmt.Sprintf("%s was not measured: no report was read, name them under reports", m.label())}
	}
	named := c.names.names[m.Name]
	if m.Pointer != "" {
		named = c.names.pointers[m.Pointer]
	}
	var found []candidate
	for _, one := range named {
		if m.Report == "" || m.Report == one.report.Path {
			found = append(found, one)
		}
	}
	if len(found) == 0 {
		return nil, c.missing(m)
	}
	if selected := m.selected(found); len(selected) > 0 {
		return recorded(selected), nil
	}
	var there []string
	for _, one := range found {
		if text := braces(one.Labels); text != "" && !slices.Contains(there, text) {
			there = append(there, text)
		}
	}
	hint := "there it has no labels"
	if len(there) > 0 {
		hint = "there is " + list(there)
	}
	return nil, &refusal{absent: true, problem: fmt.Sprintf("%s was not measured (%s)", m.label(), hint)}
}

// missing says where m was looked for.
func (c court) missing(m Metric) *refusal {
	var files, all []string
	reports := slices.DeleteFunc(slices.Clone(c.Reports), func(r testreport.Report) bool {
		all = append(all, short(r.Path))
		return m.Report != "" && m.Report != r.Path
	})
	for _, r := range reports {
		files = append(files, short(r.Path))
	}
	refused := &refusal{absent: true}
	switch {
	case len(files) == 0:
		refused.problem = fmt.Sprintf("%s was not measured: the report %q was not read (there is %s)", m.label(), m.Report, list(all))
	case m.Pointer != "":
		refused.problem = fmt.Sprintf("%s was not measured: nothing stands at %s (looked into %s%s)", m.label(), m.Pointer, list(files), didYouMean(m.Pointer, offered(reports, true)))
	default:
		refused.problem = fmt.Sprintf("%s was not measured (looked into %s%s)", m.label(), list(files), didYouMean(m.Name, offered(reports, false)))
	}
	return refused
}

// selected leaves the candidates that have the labels which m asks for.
func (m Metric) selected(found []candidate) []candidate {
	if len(m.Where) == 0 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(c candidate) bool {
		for name, value := range m.Where {
			i := slices.IndexFunc(c.Labels, func(l testreport.Label) bool { return l.Name == name })
			if (i < 0 && value != "") || (i >= 0 && c.Labels[i].Value != value) {
				return true
			}
		}
		return false
	})
}

// whole leaves out the labelled parts of what a report also has as a whole,
// which is what its name alone means.
func whole(found []candidate) []candidate {
	has := make(map[*testreport.Report]bool)
	for _, c := range found {
		has[c.report] = has[c.report] || len(c.Labels) == 0
	}
	return slices.DeleteFunc(found, func(c candidate) bool { return has[c.report] && len(c.Labels) > 0 })
}

// recorded leaves out test durations where something of that name was recorded.
func recorded(found []candidate) []candidate {
	isDuration := func(c candidate) bool { return c.Duration }
	if slices.ContainsFunc(found, func(c candidate) bool { return !c.Duration }) {
		return slices.DeleteFunc(found, isDuration)
	}
	return found
}

// braces prints labels as Prometheus does, "" without any.
func braces(labels []testreport.Label) string {
	if len(labels) == 0 {
		return ""
	}
	var pairs []string
	for _, l := range labels {
		pairs = append(pairs, short(l.Name)+"="+short(l.Value))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// reading is one candidate's value, in the limit's dimension once converted.
type reading struct {
	name     string // the metric's, however the gate calls it
	value    unit.Quantity
	least    float64 // the lowest of its samples, else the value
	stat     string
	samples  int
	noise    float64 // standard error in the value's unit; 0: not known
	spread   *Histogram
	labels   []testreport.Label
	source   testreport.Source
	modified time.Time
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
	found = whole(found)
	raw := make(map[string]bool) // what has raw samples, which win over what was computed from them
	for _, c := range found {
		raw[c.key()] = raw[c.key()] || len(c.Samples) > 0
	}
	var having, others []candidate
	for _, c := range found {
		if c.has(stat, raw[c.key()]) {
			having = append(having, c)
		} else {
			others = append(others, c)
		}
	}
	if len(having) > 0 {
		return m.values(having, func(candidate) string { return stat })
	}
	if stat != "" || slices.ContainsFunc(others, func(c candidate) bool { return !c.exact || c.Stat != others[0].Stat }) {
		return nil, m.without(stat, others)
	}
	// An alias or a pointer can only mean the statistic that it has.
	return m.values(others, func(c candidate) string { return c.Stat })
}

// values reads the candidates, each as the statistic that it is meant as.
func (m Metric) values(found []candidate, stat func(candidate) string) ([]reading, *refusal) {
	var readings []reading
	for _, c := range found {
		r, refused := m.value(c, stat(c))
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
	r := reading{name: c.Name, value: unit.Quantity{Value: c.Value, Unit: c.Unit}, least: c.Value, stat: stat, samples: max(c.Count, 0),
		labels: c.Labels, source: c.Source, modified: c.report.Modified}
	switch {
	case c.Invalid != "":
		return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s is no number but %s (%s)", m.label(), short(c.Invalid), place(c.Source))}
	case len(c.Samples) == 1 && stat == "":
		r.value.Value, r.least, r.samples = c.Samples[0], c.Samples[0], 1
	case len(c.Samples) > 0 && stat == "":
		return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s has %d samples (%s): write stat: p95 or another", m.label(), len(c.Samples), place(c.Source))}
	case len(c.Samples) > 0:
		v, err := testreport.Statistic(c.Samples, stat)
		if err != nil {
			return r, &refusal{source: &r.source, problem: fmt.Sprintf("%s cannot be read, %v (%s)", m.label(), err, place(c.Source))}
		}
		r.value.Value, r.least = v, slices.Min(c.Samples)
		r.samples, r.noise, r.spread = len(c.Samples), standardError(c.Samples, stat), histogram(c.Samples)
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
