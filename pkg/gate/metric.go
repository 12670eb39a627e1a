package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// Metric limits one metric of the reports. Nil limits do not apply.
type Metric struct {
	Name string // a metric's name or one of its aliases, case-sensitive
	Stat string // "", mean, median, p95, p99, max, min, or any pNN
	// Where narrows the name to metrics with these labels. An empty value asks
	// for metrics without the label, as in Prometheus.
	Where            map[string]string
	Min, Max, Equals *unit.Quantity
	// Warn is the level from which on a value that keeps its one limit, Min or
	// Max, is warned about.
	Warn *unit.Quantity
	// Regression is how much worse than the baseline the value may be,
	// Improvement how much better it must be: of the baseline when a
	// unit.Ratio, else absolute.
	Regression, Improvement *unit.Quantity
	// Slack is a difference that is never held against a value, absolute. What
	// the noise of the samples explains never is either.
	Slack    *unit.Quantity
	Better   Better
	Samples  int           // measurements that the value, or each run's, must be made of at least; 0: any
	Runs     int           // reports that must have the value at least; their median counts. 0: one value
	Unit     unit.Quantity // how to read a value whose report has no unit: 1 of this; zero = not told
	Report   string        // only this report counts, when set (exact path)
	Pointer  string        // JSON pointer (RFC 6901), or place in XML as Source.Pointer has it; the name is then only a label
	Required bool          // refuse when the reports do not have the metric; once it is measured, it must keep its limits
	Warning  bool          // whatever would refuse only warns
}

// DefaultRegression is the regression that a policy allows which names none:
// hosted runners vary by about as much without any change of the code.
func DefaultRegression() unit.Quantity { return unit.Quantity{Value: 0.1, Unit: unit.Ratio} }

// metric returns one Result for each limit of m, and what m measured if it is
// compared with a baseline.
func (c court) metric(m Metric) (results []Result, record Measurement) {
	bounds := m.bounds()
	for _, b := range bounds {
		results = append(results, c.judge(m, b))
	}
	for _, check := range []Check{CheckRegression, CheckImprovement} {
		if m.tolerance(check) != nil {
			var r Result
			r, record = c.compare(m, check)
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		r := m.result("")
		r.Reason = m.label() + " has no limit; with a min or a max that it keeps it would have passed"
		results = append(results, r)
	}
	if m.Warning {
		for i := range results {
			if results[i].Outcome == Refused {
				results[i].Outcome = Warned
			}
		}
	}
	return results, record
}

func (m Metric) bounds() []bound {
	var bounds []bound
	if m.Min != nil {
		bounds = append(bounds, bound{check: CheckMin, op: ">=", limit: *m.Min, warn: m.Warn})
	}
	if m.Max != nil {
		bounds = append(bounds, bound{check: CheckMax, op: "<=", limit: *m.Max, warn: m.Warn})
	}
	if m.Equals != nil {
		bounds = append(bounds, bound{check: CheckEquals, op: "==", limit: *m.Equals})
	}
	return bounds
}

// title is what results call the metric.
func (m Metric) title() string {
	if m.Name == "" {
		return m.Pointer
	}
	return m.Name
}

// label is the title with the labels that were asked for, as sentences have it.
func (m Metric) label() string {
	if len(m.Where) == 0 {
		return m.title()
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(m.Where)) {
		pairs = append(pairs, short(key)+"="+short(m.Where[key]))
	}
	return m.title() + "{" + strings.Join(pairs, ",") + "}"
}

// result is what is known before anything is measured: a refusal.
func (m Metric) result(check Check) Result {
	return Result{Name: m.title(), Check: check, Stat: m.Stat, Where: m.Where, Report: m.Report, Pointer: m.Pointer, Required: m.Required, Outcome: Refused}
}

// judge holds the metric against one limit.
func (c court) judge(m Metric, b bound) Result {
	r := m.result(b.check)
	r.Unit, r.Limit = b.limit.Unit, b.result()
	if problem := b.mismatch(m.label()); problem != "" {
		r.Reason = problem
		return r
	}
	found, refused := c.measure(m, want{limit: &b.limit})
	if refused != nil {
		return r.refuse(m, refused, b.wish())
	}
	r.show(found)
	name, where := found.name(m), found.place()
	switch v := found.value; {
	case !b.holds(v.Value):
		r.Outcome = Refused
		r.Reason = fmt.Sprintf("%s is %s, %s (%s); %s", name, b.show(v), b.compare(v.Value), where, b.wish())
	case b.warn != nil && !b.level().holds(v.Value):
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("%s is %s, %s, but %s (%s); %s without a warning",
			name, b.level().show(v), b.compare(v.Value), b.level().compare(v.Value), where, b.level().wish())
	default:
		r.Outcome = Passed
		r.Reason = fmt.Sprintf("%s is %s, %s (%s)", name, b.show(v), b.compare(v.Value), where)
	}
	return r
}

// refuse is r for a metric without a value to judge.
func (r Result) refuse(m Metric, why *refusal, wish string) Result {
	r.Source, r.Outcome = why.source, Refused
	if why.found != nil {
		r.show(*why.found)
	}
	r.Reason = why.problem + "; " + wish
	if why.until != "" {
		r.Reason = why.problem + ": " + why.until + ", " + wish
	}
	if why.absent && !m.Required {
		r.Outcome, r.Reason = Passed, "not measured, not required"
	}
	return r
}

// show fills in what was measured.
func (r *Result) show(m measured) {
	r.Value, r.Unit, r.Stat = finite(m.value.Value), m.value.Unit, m.stat
	r.Samples, r.Noise, r.Runs, r.Spread = m.samples, m.noise, m.runs, m.spread
	r.Histogram, r.Source = m.histogram, &m.source
}

// String names the metric and its statistic as sentences do.
func (m Metric) String() string { return strings.TrimSpace(m.label() + " " + m.Stat) }

// measured is the one value that the reports have for a metric.
type measured struct {
	called  string // the metric's own name
	value   unit.Quantity
	stat    string
	source  testreport.Source
	samples int     // 0: the report does not say
	noise   float64 // standard error, in the value's unit; 0: not known
	runs    int     // 0: one report; else the value is the median of these
	spread  *Spread
	// histogram is of one report's samples, nil where it has none.
	histogram *Histogram
}

func (m measured) name(metric Metric) string {
	if m.stat == "" {
		return metric.label()
	}
	return metric.label() + " " + m.stat
}

// place is where the value stands, as reasons show it.
func (m measured) place() string {
	if m.runs <= 1 {
		return place(m.source)
	}
	low := unit.Quantity{Value: m.spread.Min, Unit: m.value.Unit}
	high := unit.Quantity{Value: m.spread.Max, Unit: m.value.Unit}
	return fmt.Sprintf("the median of %d runs from %s to %s: %s and others", m.runs, low, high, place(m.source))
}

// refusal is why no single value could be had.
type refusal struct {
	problem string
	until   string // what has to happen before the limit decides, as the beginning of what would have passed
	source  *testreport.Source
	found   *measured // a value that does not count
	absent  bool      // the reports were read and do not have the metric
}

// want is what a value has to fit.
type want struct {
	limit    *unit.Quantity // nil: any dimension does
	compared bool           // with another value of the same metric, so that its scale does not matter
}

// measure returns the one value that the reports have for m, fit to be judged.
func (c court) measure(m Metric, w want) (measured, *refusal) {
	found, refused := c.find(m)
	if refused != nil {
		return measured{}, refused
	}
	readings, refused := m.resolve(found)
	if refused != nil {
		return measured{}, refused
	}
	for i := range readings {
		if refused := m.convert(&readings[i], w); refused != nil {
			return measured{}, refused
		}
	}
	one, refused := m.merge(readings)
	if refused != nil {
		return measured{}, refused
	}
	for _, r := range readings {
		if problem := m.negative(r, one.name(m)); problem != "" {
			return measured{}, &refusal{source: &r.source, found: &one, problem: problem}
		}
	}
	for _, r := range readings {
		if c.outdates(r.modified) {
			return measured{}, &refusal{source: &r.source, found: &one, until: "from a report newer than the model",
				problem: fmt.Sprintf("%s, so %s tells about another model; run the evaluation again", c.stale(r.source.File, r.modified), one.name(m))}
		}
	}
	if refused := m.few(readings, one); refused != nil {
		return measured{}, refused
	}
	return one, nil
}

// negative says so of a time or a size below zero, and of one that has such a
// sample; "" of others.
func (m Metric) negative(r reading, name string) string {
	what := dimension(r.value.Unit)
	switch {
	case r.value.Unit != unit.Seconds && r.value.Unit != unit.Bytes:
		return ""
	case r.value.Value < 0:
		return fmt.Sprintf("%s is %s, and %s cannot be negative (%s)", name, r.value, what, place(r.source))
	case r.least < 0:
		return fmt.Sprintf("%s has a sample of %s, and %s cannot be negative (%s)",
			m.label(), unit.Quantity{Value: r.least, Unit: r.value.Unit}, what, place(r.source))
	}
	return ""
}

// few refuses a value of fewer samples than asked for. Each report must say that
// it has so many, each run too.
func (m Metric) few(readings []reading, one measured) *refusal {
	most := make(map[string]int) // a report may have the value twice, and count once
	for _, r := range readings {
		most[r.source.File] = max(most[r.source.File], r.samples)
	}
	for _, r := range readings {
		n := most[r.source.File]
		if n >= m.Samples {
			continue
		}
		says := fmt.Sprintf("is made of %s only", count(n, "sample"))
		if n == 0 {
			says = "does not say how many samples it is made of"
		}
		return &refusal{source: &r.source, found: &one, until: fmt.Sprintf("from %s or more", count(m.Samples, "sample")),
			problem: fmt.Sprintf("%s %s (%s)", one.name(m), says, place(r.source))}
	}
	return nil
}

// convert brings a value into the wanted dimension where that is certain.
func (m Metric) convert(r *reading, w want) *refusal {
	if r.value.Unit == unit.None && m.Unit != (unit.Quantity{}) {
		one := m.Unit
		r.value, r.least, r.noise = one.Times(r.value.Value), r.least*one.Value, r.noise*one.Value
		r.spread = r.spread.times(one.Value)
	}
	v := r.value
	if !v.Finite() {
		return &refusal{problem: fmt.Sprintf("%s is no number but %v (%s)", m.label(), v.Value, place(r.source)), source: &r.source}
	}
	if m.share(r.name) {
		if problem := m.noShare(v, w, place(r.source)); problem != "" {
			return &refusal{source: &r.source, problem: problem}
		}
	}
	switch {
	case w.limit == nil, v.Unit == w.limit.Unit, w.limit.Unit == unit.None && v.Unit == unit.Ratio:
		return nil
	case w.limit.Unit == unit.Ratio && v.Unit == unit.None && v.Value >= 0 && v.Value <= 1+rounding:
		r.value.Unit = unit.Ratio
		return nil
	}
	advice := "correct the limit"
	switch {
	case v.Unit == unit.None && w.limit.Unit == unit.Ratio:
		advice = "write unit: percent if the report counts so"
	case v.Unit == unit.None:
		advice = "write unit: with what the report counts in"
	case w.limit.Unit == unit.None:
		advice = "write the limit with its unit"
	}
	return &refusal{source: &r.source, problem: fmt.Sprintf("%s is %s, %s, but its limit %s is %s (%s): %s",
		m.label(), v, dimension(v.Unit), w.limit.Precise(), dimension(w.limit.Unit), place(r.source), advice)}
}
