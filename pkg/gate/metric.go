package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// reading is one candidate's value, in the limit's dimension once converted.
type reading struct {
	value    unit.Quantity
	stat     string
	source   testreport.Source
	modified time.Time
}

// refusal is why no single value could be had, up to what would have passed.
type refusal struct {
	problem string
	source  *testreport.Source
	absent  bool // the reports were read and do not have the metric
}

// evaluate returns one Result for each limit of m.
func (m Metric) evaluate(e Evidence) []Result {
	if m.Min == nil && m.Max == nil {
		return []Result{{Name: m.label(), Stat: m.Stat, Required: m.Required,
			Reason: fmt.Sprintf("%s has no limit; with a min or a max that it keeps it would have passed", m.label())}}
	}
	var results []Result
	if m.Min != nil {
		results = append(results, m.judge(bound{floor: true, limit: *m.Min}, e))
	}
	if m.Max != nil {
		results = append(results, m.judge(bound{limit: *m.Max}, e))
	}
	return results
}

func (m Metric) label() string {
	if m.Name == "" {
		return m.Pointer
	}
	return m.Name
}

// judge holds the metric against one limit.
func (m Metric) judge(b bound, e Evidence) Result {
	r := Result{Name: m.label(), Stat: m.Stat, Unit: b.limit.Unit, Limit: b.result(), Required: m.Required}
	found, refused := m.read(b, e.Reports)
	if refused != nil {
		r.Source = refused.source
		r.Reason = fmt.Sprintf("%s; %s", refused.problem, b.wish())
		if refused.absent && !m.Required {
			r.Passed, r.Reason = true, "not measured, not required"
		}
		return r
	}
	name := r.Name
	if r.Stat = found.stat; r.Stat != "" {
		name += " " + r.Stat
	}
	r.Value, r.Unit, r.Source = finite(found.value.Value), found.value.Unit, &found.source
	where := place(found.source)
	switch v := found.value; {
	case v.Value < 0 && (v.Unit == unit.Seconds || v.Unit == unit.Bytes):
		r.Reason = fmt.Sprintf("%s is %s, and %s cannot be negative (%s); %s", name, v, dimension(v.Unit), where, b.wish())
	case e.outdates(found.modified):
		r.Reason = fmt.Sprintf("%s, so %s tells about another model; run the evaluation again: from a report newer than the model %s",
			e.stale(found.source.File, found.modified), name, b.wish())
	case b.holds(v.Value):
		r.Passed = true
		r.Reason = fmt.Sprintf("%s is %s, %s (%s)", name, b.show(v), b.compare(v.Value), where)
	default:
		r.Reason = fmt.Sprintf("%s is %s, %s (%s); %s", name, b.show(v), b.compare(v.Value), where, b.wish())
	}
	return r
}

// read returns the one value that the reports have for m.
func (m Metric) read(b bound, reports []testreport.Report) (reading, *refusal) {
	found, refused := m.find(reports)
	if refused != nil {
		return reading{}, refused
	}
	readings, refused := m.resolve(found)
	if refused != nil {
		return reading{}, refused
	}
	for i := range readings {
		r := &readings[i]
		if refused := m.convert(r, b.limit); refused != nil {
			return reading{}, refused
		}
	}
	first := readings[0]
	for _, other := range readings[1:] {
		if other.value != first.value {
			return reading{}, m.ambiguous(readings)
		}
	}
	return first, nil
}

// convert brings a value into the limit's dimension where that is certain.
func (m Metric) convert(r *reading, limit unit.Quantity) *refusal {
	if r.value.Unit == unit.None && m.Unit != (unit.Quantity{}) {
		r.value = m.Unit.Times(r.value.Value)
	}
	v := r.value
	switch {
	case !v.Finite():
		return &refusal{problem: fmt.Sprintf("%s is no number but %v (%s)", m.label(), v.Value, place(r.source)), source: &r.source}
	case v.Unit == limit.Unit, limit.Unit == unit.None && v.Unit == unit.Ratio:
		return nil
	case limit.Unit == unit.Ratio && v.Unit == unit.None && v.Value >= 0 && v.Value <= 1:
		r.value.Unit = unit.Ratio
		return nil
	}
	advice := "correct the limit"
	switch {
	case v.Unit == unit.None && limit.Unit == unit.Ratio:
		advice = "write unit: percent if the report counts so"
	case v.Unit == unit.None:
		advice = "write unit: with what the report counts in"
	case limit.Unit == unit.None:
		advice = "write the limit with its unit"
	}
	return &refusal{source: &r.source, problem: fmt.Sprintf("%s is %s, %s, but its limit %s is %s (%s): %s",
		m.label(), v, dimension(v.Unit), limit.Precise(), dimension(limit.Unit), place(r.source), advice)}
}

// ambiguous lists what the name could mean.
func (m Metric) ambiguous(readings []reading) *refusal {
	var places []string
	for _, r := range readings {
		places = append(places, fmt.Sprintf("%s#%s=%s", short(r.source.File), short(r.source.Pointer), r.value.Precise()))
	}
	return &refusal{problem: fmt.Sprintf("%s is ambiguous: %s; set report: or pointer: to choose one", m.label(), list(slices.Compact(places)))}
}
