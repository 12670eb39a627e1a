package rule_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/rule"
)

// The oracle says what a random rule must come to, in Go: true, false, absent,
// or broken as soon as one wrong value was read.
type truth int

const (
	no truth = iota
	yes
	missing
)

type oracle struct {
	random *rand.Rand
	broken bool
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
		name, value := o.metric()
		return "has(" + name + ")", func() truth {
			_, found := value()
			return is(found)
		}
	}
	a, left := o.number(depth)
	b, right := o.number(depth)
	operator := []string{"<", ">=", "==", "!="}[o.random.IntN(4)]
	return fmt.Sprintf("(%s %s %s)", a, operator, b), func() truth {
		x, ok := left()
		if !ok {
			return missing
		}
		y, also := right()
		if !also {
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

// number returns a random numeric expression and its value, if there is one.
func (o *oracle) number(depth int) (string, func() (float64, bool)) {
	if depth == 0 || o.random.IntN(2) == 0 {
		if o.random.IntN(2) == 0 {
			return o.metric()
		}
		n := o.random.IntN(3)
		return fmt.Sprint(n), func() (float64, bool) { return float64(n), true }
	}
	a, left := o.number(depth - 1)
	b, right := o.number(depth - 1)
	operator := []string{"+", "-", "*", "/"}[o.random.IntN(4)]
	return fmt.Sprintf("(%s %s %s)", a, operator, b), func() (float64, bool) {
		x, ok := left()
		if !ok {
			return 0, false
		}
		y, ok := right()
		if !ok {
			return 0, false
		}
		z := map[string]float64{"+": x + y, "-": x - y, "*": x * y, "/": x / y}[operator]
		if math.IsNaN(z) || math.IsInf(z, 0) {
			o.broken = true
			return 0, false
		}
		return z, true
	}
}

// metric returns m0 to m9: m0 and m1 are absent, m2 is stale, the others 0 to 2.
func (o *oracle) metric() (string, func() (float64, bool)) {
	n := o.random.IntN(10)
	return fmt.Sprintf("metrics.m%d", n), func() (float64, bool) {
		o.broken = o.broken || n == 2
		return float64(n % 3), n > 2
	}
}

func oracleFacts() rule.Facts {
	return rule.Facts{Metric: func(name string) (float64, error) {
		n := int(name[1] - '0')
		switch {
		case n < 2:
			return 0, rule.ErrAbsent
		case n == 2:
			return 0, errStale
		}
		return float64(n % 3), nil
	}}
}

// Every random rule comes to what the oracle says, twice.
func TestAgainstAnOracle(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(3000) {
		o := &oracle{random: rand.New(rand.NewPCG(seed, 1))}
		text, truth := o.condition(4)
		r, err := rule.Compile(text)
		if at := (*rule.Error)(nil); errors.As(err, &at) && len(text) > maxText {
			continue
		}
		if err != nil {
			t.Fatalf("Compile(%s): %v", text, err)
		}
		outcome, err := r.Evaluate(oracleFacts())
		got := verdict(outcome, err)
		want := [...]string{no: "not", yes: "holds", missing: "absent"}[truth()]
		if o.broken {
			want = "broken"
		}
		if got != want {
			t.Errorf("seed %d: %s\n got %s (%v)\nwant %s", seed, text, got, err, want)
		}
		count[got]++
		again, err := r.Evaluate(oracleFacts())
		if diff := cmp.Diff(outcome, again); diff != "" || verdict(again, err) != got {
			t.Errorf("seed %d: %s: a second evaluation differs: %s", seed, text, diff)
		}
	}
	for _, verdict := range []string{"holds", "not", "absent", "broken"} {
		if count[verdict] < 100 {
			t.Errorf("only %d rules of 3000 come to %s", count[verdict], verdict)
		}
	}
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
