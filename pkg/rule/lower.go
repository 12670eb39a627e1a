package rule

import (
	"fmt"
	"slices"
	"strconv"

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
// read(facts, i), a test for it has(facts, i), a number and a quantity
// quantity(0.1, "s"), and an operator between numbers compare(facts, i, a, b) or
// calculate(facts, i, a, b), where i is the index of the operation. What the
// language does not have, it refuses.
type lowering struct {
	text       string
	source     *celast.SourceInfo
	build      celast.ExprFactory
	nextID     int64
	facts      []fact
	operations []operation
}

// term is a part of a rule, lowered.
type term struct {
	expr celast.Expr
	kind kind
	side // of a number
}

// lower rewrites tree in place and returns the values that it names, each once,
// in order, and its operations.
func lower(text string, tree *celast.AST) (*lowering, error) {
	l := &lowering{text: text, source: tree.SourceInfo(), build: celast.NewExprFactory(), nextID: celast.MaxID(tree)}
	root := tree.Expr()
	lowered, err := l.expression(root)
	if err != nil {
		return nil, err
	}
	if lowered.kind != boolean {
		return nil, l.errorf(start(root), "the rule is a number; expected true or false, such as a comparison: metrics.accuracy >= 0.95")
	}
	root.SetKindCase(lowered.expr)
	return l, nil
}

func (l *lowering) expression(e celast.Expr) (term, error) {
	switch e.Kind() {
	case celast.LiteralKind:
		return l.literal(e)
	case celast.IdentKind, celast.SelectKind:
		return l.value(e)
	case celast.CallKind:
		return l.call(e)
	}
	return term{}, l.errorf(e, "lists, maps and objects are not part of a rule; expected a number or a comparison")
}

func (l *lowering) literal(e celast.Expr) (term, error) {
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		return term{expr: e, kind: boolean}, nil
	case types.Int:
		return l.constant(e, unit.Quantity{Value: float64(v)}, ""), nil
	case types.Double:
		q := unit.Quantity{Value: float64(v)}
		if !q.Finite() {
			return term{}, l.errorf(e, "this number is too large")
		}
		return l.constant(e, q, ""), nil
	case types.String:
		err := l.errorf(e, "the text %.40q stands alone; a text is a metric's name, as in metrics[\"gpu-memory\"], or a quantity", string(v))
		return term{}, hint.Wrap(err, `a number is written without quotes, a number with a unit quantity("100ms")`)
	}
	return term{}, l.errorf(e, "this constant is not part of a rule; expected a number, true or false")
}

// constant lowers q; text is what stands in quotes if it has a unit.
func (l *lowering) constant(e celast.Expr, q unit.Quantity, text string) term {
	s := side{name: q.Precise(), origin: literal, unit: q.Unit, settled: true}
	if q.Unit != unit.None {
		s.name, s.origin = quantityFunction+"("+strconv.Quote(text)+")", written
	}
	value, name := l.build.NewLiteral(l.id(), types.Double(q.Value)), l.build.NewLiteral(l.id(), types.String(q.Unit))
	return term{l.build.NewCall(e.ID(), quantityFunction, value, name), number, s}
}

// value lowers a path such as metrics.accuracy.
func (l *lowering) value(e celast.Expr) (term, error) {
	index, err := l.fact(e)
	if err != nil {
		return term{}, err
	}
	f := l.facts[index]
	u, settled := f.unit()
	read := l.build.NewCall(e.ID(), readFunction, l.theFacts(), l.index(index))
	return term{read, number, side{name: f.String(), origin: f.group, unit: u, settled: settled}}, nil
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
func (l *lowering) call(e celast.Expr) (term, error) {
	call := e.AsCall()
	name, args := call.FunctionName(), call.Args()
	switch {
	case call.IsMemberFunction():
		return term{}, hint.Wrap(l.errorf(e, "%q is not a function of rules", name), functions)
	case name == operators.Index:
		return l.value(e)
	case name == operators.In:
		return l.in(e, args)
	case name == operators.Conditional:
		return l.conditional(e, args)
	case name == hasFunction && len(args) == 1:
		index, err := l.fact(args[0])
		return l.has(e, index), err
	case name == quantityFunction && len(args) == 1:
		return l.quantity(e, args[0])
	case name == hasFunction, name == quantityFunction:
		return term{}, l.errorf(e, "%s takes one operand, not %d", name, len(args))
	}
	if operands, result, ok := signature(name); ok {
		return l.operator(e, operands, result)
	}
	if symbol, ok := operators.FindReverse(name); ok && symbol != "" {
		return term{}, hint.Wrap(l.errorf(e, "%q is not an operator of rules", symbol), advice)
	}
	return term{}, hint.Wrap(l.errorf(e, "%q is not a function of rules", name), functions)
}

// in lowers "accuracy" in metrics, which means has(metrics.accuracy).
func (l *lowering) in(e celast.Expr, args []celast.Expr) (term, error) {
	name, ok := text(args[0])
	if !ok {
		return term{}, l.errorf(args[0], `expected a metric's name in quotes, as in "accuracy" in metrics`)
	}
	steps, err := l.path(args[1])
	if err != nil {
		return term{}, err
	}
	index, err := l.add(append(steps, step{name, args[0]}))
	return l.has(e, index), err
}

func (l *lowering) has(e celast.Expr, index int) term {
	return term{expr: l.build.NewCall(e.ID(), hasFunction, l.theFacts(), l.index(index)), kind: boolean}
}

func (l *lowering) quantity(e, operand celast.Expr) (term, error) {
	s, ok := text(operand)
	if !ok {
		return term{}, l.errorf(operand, `expected a number with its unit in quotes, as in quantity("100ms")`)
	}
	q, err := unit.Parse(s)
	if err != nil {
		return term{}, l.place(operand, err)
	}
	return l.constant(e, q, s), nil
}

func (l *lowering) conditional(e celast.Expr, args []celast.Expr) (term, error) {
	condition, err := l.operand(args[0], boolean, "what stands before ?")
	if err != nil {
		return term{}, err
	}
	yes, err := l.expression(args[1])
	if err != nil {
		return term{}, err
	}
	no, err := l.operand(args[2], yes.kind, "what follows :")
	if err != nil {
		return term{}, err
	}
	result := term{expr: l.build.NewCall(e.ID(), operators.Conditional, condition.expr, yes.expr, no.expr), kind: yes.kind}
	if yes.kind == number {
		result.side, err = l.dimension(e, operation{operator: operators.Conditional,
			left: yes.called("what stands before :"), right: no.called("what follows :")})
	}
	return result, err
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

func (l *lowering) operator(e celast.Expr, operands, result kind) (term, error) {
	name := e.AsCall().FunctionName()
	symbol, _ := operators.FindReverse(name)
	sides := []string{"the left side of " + symbol, "the right side of " + symbol}
	if len(e.AsCall().Args()) == 1 {
		sides = []string{"what follows " + symbol}
	}
	var terms []term
	for i, arg := range e.AsCall().Args() {
		t, err := l.operand(arg, operands, sides[i])
		if err != nil {
			return term{}, err
		}
		operands = t.kind // the left side of == decides
		terms = append(terms, t)
	}
	switch {
	case len(terms) == 1:
		s := side{unit: terms[0].unit, settled: terms[0].settled}
		return term{l.build.NewCall(e.ID(), name, terms[0].expr), result, s}, nil
	case operands == boolean:
		return term{expr: l.build.NewCall(e.ID(), name, terms[0].expr, terms[1].expr), kind: boolean}, nil
	}
	o := operation{operator: name, left: terms[0].called(sides[0]), right: terms[1].called(sides[1]), at: l.at(e)}
	s, err := l.dimension(e, o)
	if err != nil {
		return term{}, err
	}
	function := calculateFunction
	if result == boolean {
		function = compareFunction
	}
	index := l.index(len(l.operations))
	l.operations = append(l.operations, o)
	return term{l.build.NewCall(e.ID(), function, l.theFacts(), index, terms[0].expr, terms[1].expr), result, s}, nil
}

// dimension returns what is known of the result of an operation, or that its
// sides cannot meet whatever the metrics are.
func (l *lowering) dimension(e celast.Expr, o operation) (side, error) {
	result, ok := o.outcome()
	if !ok {
		return side{}, l.place(e, o.mismatch())
	}
	return result, nil
}

// operand lowers e, which must be of one kind, or of any when want is ""; place
// says where it stands.
func (l *lowering) operand(e celast.Expr, want kind, place string) (term, error) {
	lowered, err := l.expression(e)
	if err != nil || want == "" || lowered.kind == want {
		return lowered, err
	}
	err = l.errorf(start(e), "%s is %s; expected %s", place, lowered.kind, want)
	if want == number {
		if e.Kind() == celast.CallKind {
			err = hint.Wrap(err, "two comparisons are joined with &&: 0.1 < metrics.a && metrics.a < 0.2")
		}
		return term{}, err
	}
	return term{}, hint.Wrap(err, "a number becomes true or false by a comparison: metrics.accuracy >= 0.95")
}

// called is the term's side; place names it where it is no single word.
func (t term) called(place string) side {
	if t.name == "" {
		t.name = place
	}
	return t.side
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
func (l *lowering) place(e celast.Expr, err error) error { return l.at(e).wrap(err) }

// at returns the place of e as an *Error without a message.
func (l *lowering) at(e celast.Expr) *Error {
	at := l.source.GetStartLocation(e.ID())
	line, column := at.Line(), at.Column()
	placed := newError(l.text, line, column, "")
	switch word := wordAt(placed.line, column); {
	case e.Kind() == celast.SelectKind && word == ".":
		placed.Column++ // the name, not its dot
	case e.Kind() == celast.CallKind && word == "(":
		placed.Column = max(1, placed.Column-len(e.AsCall().FunctionName())) // the name, not its parenthesis
	}
	return placed
}
