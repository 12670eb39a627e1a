package rule

import (
	"fmt"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/org/ai-ship/pkg/unit"
)

const (
	quantityFunction = "quantity" // of a number and its unit once it is lowered
	hasFunction      = "has"
	// Users cannot name these: lower lets only known names through.
	readFunction      = "read"
	compareFunction   = "compare"
	calculateFunction = "calculate"
	factsVariable     = "facts"
)

// language returns the environment that parses, checks and plans rules. It has
// nothing of CEL's library: two types, no macros, and the functions below.
func language() (*cel.Env, error) {
	facts, amount := sealed(factsVariable).cel(), sealed(quantityFunction).cel()
	lookup := []*cel.Type{facts, cel.IntType}
	operation := []*cel.Type{facts, cel.IntType, amount, amount}
	flag := cel.BoolType
	param := cel.TypeParamType("T")
	return cel.NewCustomEnv(
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserExpressionSizeLimit(maxText),
		cel.Variable(factsVariable, facts),
		cel.Function(readFunction, cel.Overload("read_fact", lookup, amount, cel.BinaryBinding(readFact))),
		cel.Function(hasFunction, cel.Overload("has_fact", lookup, flag, cel.BinaryBinding(hasFact))),
		cel.Function(quantityFunction, cel.Overload("constant", []*cel.Type{cel.DoubleType, cel.StringType}, amount, cel.BinaryBinding(constant))),
		cel.Function(compareFunction, cel.Overload("compare_numbers", operation, flag, cel.FunctionBinding(compare))),
		cel.Function(calculateFunction, cel.Overload("calculate_number", operation, amount, cel.FunctionBinding(calculate))),
		cel.Function(operators.Negate, cel.Overload("negate", []*cel.Type{amount}, amount, cel.UnaryBinding(negate))),
		cel.Function(operators.LogicalAnd, cel.Overload("and", []*cel.Type{flag, flag}, flag)),
		cel.Function(operators.LogicalOr, cel.Overload("or", []*cel.Type{flag, flag}, flag)),
		cel.Function(operators.LogicalNot, cel.Overload("not", []*cel.Type{flag}, flag, cel.UnaryBinding(not))),
		cel.Function(operators.Conditional, cel.Overload("choose", []*cel.Type{flag, param, param}, param)),
		cel.Function(operators.Equals, cel.Overload("equal", []*cel.Type{flag, flag}, flag)),
		cel.Function(operators.NotEquals, cel.Overload("not_equal", []*cel.Type{flag, flag}, flag)),
	)
}

// amount is a number of a rule, with its unit.
type amount struct {
	sealed
	quantity unit.Quantity
}

func newAmount(q unit.Quantity) ref.Val { return amount{quantityFunction, q} }

func readFact(facts, index ref.Val) ref.Val {
	value, err := facts.(*run).read(int(index.(types.Int)))
	if err != nil {
		return types.WrapErr(err)
	}
	return newAmount(value)
}

func hasFact(facts, index ref.Val) ref.Val {
	found, err := facts.(*run).has(int(index.(types.Int)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(found)
}

func constant(value, name ref.Val) ref.Val {
	return newAmount(unit.Quantity{Value: float64(value.(types.Double)), Unit: unit.Unit(name.(types.String))})
}

func not(v ref.Val) ref.Val { return !v.(types.Bool) }

func negate(v ref.Val) ref.Val {
	a := v.(amount)
	a.quantity.Value = -a.quantity.Value
	return a
}

// operands takes apart what compare and calculate are given, and returns the
// unit of the result. An error is about the dimensions and has failed the whole
// evaluation.
func operands(args []ref.Val) (o operation, a, b unit.Quantity, of unit.Unit, err error) {
	r := args[0].(*run)
	o = r.operations[args[1].(types.Int)]
	a, b = args[2].(amount).quantity, args[3].(amount).quantity
	if of, err = o.units(a, b); err != nil {
		err = r.fail(err)
	}
	return o, a, b, of, err
}

func compare(args ...ref.Val) ref.Val {
	o, a, b, _, err := operands(args)
	if err != nil {
		return types.WrapErr(err)
	}
	switch o.operator {
	case operators.Less:
		return types.Bool(a.Value < b.Value)
	case operators.LessEquals:
		return types.Bool(a.Value <= b.Value)
	case operators.Greater:
		return types.Bool(a.Value > b.Value)
	case operators.GreaterEquals:
		return types.Bool(a.Value >= b.Value)
	case operators.Equals:
		return types.Bool(a.Value == b.Value)
	}
	return types.Bool(a.Value != b.Value)
}

// calculate works on finite numbers; a result that is not finite fails the
// whole evaluation.
func calculate(args ...ref.Val) ref.Val {
	o, a, b, of, err := operands(args)
	if err != nil {
		return types.WrapErr(err)
	}
	result := unit.Quantity{Unit: of}
	switch o.operator {
	case operators.Add:
		result.Value = a.Value + b.Value
	case operators.Subtract:
		result.Value = a.Value - b.Value
	case operators.Multiply:
		result.Value = a.Value * b.Value
	case operators.Divide:
		result.Value = a.Value / b.Value
	}
	if !result.Finite() {
		symbol, _ := operators.FindReverse(o.operator)
		err := fmt.Errorf("%s %s %s is not a finite number", a.Precise(), symbol, b.Precise())
		return types.WrapErr(args[0].(*run).fail(err))
	}
	return newAmount(result)
}

// sealed makes what embeds it a CEL value, of the type that it names, which
// functions of this package can read and nothing else.
type sealed string

func (s sealed) cel() *cel.Type { return cel.OpaqueType(string(s)) }

// Type is the method of ref.Val.
func (s sealed) Type() ref.Type { return s.cel() }

// Value is the method of ref.Val.
func (s sealed) Value() any { return string(s) }

// Equal is the method of ref.Val.
func (s sealed) Equal(ref.Val) ref.Val { return types.NewErr("%s compare by their units", string(s)) }

// ConvertToType is the method of ref.Val.
func (s sealed) ConvertToType(to ref.Type) ref.Val {
	return types.NewErr("%s is no %s", string(s), to.TypeName())
}

// ConvertToNative is the method of ref.Val.
func (s sealed) ConvertToNative(to reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s is no %v", string(s), to)
}
