package rule

import (
	"errors"
	"fmt"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// ErrAbsent is in the chain of an error about a value that nobody has. Facts
// return it, wrapped or not; Evaluate returns it when the rule needed the value.
var ErrAbsent = errors.New("no value")

// Facts are what a rule may read. Its functions are called from Evaluate only,
// at most once for each name, and only for names that the rule needs.
type Facts struct {
	// Metric returns a metric of this run, of unit.None when its report does
	// not say in what it counts. The name is as the rule writes it; it may end
	// in a statistic, such as latency_p95. An error that wraps ErrAbsent says
	// that no report has it; any other, that it is ambiguous, invalid or stale,
	// which fails the rule. Nil means that there are no metrics.
	Metric func(name string) (unit.Quantity, error)
	// Baseline is the same for what the channel's image recorded about itself.
	Baseline func(name string) (unit.Quantity, error)

	Size, BaselineSize Size
	Tests              Tests
}

// Size is one image's size in bytes; a number that is not positive is not known.
type Size struct {
	Compressed int64
	Unpacked   int64
}

// Tests counts the tests of all reports.
type Tests struct {
	Total, Failed int
}

// Outcome is what an evaluation found.
type Outcome struct {
	Holds bool // false whenever Evaluate returns an error
	// Read are the values that were looked up and found, and Absent the names
	// of those that nobody has, each in the order of its first use, once.
	Read   []Reading
	Absent []string
}

// Reading is a value that the rule was given.
type Reading struct {
	Name  string // as a rule writes it: metrics.accuracy, metrics["a,b"], size.growth
	Value unit.Quantity
}

// Evaluate holds the rule against facts. It does no I/O and knows no clock:
// equal facts give equal outcomes.
//
// An error means that the rule does not hold, and why: a value that it needed
// is absent (ErrAbsent), a value that it read is not to be trusted, a calculation
// had no finite result, or two values met whose dimensions do not go together (an
// *Error with the place). The outcome then has what was read so far.
func (r *Rule) Evaluate(f Facts) (Outcome, error) {
	run := &run{sealed: factsVariable, facts: r.facts, operations: r.operations, given: f, seen: make([]seen, len(r.facts))}
	result, _, err := r.program.Eval(map[string]any{factsVariable: run})
	outcome := Outcome{Read: run.readings, Absent: run.absent}
	if run.failed != nil {
		return outcome, run.failed
	}
	if missing := (*absentError)(nil); errors.As(err, &missing) {
		return outcome, hint.Wrap(missing, "has("+missing.name+") tells whether there is one")
	}
	if err != nil {
		return outcome, fmt.Errorf("evaluating the rule: %w", err)
	}
	holds, ok := result.Value().(bool)
	if !ok {
		return outcome, fmt.Errorf("evaluating the rule: the result is %v, neither true nor false", result.Value())
	}
	outcome.Holds = holds
	return outcome, nil
}

// absentError says that a value was needed that nobody has.
type absentError struct {
	name string
	err  error // wraps ErrAbsent
}

func (e *absentError) Error() string { return e.name + " is absent: " + e.err.Error() }
func (e *absentError) Unwrap() error { return e.err }

// absence is ErrAbsent in better words.
type absence string

func (a absence) Error() string        { return string(a) }
func (a absence) Is(target error) bool { return target == ErrAbsent }

// run is one evaluation. The expression gets it as its only variable.
type run struct {
	sealed
	facts      []fact
	operations []operation
	given      Facts
	seen       []seen // by the index of the fact

	readings []Reading
	absent   []string
	failed   error // the first that no || or && may hide
}

// seen is a fact that was looked up.
type seen struct {
	done  bool
	value unit.Quantity
	err   error
}

// read returns a fact's value, an *absentError, or the error that failed the run.
func (r *run) read(index int) (unit.Quantity, error) {
	s := &r.seen[index]
	if !s.done {
		s.value, s.err = r.look(r.facts[index])
		s.done = true
	}
	return s.value, s.err
}

// has tells whether somebody has the fact.
func (r *run) has(index int) (bool, error) {
	_, err := r.read(index)
	if missing := (*absentError)(nil); errors.As(err, &missing) {
		return false, nil
	}
	return err == nil, err
}

// fail records the first error that the whole rule must fail with.
func (r *run) fail(err error) error {
	if r.failed == nil {
		r.failed = err
	}
	return err
}

func (r *run) look(f fact) (unit.Quantity, error) {
	name := f.String()
	value, err := r.given.find(f)
	switch {
	case errors.Is(err, ErrAbsent):
		r.absent = append(r.absent, name)
		return unit.Quantity{}, &absentError{name, err}
	case err != nil:
		return unit.Quantity{}, r.fail(fmt.Errorf("reading %s: %w", name, err))
	case !value.Finite():
		return unit.Quantity{}, r.fail(fmt.Errorf("reading %s: %v is not a finite number", name, value.Value))
	case !knownUnit(value.Unit):
		return unit.Quantity{}, r.fail(fmt.Errorf("reading %s: unknown unit %q", name, string(value.Unit)))
	}
	r.readings = append(r.readings, Reading{name, value})
	return value, nil
}

// find looks a fact up in what the caller gave.
func (f Facts) find(wanted fact) (unit.Quantity, error) {
	var value float64
	var err error
	switch wanted.group {
	case inMetrics:
		return call(f.Metric, wanted.name, "there are no metrics")
	case inBaselineMetrics:
		return call(f.Baseline, wanted.name, "there is no baseline")
	case inSize:
		if wanted.name == growth {
			value, err = f.growth()
		} else {
			value, err = f.Size.find(wanted.name, "the image's size is not known")
		}
	case inBaselineSize:
		value, err = f.BaselineSize.find(wanted.name, "the baseline's size is not known")
	case inTests:
		value = float64(f.Tests.Failed)
		if wanted.name == total {
			value = float64(f.Tests.Total)
		}
	default:
		err = fmt.Errorf("unknown group %q", wanted.group)
	}
	u, _ := wanted.unit()
	return unit.Quantity{Value: value, Unit: u}, err
}

func call(lookup func(string) (unit.Quantity, error), name, none string) (unit.Quantity, error) {
	if lookup == nil {
		return unit.Quantity{}, absence(none)
	}
	return lookup(name)
}

func (s Size) find(name, none string) (float64, error) {
	size := s.Compressed
	if name == unpacked {
		size = s.Unpacked
	}
	if size <= 0 {
		return 0, absence(none)
	}
	return float64(size), nil
}

// growth subtracts before it divides, so that 1.1 GB against 1 GB is 0.1 and
// not a bit more.
func (f Facts) growth() (float64, error) {
	now, before := f.Size.Compressed, f.BaselineSize.Compressed
	switch {
	case now <= 0:
		return 0, absence("the image's size is not known")
	case before <= 0:
		return 0, absence("there is no baseline to compare the size with")
	}
	return float64(now-before) / float64(before), nil
}
