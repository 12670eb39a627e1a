package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// tolerance is the policy's figure for a check against the baseline.
func (m Metric) tolerance(check Check) *unit.Quantity {
	if check == CheckRegression {
		return m.Regression
	}
	return m.Improvement
}

// compare holds the metric against the baseline, and returns what it measured.
//
// A regression refuses when the value is worse by more than the tolerance, and
// by more than the slack, and by more than what the noise of the measurements
// explains: identical code varies by 10 to 30 % on shared machines, and a gate
// that refuses it is soon switched off. Worse by more than the first two only is a
// warning. An improvement that is not there refuses; one within the noise is a
// warning.
func (c court) compare(m Metric, check Check) (Result, Measurement) {
	r := m.result(check)
	found, refused := c.measure(m, want{compared: true})
	if refused != nil {
		return r.refuse(m, refused, "a value to compare would have passed"), Measurement{}
	}
	r.show(found)
	record := Measurement{Name: m.title(), Stat: found.stat, Where: m.Where, Report: m.Report, Pointer: m.Pointer,
		Value: found.value.Value, Unit: found.value.Unit, Samples: found.samples, Noise: found.noise}
	base := c.Baseline.find(record)
	if base == nil {
		r.Outcome, r.Reason = c.alone(m, found, record)
		return r, record
	}
	before, ok := m.scaled(*base, found)
	if !ok {
		r.Baseline = finite(base.Value)
		r.Reason = fmt.Sprintf("%s is %s (%s), but %s recorded %s, so one of the two is in percent: with unit: percent or unit: ratio they would have been compared",
			found.name(m), found.value, found.place(), c.Baseline.name(), unit.Quantity{Value: base.Value, Unit: base.Unit})
		return r, record
	}
	higher, known := m.direction(found.value.Unit)
	if !known {
		r.Reason = fmt.Sprintf("nothing says whether %s should be lower or higher; with better: lower or better: higher it could have passed", m.label())
		return r, record
	}
	r.Baseline = finite(before.Value)
	d := difference{metric: m, check: check, higher: higher, now: found, base: before, ref: c.Baseline.name(),
		noise: explained(found.noise, found.samples, before)}
	d.judge(&r)
	return r, record
}

// scaled is a share of the baseline in the scale of what it is compared with; not
// ok when one of the two counts in percent and nobody says so.
func (m Metric) scaled(base Measurement, now measured) (Measurement, bool) {
	if !m.share(now.called) {
		return base, true
	}
	before, after := inPercent(base.Value, base.Unit), inPercent(now.value.Value, now.value.Unit)
	if before && now.value.Unit == unit.Ratio {
		one := unit.Quantity{Value: 0.01, Unit: unit.Ratio}
		base.Value, base.Noise, base.Unit = one.Times(base.Value).Value, base.Noise*one.Value, unit.Ratio
		return base, true
	}
	return base, before == after
}

// alone is the outcome of a comparison without another side.
func (c court) alone(m Metric, found measured, record Measurement) (Outcome, string) {
	value := fmt.Sprintf("%s is %s (%s)", found.name(m), found.value, found.place())
	if c.Baseline == nil {
		return Passed, value + "; no baseline: there is nothing to compare with yet"
	}
	if i := slices.IndexFunc(c.Baseline.Measurements, record.same); i >= 0 {
		other := c.Baseline.Measurements[i]
		return Warned, fmt.Sprintf("%s, %s, and %s recorded %s, %s; the next image is compared with this one", value, dimension(found.value.Unit),
			c.Baseline.name(), unit.Quantity{Value: other.Value, Unit: other.Unit}, dimension(other.Unit))
	}
	return Warned, fmt.Sprintf("%s, and %s recorded nothing that it compares with; the next image is compared with this one", value, c.Baseline.name())
}

// name is the reference with its digest cut for people.
func (b *Baseline) name() string {
	const digits = len("sha256:") + 12
	ref, digest, ok := strings.Cut(b.Ref, "@")
	if !ok || len(digest) <= digits {
		return b.Ref
	}
	return ref + "@" + digest[:digits] + "…"
}

// difference is a value beside its baseline.
type difference struct {
	metric Metric
	check  Check
	higher bool // more is better
	now    measured
	base   Measurement
	ref    string
	noise  float64 // what noise explains; 0: not known
}

// judge fills in the outcome.
func (d difference) judge(r *Result) {
	tolerance, slack := *d.metric.tolerance(d.check), unit.Quantity{Unit: d.now.value.Unit}
	if d.metric.Slack != nil {
		slack = *d.metric.Slack
	}
	if tolerance.Unit == unit.Ratio {
		tolerance = d.quantity(math.Abs(d.base.Value) * tolerance.Value)
	}
	for _, q := range []unit.Quantity{tolerance, slack} {
		if !comparable(q.Unit, d.now.value.Unit) {
			r.Reason = fmt.Sprintf("%s is %s, %s, but it may differ by %s, %s; a tolerance in percent, or like the value, would have been applied",
				d.now.name(d.metric), d.now.value, dimension(d.now.value.Unit), q.Precise(), dimension(q.Unit))
			return
		}
	}
	allowed := max(tolerance.Value, slack.Value)
	if far := max(allowed, d.noise); !d.bound(far).limit.Finite() || !d.bound(-far).limit.Finite() {
		r.Reason = fmt.Sprintf("%s is %s, which does not compare with the %s of %s: the difference is out of range; a number that a report can mean would have been compared",
			d.now.name(d.metric), d.now.value, d.quantity(d.base.Value), d.ref)
		return
	}
	if d.check == CheckImprovement {
		d.improved(r, allowed)
		return
	}
	d.regressed(r, allowed)
}

func (d difference) regressed(r *Result, allowed float64) {
	certain, likely := d.bound(-max(allowed, d.noise)), d.bound(-allowed)
	r.Limit = certain.result()
	value, noise, wish := d.now.value.Value, "", certain.wish()
	if d.noise > allowed {
		noise = fmt.Sprintf(" and more than the %s that noise explains", d.quantity(d.noise))
		wish = bound{op: certain.op, limit: *loose(certain.limit, !d.higher)}.wish() // an estimate needs no twelve digits
	}
	switch {
	case !certain.holds(value):
		r.Outcome = Refused
		r.Reason = fmt.Sprintf("%s, more than the allowed %s%s (%s); %s", d.sentence(certain), d.allowed(), noise, d.now.place(), wish)
	case !likely.holds(value):
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("%s, more than the allowed %s, but the noise of the measurements explains up to %s (%s); %s without a warning",
			d.sentence(likely), d.allowed(), d.quantity(d.noise), d.now.place(), likely.wish())
	default:
		r.Outcome = Passed
		r.Reason = fmt.Sprintf("%s, within the allowed %s (%s)", d.sentence(likely), d.allowed(), d.now.place())
	}
}

func (d difference) improved(r *Result, demanded float64) {
	least := d.bound(demanded)
	r.Limit = least.result()
	value := d.now.value.Value
	switch {
	case !least.holds(value):
		r.Outcome = Refused
		r.Reason = fmt.Sprintf("%s, less than the demanded improvement of %s (%s); %s", d.sentence(least), d.allowed(), d.now.place(), least.wish())
	case math.Abs(value-d.base.Value) < d.noise:
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("%s, but the noise of the measurements explains up to %s (%s); more measurements would have told",
			d.sentence(least), d.quantity(d.noise), d.now.place())
	default:
		r.Outcome = Passed
		r.Reason = fmt.Sprintf("%s, at least the demanded improvement of %s (%s)", d.sentence(least), d.allowed(), d.now.place())
	}
}

// bound is the baseline moved by so much in the good direction, to the digits that
// people read where that refuses no more: 0.8 and 10 % make 0.88, and not what
// binary fractions add to it.
func (d difference) bound(better float64) bound {
	b := bound{op: "<=", limit: d.quantity(d.base.Value - better)}
	if d.higher {
		b = bound{op: ">=", limit: d.quantity(d.base.Value + better)}
	}
	const digits = 12 // of a sum of numbers that have 15
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(b.limit.Value, 'g', digits, 64), 64)
	if err == nil && rounded != b.limit.Value && d.higher == (rounded < b.limit.Value) {
		b.limit.Value = rounded
	}
	return b
}

// comparable reports whether two numbers are of one dimension; a report that
// does not say so may still hold a ratio.
func comparable(a, b unit.Unit) bool {
	plain := func(u unit.Unit) bool { return u == unit.None || u == unit.Ratio }
	return a == b || (plain(a) && plain(b))
}

func (d difference) quantity(v float64) unit.Quantity {
	return unit.Quantity{Value: v, Unit: d.now.value.Unit}
}

// allowed prints the tolerance, and the slack where there is one.
func (d difference) allowed() string {
	text := percent(*d.metric.tolerance(d.check))
	if d.metric.Slack != nil {
		text += " and slack of " + d.metric.Slack.Precise()
	}
	return text
}

// sentence says how the value stands to its baseline, in digits enough for the
// bound that decided.
func (d difference) sentence(b bound) string {
	value, base, shown := d.now.value.Value, d.base.Value, b.show(d.now.value)
	text := unit.Quantity.String
	if shown != d.now.value.String() {
		text = unit.Quantity.Precise
	}
	how := "as good as"
	if value != base {
		how = "worse than"
		if (value > base) == d.higher {
			how = "better than"
		}
		by := text(d.quantity(math.Abs(value - base)))
		if base != 0 {
			by = text(unit.Quantity{Value: math.Abs(value-base) / math.Abs(base) * 100}) + "%"
		}
		how = by + " " + how
	}
	return fmt.Sprintf("%s is %s, %s the %s of %s", d.now.name(d.metric), shown, how, d.quantity(base), d.ref)
}
