package rule_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/unit"
)

// The oracle says what a random rule must come to, in Go: true, false, absent,
// broken as soon as one wrong value was read or two dimensions met that do not go
// together, or refused where that is plain before any metric is known.
type truth int

const (
	no truth = iota
	yes
	missing
)

type oracle struct {
	random  *rand.Rand
	broken  bool
	refused bool
}

// powers are a dimension as physics has it: the power of the time and of the size.
type powers [2]int

func powersOf(u unit.Unit) powers {
	return map[unit.Unit]powers{unit.Seconds: {1, 0}, unit.Bytes: {0, 1}}[u]
}

func (p powers) calculate(operator string, other powers) (powers, bool) {
	sign := map[string]int{"*": 1, "/": -1}[operator]
	if sign == 0 {
		return p, p == other
	}
	result := powers{p[0] + sign*other[0], p[1] + sign*other[1]}
	return result, result == powers{} || result == powers{1, 0} || result == powers{0, 1}
}

// numeric is a random expression and its value, if there is one.
type numeric struct {
	text    string
	settled bool   // whether powers are known
	powers  powers // before any metric is
	value   func() (float64, powers, bool)
}

// condition returns a random expression and how to find its truth.
func (o *oracle) condition(depth int) (string, func() truth) {
	kind := o.random.IntN(8)
	if depth == 0 {
		kind = 4 + o.random.IntN(4)
	}
	switch kind {
	case 0, 1:
		a, left := o.condition(depth - 1)
		b, right := o.condition(depth - 1)
		operator, decides := "&&", no
		if kind == 1 {
			operator, decides = "||", yes
		}
		return fmt.Sprintf("(%s %s %s)", a, operator, b), func() truth {
			x := left()
			if x == decides {
				return decides
			}
			y := right()
			if y == decides {
				return decides
			}
			return max(x, y) // missing, or what both are
		}
	case 2:
		a, inner := o.condition(depth - 1)
		return "!" + a, func() truth {
			return [...]truth{no: yes, yes: no, missing: missing}[inner()]
		}
	case 3:
		a, condition := o.condition(depth - 1)
		b, then := o.condition(depth - 1)
		c, otherwise := o.condition(depth - 1)
		return fmt.Sprintf("(%s ? %s : %s)", a, b, c), func() truth {
			switch condition() {
			case yes:
				return then()
			case no:
				return otherwise()
			}
			return missing
		}
	case 4:
		m := o.metric()
		return "has(" + m.text + ")", func() truth {
			_, _, found := m.value()
			return is(found)
		}
	}
	a, b := o.number(depth), o.number(depth)
	operator := []string{"<", ">=", "==", "!="}[o.random.IntN(4)]
	o.refused = o.refused || a.settled && b.settled && a.powers != b.powers
	return fmt.Sprintf("(%s %s %s)", a.text, operator, b.text), func() truth {
		x, _, y, ok := o.meet(a, operator, b)
		if !ok {
			return missing
		}
		return is(map[string]bool{"<": x < y, ">=": x >= y, "==": x == y, "!=": x != y}[operator])
	}
}

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// meet reads both sides of an operator and their result's dimension.
func (o *oracle) meet(a numeric, operator string, b numeric) (x float64, p powers, y float64, ok bool) {
	x, left, ok := a.value()
	if !ok {
		return 0, p, 0, false
	}
	y, right, ok := b.value()
	if !ok {
		return 0, p, 0, false
	}
	p, ok = left.calculate(operator, right)
	o.broken = o.broken || !ok
	return x, p, y, ok
}

func (o *oracle) number(depth int) numeric {
	if depth == 0 || o.random.IntN(2) == 0 {
		if o.random.IntN(2) == 0 {
			return o.metric()
		}
		n := o.random.IntN(3)
		text, p := fmt.Sprint(n), powers{}
		if o.random.IntN(8) == 0 {
			n, text, p = 1, `quantity("1s")`, powers{1, 0}
		}
		return numeric{text, true, p, func() (float64, powers, bool) { return float64(n), p, true }}
	}
	a, b := o.number(depth-1), o.number(depth-1)
	operator := []string{"+", "-", "*", "/"}[o.random.IntN(4)]
	result := numeric{text: fmt.Sprintf("(%s %s %s)", a.text, operator, b.text)}
	switch {
	case a.settled && b.settled:
		ok := false
		result.powers, ok = a.powers.calculate(operator, b.powers)
		result.settled = true
		o.refused = o.refused || !ok
	case operator == "*" || operator == "/":
	case a.settled:
		result.settled, result.powers = true, a.powers
	default:
		result.settled, result.powers = b.settled, b.powers
	}
	result.value = func() (float64, powers, bool) {
		x, p, y, ok := o.meet(a, operator, b)
		if !ok {
			return 0, p, false
		}
		z := map[string]float64{"+": x + y, "-": x - y, "*": x * y, "/": x / y}[operator]
		if math.IsNaN(z) || math.IsInf(z, 0) {
			o.broken = true
			return 0, p, false
		}
		return z, p, true
	}
	return result
}

// oracleUnit is the unit of m0 to m9, most of which are plain numbers.
func oracleUnit(n int) unit.Unit {
	return [...]unit.Unit{3: unit.Ratio, 8: unit.Seconds, 9: unit.Bytes}[n]
}

// metric returns m0 to m9: m0 and m1 are absent, m2 is stale, the others 0 to 2.
func (o *oracle) metric() numeric {
	n := o.random.IntN(10)
	return numeric{text: fmt.Sprintf("metrics.m%d", n), value: func() (float64, powers, bool) {
		o.broken = o.broken || n == 2
		return float64(n % 3), powersOf(oracleUnit(n)), n > 2
	}}
}

// oracleFacts has the metrics, the times counted in seconds as long as that.
func oracleFacts(second float64) rule.Facts {
	return rule.Facts{Metric: func(name string) (unit.Quantity, error) {
		n := int(name[1] - '0')
		switch {
		case n < 2:
			return unit.Quantity{}, rule.ErrAbsent
		case n == 2:
			return unit.Quantity{}, errStale
		}
		q := unit.Quantity{Value: float64(n % 3), Unit: oracleUnit(n)}
		if q.Unit == unit.Seconds {
			q.Value *= second
		}
		return q, nil
	}}
}

// Every random rule comes to what the oracle says, twice, and to the same when
// all times, its own too, are counted in half seconds: no rule compares what
// does not compare.
func TestAgainstAnOracle(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(3000) {
		o := &oracle{random: rand.New(rand.NewPCG(seed, 1))}
		text, truth := o.condition(4)
		r, err := rule.Compile(text)
		if at := (*rule.Error)(nil); errors.As(err, &at) && len(text) > maxText {
			continue
		}
		if (err != nil) != o.refused {
			t.Fatalf("Compile(%s): %v, want that it is refused: %v", text, err, o.refused)
		}
		if o.refused {
			count["refused"]++
			continue
		}
		outcome, err := r.Evaluate(oracleFacts(1))
		got := verdict(outcome, err)
		want := [...]string{no: "not", yes: "holds", missing: "absent"}[truth()]
		if o.broken {
			want = "broken"
		}
		if got != want {
			t.Errorf("seed %d: %s\n got %s (%v)\nwant %s", seed, text, got, err, want)
		}
		count[got]++
		again, err := r.Evaluate(oracleFacts(1))
		if diff := cmp.Diff(outcome, again); diff != "" || verdict(again, err) != got {
			t.Errorf("seed %d: %s: a second evaluation differs: %s", seed, text, diff)
		}
		if scaled := verdict(compile(t, strings.ReplaceAll(text, `"1s"`, `"2s"`)).Evaluate(oracleFacts(2))); scaled != got {
			t.Errorf("seed %d: %s: %s in seconds, %s in half seconds", seed, text, got, scaled)
		}
	}
	for _, verdict := range []string{"holds", "not", "absent", "broken", "refused"} {
		if count[verdict] < 100 {
			t.Errorf("only %d rules of 3000 come to %s", count[verdict], verdict)
		}
	}
	t.Log(count)
}

func verdict(outcome rule.Outcome, err error) string {
	switch {
	case err != nil && outcome.Holds:
		return "an error that holds"
	case errors.Is(err, rule.ErrAbsent):
		return "absent"
	case err != nil:
		return "broken"
	case outcome.Holds:
		return "holds"
	}
	return "not"
}
