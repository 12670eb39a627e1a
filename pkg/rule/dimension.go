package rule

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/common/operators"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// Where the number beside an operator comes from, if it is neither a fact, which
// has its group here, nor the result of another operator, which has "".
const (
	literal = "literal"  // 100
	written = "quantity" // quantity("100ms")
)

const products = "a time or a size is multiplied and divided by plain numbers only, or divided by its like"

// side is a number that stands beside an operator, as sentences tell of it.
type side struct {
	name    string // as it is written, or else which side it is
	origin  string // literal, written, a fact's group, or ""
	unit    unit.Unit
	settled bool   // the unit is known before the rule runs, as that of a metric is not
	value   string // printed; "" before the rule runs
}

// operation is an operator between two numbers.
type operation struct {
	operator    string // CEL's name of it
	left, right side
	at          *Error // its place, without a message
}

// knownUnit is true for the units that the language has.
func knownUnit(u unit.Unit) bool { return dimensionless(u) || u == unit.Seconds || u == unit.Bytes }

func dimensionless(u unit.Unit) bool { return u == unit.None || u == unit.Ratio }

// multiplies is true for the operators that take two dimensions.
func multiplies(operator string) bool {
	return operator == operators.Multiply || operator == operators.Divide
}

// combine returns the unit of what an operator calculates, and whether it may
// stand between two such numbers. Of a comparison only the latter means anything.
func combine(operator string, a, b unit.Unit) (unit.Unit, bool) {
	switch {
	case multiplies(operator) && dimensionless(b):
		return a, true
	case operator == operators.Multiply:
		return b, dimensionless(a)
	case operator == operators.Divide:
		return unit.Ratio, a == b
	}
	return a, a == b || dimensionless(a) && dimensionless(b)
}

// outcome returns what is known of the result before the rule runs: where one
// side of a sum is a time, the other can only be one too.
func (o operation) outcome() (result side, ok bool) {
	switch {
	case o.left.settled && o.right.settled:
		u, ok := combine(o.operator, o.left.unit, o.right.unit)
		return side{unit: u, settled: true}, ok
	case multiplies(o.operator) || o.operator == operators.Conditional:
		return side{}, true
	case o.left.settled:
		return side{unit: o.left.unit, settled: true}, true
	}
	return side{unit: o.right.unit, settled: o.right.settled}, true
}

// units returns the result's unit for two values, or an *Error with a hint.
func (o operation) units(a, b unit.Quantity) (unit.Unit, error) {
	u, ok := combine(o.operator, a.Unit, b.Unit)
	if ok {
		return u, nil
	}
	o.left.unit, o.left.value = a.Unit, a.String()
	o.right.unit, o.right.value = b.Unit, b.String()
	return "", o.at.wrap(o.mismatch())
}

// mismatch says that the two sides are of different dimensions. The sentence is
// about the side that the other is measured by, or that lacks a unit.
func (o operation) mismatch() error {
	subject, object, does := o.left, o.right, o.verb(false)
	if !multiplies(o.operator) && (subject.origin == literal || object.unitless()) {
		subject, object, does = object, subject, o.verb(true)
	}
	if subject.unitless() {
		from := "report"
		if subject.origin == inBaselineMetrics {
			from = "record"
		}
		err := fmt.Errorf("%s (%s) is a plain number; its %s names no unit, so it cannot be %s %s", subject.name, subject.value, from, does, object.object())
		return hint.Wrap(err, "say the unit in the report, or limit the metric by a gates.metrics entry that has a unit")
	}
	err := errors.New(subject.subject() + ", " + does + " " + object.object())
	switch {
	case multiplies(o.operator):
		return hint.Wrap(err, products)
	case object.origin == literal:
		return hint.Wrap(err, withUnit(object.name, subject.unit))
	}
	return err
}

// verb is what the operator does to its left side with the right one, or the
// other way round.
func (o operation) verb(reversed bool) string {
	switch o.operator {
	case operators.Add:
		return "added to"
	case operators.Subtract:
		if reversed {
			return "subtracted from"
		}
		return "reduced by"
	case operators.Multiply:
		return "multiplied by"
	case operators.Divide:
		return "divided by"
	case operators.Conditional:
		return "an alternative to"
	}
	return "compared with"
}

// unitless is true for a metric that came without a unit, once its value is known.
func (s side) unitless() bool {
	return s.value != "" && s.unit == unit.None && (s.origin == inMetrics || s.origin == inBaselineMetrics)
}

func (s side) subject() string { return s.name + " is " + s.dimension() }

func (s side) object() string {
	if s.origin == literal {
		return "the plain number " + s.name
	}
	return s.name + ", " + s.dimension()
}

// dimension names the unit, and the value where the name does not show it.
func (s side) dimension() string {
	dimension := "a plain number"
	switch s.unit {
	case unit.None:
	case unit.Seconds:
		dimension = "a time"
	case unit.Bytes:
		dimension = "a size"
	case unit.Ratio:
		dimension = "a ratio"
	}
	if s.value == "" || s.origin == literal || s.origin == written {
		return dimension
	}
	return dimension + " (" + s.value + ")"
}

// withUnit is the advice to give a number one of the units of a dimension. It
// names more than one, for only the author knows which was meant.
func withUnit(number string, of unit.Unit) string {
	switch {
	case number == "0":
		return fmt.Sprintf("write quantity(\"0%s\")", of)
	case of == unit.Bytes:
		return fmt.Sprintf("write quantity(\"%[1]sMB\"), quantity(\"%[1]sGB\") or quantity(\"%[1]sB\"), whichever is meant", number)
	}
	return fmt.Sprintf("write quantity(\"%[1]sms\") or quantity(\"%[1]ss\"), whichever is meant", number)
}
