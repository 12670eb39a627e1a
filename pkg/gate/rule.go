package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// rule holds the evidence against an expression, and returns what the
// expression compares with the baseline. Before there is a baseline an image is
// compared with itself, so that a first one can ship.
func (c court) rule(r Rule) (Result, []Measurement) {
	out := Result{Name: r.Name, Check: CheckRule, Rule: r.Expression.String(), Required: true, Outcome: Refused}
	facts := rule.Facts{
		Metric: c.fact, Baseline: c.baselineFact, Tests: rule.Tests{},
		Size: rule.Size{Compressed: c.Size.Compressed, Unpacked: c.Size.Unpacked},
	}
	facts.BaselineSize = facts.Size
	if c.Baseline != nil {
		facts.BaselineSize = rule.Size{Compressed: c.Baseline.Compressed}
	}
	for _, report := range c.Reports {
		facts.Tests.Total += report.Tests
		facts.Tests.Failed += len(report.Failures)
	}
	outcome, err := r.Expression.Evaluate(facts)
	var read []string
	for _, fact := range outcome.Read {
		read = append(read, fmt.Sprintf("%s is %s", fact.Name, fact.Value))
	}
	with := ""
	if len(read) > 0 {
		with = " (" + list(read) + ")"
	}
	switch {
	case err != nil:
		problem := strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; ")
		out.Reason = fmt.Sprintf("the rule %s cannot be evaluated: %s; a rule that holds would have passed", r.Name, problem)
	case outcome.Holds:
		out.Outcome, out.Reason = Passed, fmt.Sprintf("%s holds%s", out.Rule, with)
	default:
		out.Reason = fmt.Sprintf("%s does not hold%s; numbers for which it holds would have passed", out.Rule, with)
	}
	if out.Outcome == Refused && r.Warning {
		out.Outcome = Warned
	}
	var record []Measurement
	for _, name := range r.Expression.Uses().Baseline {
		if found, refused := c.named(name); refused == nil {
			record = append(record, Measurement{Name: name, Value: found.value.Value, Unit: found.value.Unit, Samples: found.samples, Noise: found.noise})
		}
	}
	return out, record
}

// named measures what an expression calls name: a metric, or a metric with the
// statistic that ends the name.
func (c court) named(name string) (measured, *refusal) {
	if at := strings.LastIndexByte(name, '_'); at > 0 && len(c.names.names[name]) == 0 {
		if stat, err := testreport.ParseStat(name[at+1:]); err == nil {
			return c.measure(Metric{Name: name[:at], Stat: stat}, want{})
		}
	}
	return c.measure(Metric{Name: name}, want{})
}

// absent says where a value was looked for that nobody has.
type absent string

func (a absent) Error() string { return string(a) }
func (a absent) Unwrap() error { return rule.ErrAbsent }

func (c court) fact(name string) (unit.Quantity, error) {
	found, refused := c.named(name)
	switch {
	case refused == nil:
		return found.value, nil
	case refused.absent:
		return unit.Quantity{}, absent(refused.problem)
	}
	return unit.Quantity{}, errors.New(refused.problem)
}

func (c court) baselineFact(name string) (unit.Quantity, error) {
	if c.Baseline == nil {
		return c.fact(name)
	}
	var names []string
	var best *Measurement
	now, refused := c.named(name)
	for i, m := range c.Baseline.Measurements {
		called := m.Name
		if m.Stat != "" {
			called += "_" + m.Stat
		}
		if len(m.Where) > 0 || m.Report != "" || m.Pointer != "" {
			continue
		}
		// A gate that was told a unit records the same in another dimension.
		if called == name && (best == nil || refused == nil && comparable(m.Unit, now.value.Unit) && !comparable(best.Unit, now.value.Unit)) {
			best = &c.Baseline.Measurements[i]
		}
		names = append(names, called)
	}
	if best != nil {
		return unit.Quantity{Value: best.Value, Unit: best.Unit}, nil
	}
	return unit.Quantity{}, absent(fmt.Sprintf("%s recorded no %s%s", c.Baseline.name(), short(name), didYouMean(name, names)))
}
