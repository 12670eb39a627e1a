package rule

import (
	"fmt"
	"math"
	"slices"

	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// kind is one of the language's two types.
type kind string

const (
	number  kind = "a number"
	boolean kind = "true or false"
)

const functions = `known functions are has(metrics.accuracy) and quantity("100ms"); metrics are read one by one, by name`

// lowering checks a parsed rule and rewrites it for evaluation: a value becomes
// read(facts, i), a test for it has(facts, i), a quantity its number, every
// whole number a floating-point one, and arithmetic is given the facts too, so
// that it can fail them. What the language does not have, it refuses.
type lowering struct {
	text   string
	source *celast.SourceInfo
	build  celast.ExprFactory
	nextID int64
	facts  []fact
}

// lower rewrites tree in place and returns the values that it names, each once,
// in order.
func lower(text string, tree *celast.AST) ([]fact, error) {
	l := &lowering{text: text, source: tree.SourceInfo(), build: celast.NewExprFactory(), nextID: celast.MaxID(tree)}
	root := tree.Expr()
	lowered, is, err := l.expression(root)
	if err != nil {
		return nil, err
	}
	if is != boolean {
		return nil, l.errorf(start(root), "the rule is a number; expected true or false, such as a comparison: metrics.accuracy >= 0.95")
	}
	root.SetKindCase(lowered)
	return l.facts, nil
}

func (l *lowering) expression(e celast.Expr) (celast.Expr, kind, error) {
	switch e.Kind() {
	case celast.LiteralKind:
		return l.literal(e)
	case celast.IdentKind, celast.SelectKind:
		return l.value(e)
	case celast.CallKind:
		return l.call(e)
	}
	return nil, "", l.errorf(e, "lists, maps and objects are not part of a rule; expected a number or a comparison")
}

func (l *lowering) literal(e celast.Expr) (celast.Expr, kind, error) {
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		return e, boolean, nil
	case types.Int:
		return l.build.NewLiteral(e.ID(), types.Double(v)), number, nil
	case types.Double:
		if f := float64(v); math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, "", l.errorf(e, "this number is too large")
		}
		return e, number, nil
	case types.String:
		err := l.errorf(e, "the text %.40q stands alone; a text is a metric's name, as in metrics[\"gpu-memory\"], or a quantity", string(v))
		return nil, "", hint.Wrap(err, `a number is written without quotes, a number with a unit quantity("100ms")`)
	}
	return nil, "", l.errorf(e, "this constant is not part of a rule; expected a number, true or false")
}

// value lowers a path such as metrics.accuracy.
func (l *lowering) value(e celast.Expr) (celast.Expr, kind, error) {
	index, err := l.fact(e)
	if err != nil {
		return nil, "", err
	}
	return l.build.NewCall(e.ID(), readFunction, l.theFacts(), l.index(index)), number, nil
}

// fact returns the index of the value that a path means, adding it when new.
func (l *lowering) fact(e celast.Expr) (int, error) {
	steps, err := l.path(e)
	if err != nil {
		return 0, err
	}
	return l.add(steps)
}

func (l *lowering) add(steps []step) (int, error) {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.name
	}
	f, wrong, err := resolve(names)
	if err != nil {
		return 0, l.place(steps[wrong].at, err)
	}
	index := slices.Index(l.facts, f)
	if index < 0 {
		index = len(l.facts)
		l.facts = append(l.facts, f)
	}
	return index, nil
}

// step is one name of a path.
type step struct {
	name string
	at   celast.Expr
}

// path takes a.b["c"] apart.
func (l *lowering) path(e celast.Expr) ([]step, error) {
	switch e.Kind() {
	case celast.IdentKind:
		return []step{{e.AsIdent(), e}}, nil
	case celast.SelectKind:
		steps, err := l.path(e.AsSelect().Operand())
		return append(steps, step{e.AsSelect().FieldName(), e}), err
	case celast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index && !call.IsMemberFunction() {
			steps, err := l.path(call.Args()[0])
			if err != nil {
				return nil, err
			}
			name, ok := text(call.Args()[1])
			if !ok {
				return nil, l.errorf(call.Args()[1], `expected a metric's name in quotes, as in metrics["gpu-memory"]; names are written out, never computed`)
			}
			return append(steps, step{name, call.Args()[1]}), nil
		}
	}
	return nil, l.errorf(e, "expected the name of a value, such as metrics.accuracy")
}

// text returns the string that e is.
func text(e celast.Expr) (string, bool) {
	if e.Kind() != celast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// call lowers everything with operands.
func (l *lowering) call(e celast.Expr) (celast.Expr, kind, error) {
	call := e.AsCall()
	name, args := call.FunctionName(), call.Args()
	switch {
	case call.IsMemberFunction():
		return nil, "", hint.Wrap(l.errorf(e, "%q is not a function of rules", name), functions)
	case name == operators.Index:
		return l.value(e)
	case name == operators.In:
		return l.in(e, args)
	case name == operators.Conditional:
		return l.conditional(e, args)
	case name == hasFunction && len(args) == 1:
		index, err := l.fact(args[0])
		return l.has(e, index), boolean, err
	case name == quantityFunction && len(args) == 1:
		return l.quantity(e, args[0])
	case name == hasFunction, name == quantityFunction:
		return nil, "", l.errorf(e, "%s takes one operand, not %d", name, len(args))
	}
	if operands, result, ok := signature(name); ok {
		return l.operator(e, operands, result)
	}
	if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
		return nil, "", hint.Wrap(l.errorf(e, "%q is not an operator of rules", symbol), advice)
	}
	return nil, "", hint.Wrap(l.errorf(e, "%q is not a function of rules", name), functions)
}

// in lowers "accuracy" in metrics, which means has(metrics.accuracy).
func (l *lowering) in(e celast.Expr, args []celast.Expr) (celast.Expr, kind, error) {
	name, ok := text(args[0])
	if !ok {
		return nil, "", l.errorf(args[0], `expected a metric's name in quotes, as in "accuracy" in metrics`)
	}
	steps, err := l.path(args[1])
	if err != nil {
		return nil, "", err
	}
	index, err := l.add(append(steps, step{name, args[0]}))
	return l.has(e, index), boolean, err
}

func (l *lowering) has(e celast.Expr, index int) celast.Expr {
	return l.build.NewCall(e.ID(), hasFunction, l.theFacts(), l.index(index))
}

func (l *lowering) quantity(e, operand celast.Expr) (celast.Expr, kind, error) {
	s, ok := text(operand)
	if !ok {
		return nil, "", l.errorf(operand, `expected a number with its unit in quotes, as in quantity("100ms")`)
	}
	q, err := unit.Parse(s)
	if err != nil {
		return nil, "", l.place(operand, err)
	}
	return l.build.NewLiteral(e.ID(), types.Double(q.Value)), number, nil
}

func (l *lowering) conditional(e celast.Expr, args []celast.Expr) (celast.Expr, kind, error) {
	condition, err := l.operand(args[0], boolean, "what stands before ?")
	if err != nil {
		return nil, "", err
	}
	yes, is, err := l.expression(args[1])
	if err != nil {
		return nil, "", err
	}
	no, err := l.operand(args[2], is, "what follows :")
	return l.build.NewCall(e.ID(), operators.Conditional, condition, yes, no), is, err
}

// signature returns what an operator takes on each side, "" for two of one
// kind, and what it gives.
func signature(operator string) (operands, result kind, ok bool) {
	switch operator {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		return boolean, boolean, true
	case operators.Equals, operators.NotEquals:
		return "", boolean, true
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return number, boolean, true
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Negate:
		return number, number, true
	}
	return "", "", false
}

func (l *lowering) operator(e celast.Expr, operands, result kind) (celast.Expr, kind, error) {
	name := e.AsCall().FunctionName()
	symbol, _ := operators.FindReverse(name)
	var lowered []celast.Expr
	for i, arg := range e.AsCall().Args() {
		side := fmt.Sprintf("the %s side of %s", [...]string{"left", "right"}[i], symbol)
		if len(e.AsCall().Args()) == 1 {
			side = "what follows " + symbol
		}
		if operands == "" { // the left side of == decides
			first, is, err := l.expression(arg)
			if err != nil {
				return nil, "", err
			}
			operands, lowered = is, append(lowered, first)
			continue
		}
		operand, err := l.operand(arg, operands, side)
		if err != nil {
			return nil, "", err
		}
		lowered = append(lowered, operand)
	}
	if result == number && len(lowered) == 2 {
		lowered = append([]celast.Expr{l.theFacts()}, lowered...)
	}
	return l.build.NewCall(e.ID(), name, lowered...), result, nil
}

// operand lowers e, which must be of one kind; place says where it stands.
func (l *lowering) operand(e celast.Expr, want kind, place string) (celast.Expr, error) {
	lowered, is, err := l.expression(e)
	if err != nil || is == want {
		return lowered, err
	}
	err = l.errorf(start(e), "%s is %s; expected %s", place, is, want)
	if want == number {
		if e.Kind() == celast.CallKind {
			err = hint.Wrap(err, "two comparisons are joined with &&: 0.1 < metrics.a && metrics.a < 0.2")
		}
		return nil, err
	}
	return nil, hint.Wrap(err, "a number becomes true or false by a comparison: metrics.accuracy >= 0.95")
}

// start returns the part of e that is written first.
func start(e celast.Expr) celast.Expr {
	for {
		switch {
		case e.Kind() == celast.SelectKind:
			e = e.AsSelect().Operand()
		case e.Kind() == celast.CallKind && (len(e.AsCall().Args()) > 1):
			e = e.AsCall().Args()[0] // an operator: no function has two operands
		default:
			return e
		}
	}
}

func (l *lowering) theFacts() celast.Expr { return l.build.NewIdent(l.id(), factsVariable) }

func (l *lowering) index(i int) celast.Expr { return l.build.NewLiteral(l.id(), types.Int(i)) }

func (l *lowering) id() int64 {
	l.nextID++
	return l.nextID
}

func (l *lowering) errorf(e celast.Expr, format string, args ...any) error {
	return l.place(e, fmt.Errorf(format, args...))
}

// place turns err into an *Error at e, keeping its hints.
func (l *lowering) place(e celast.Expr, err error) error {
	at := l.source.GetStartLocation(e.ID())
	line, column := at.Line(), at.Column()
	placed := newError(l.text, line, column, err.Error())
	switch word := wordAt(placed.line, column); {
	case e.Kind() == celast.SelectKind && word == ".":
		placed.Column++ // the name, not its dot
	case e.Kind() == celast.CallKind && word == "(":
		placed.Column = max(1, placed.Column-len(e.AsCall().FunctionName())) // the name, not its parenthesis
	}
	var result error = placed
	for _, advice := range slices.Backward(hint.Of(err)) {
		result = hint.Wrap(result, advice)
	}
	return result
}
