package rule

import (
	"fmt"
	"math"
	"strconv"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

const (
	quantityFunction = "quantity" // a number once it is lowered
	hasFunction      = "has"
	// Users cannot name these two: lower lets only known names through.
	readFunction  = "read"
	factsVariable = "facts"
)

// language returns the environment that parses, checks and plans rules. It has
// nothing of CEL's library: two types, no macros, and the functions below.
func language() (*cel.Env, error) {
	facts := factsType()
	one, two := []*cel.Type{cel.DoubleType}, []*cel.Type{cel.DoubleType, cel.DoubleType}
	lookup := []*cel.Type{facts, cel.IntType}
	flag := cel.BoolType
	param := cel.TypeParamType("T")
	options := []cel.EnvOption{
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserExpressionSizeLimit(maxText),
		cel.Variable(factsVariable, facts),
		cel.Function(readFunction, cel.Overload("read_fact", lookup, cel.DoubleType, cel.BinaryBinding(readFact))),
		cel.Function(hasFunction, cel.Overload("has_fact", lookup, flag, cel.BinaryBinding(hasFact))),
		cel.Function(operators.LogicalAnd, cel.Overload("and", []*cel.Type{flag, flag}, flag)),
		cel.Function(operators.LogicalOr, cel.Overload("or", []*cel.Type{flag, flag}, flag)),
		cel.Function(operators.LogicalNot, cel.Overload("not", []*cel.Type{flag}, flag, cel.UnaryBinding(not))),
		cel.Function(operators.Conditional, cel.Overload("choose", []*cel.Type{flag, param, param}, param)),
		cel.Function(operators.Equals, cel.Overload("equal", []*cel.Type{param, param}, flag)),
		cel.Function(operators.NotEquals, cel.Overload("not_equal", []*cel.Type{param, param}, flag)),
		cel.Function(operators.Negate, cel.Overload("negate", one, cel.DoubleType, cel.UnaryBinding(negate))),
	}
	for _, operator := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		options = append(options, cel.Function(operator,
			cel.Overload("compare"+operator, two, flag, cel.BinaryBinding(comparison(operator)))))
	}
	three := append([]*cel.Type{facts}, two...)
	for _, operator := range []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide} {
		options = append(options, cel.Function(operator,
			cel.Overload("calculate"+operator, three, cel.DoubleType, cel.FunctionBinding(arithmetic(operator)))))
	}
	return cel.NewCustomEnv(options...)
}

func factsType() *cel.Type { return cel.OpaqueType(factsVariable) }

func readFact(facts, index ref.Val) ref.Val {
	value, err := facts.(*run).read(int(index.(types.Int)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Double(value)
}

func hasFact(facts, index ref.Val) ref.Val {
	found, err := facts.(*run).has(int(index.(types.Int)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(found)
}

func not(v ref.Val) ref.Val { return !v.(types.Bool) }

func negate(v ref.Val) ref.Val { return -v.(types.Double) }

func comparison(operator string) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		x, y := a.(types.Double), b.(types.Double)
		switch operator {
		case operators.Less:
			return types.Bool(x < y)
		case operators.LessEquals:
			return types.Bool(x <= y)
		case operators.Greater:
			return types.Bool(x > y)
		}
		return types.Bool(x >= y)
	}
}

// arithmetic calculates on finite numbers; a result that is not finite fails
// the whole evaluation.
func arithmetic(operator string) func(args ...ref.Val) ref.Val {
	symbol, _ := operators.FindReverse(operator)
	return func(args ...ref.Val) ref.Val {
		x, y := float64(args[1].(types.Double)), float64(args[2].(types.Double))
		var z float64
		switch operator {
		case operators.Add:
			z = x + y
		case operators.Subtract:
			z = x - y
		case operators.Multiply:
			z = x * y
		case operators.Divide:
			z = x / y
		}
		if math.IsNaN(z) || math.IsInf(z, 0) {
			err := fmt.Errorf("%s %s %s is not a finite number", decimal(x), symbol, decimal(y))
			return types.WrapErr(args[0].(*run).fail(err))
		}
		return types.Double(z)
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
