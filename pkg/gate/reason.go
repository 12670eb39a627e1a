package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

const (
	maxListed = 5  // things that one reason lists
	maxWord   = 80 // characters of a name that comes from a report
)

// bound is one limit with its direction.
type bound struct {
	check Check
	op    string // ">=", "<=" or "=="
	limit unit.Quantity
	warn  *unit.Quantity // a level within the limit, in the same direction
}

// level is the warning level as a bound of its own.
func (b bound) level() bound { return bound{check: b.check, op: b.op, limit: *b.warn} }

// mismatch says why a warning level cannot stand before its limit, "" if it can.
func (b bound) mismatch(name string) string {
	if b.warn == nil || comparable(b.warn.Unit, b.limit.Unit) {
		return ""
	}
	return fmt.Sprintf("the warning level %s of %s is %s, but its limit %s is %s; a level such as %s would have been applied",
		b.warn.Precise(), name, dimension(b.warn.Unit), b.limit.Precise(), dimension(b.limit.Unit), b.limit.Precise())
}

// rounding is the share by which two numbers that should be equal may differ:
// reports print fewer digits than they computed with.
const rounding = 1e-9

// holds is false for NaN on either side.
func (b bound) holds(v float64) bool {
	switch b.op {
	case ">=":
		return v >= b.limit.Value
	case "<=":
		return v <= b.limit.Value
	}
	return math.Abs(v-b.limit.Value) <= rounding*math.Abs(b.limit.Value)
}

func (b bound) result() *Limit { return &Limit{Op: b.op, Value: b.limit.Value} }

// wish says what would have passed.
func (b bound) wish() string {
	switch b.op {
	case ">=":
		return b.limit.Precise() + " or more would have passed"
	case "<=":
		return b.limit.Precise() + " or less would have passed"
	}
	return "exactly " + b.limit.Precise() + " would have passed"
}

// compare says on which side of the limit a value is.
func (b bound) compare(v float64) string {
	kind := "limit"
	switch {
	case b.op == "==" && b.holds(v):
		return "equal to " + b.limit.Precise()
	case b.op == "==":
		return "not equal to " + b.limit.Precise()
	case b.op == ">=":
		kind = "floor"
	case b.op == "<=":
		kind = "ceiling"
	}
	side := "above"
	if b.limit.Value > v {
		side = "below"
	}
	if b.holds(v) {
		side = "at or " + map[string]string{">=": "above", "<=": "below"}[b.op]
	}
	return fmt.Sprintf("%s the %s of %s", side, kind, b.limit.Precise())
}

// show prints a value, with more of its digits where the rounded form would stand
// on the other side of the limit.
func (b bound) show(q unit.Quantity) string {
	for _, text := range []string{q.String(), q.Precise()} {
		if rounded, err := unit.Parse(text); err == nil && b.holds(rounded.Value) == b.holds(q.Value) {
			return text
		}
	}
	text := strconv.FormatFloat(q.Value, 'g', -1, 64)
	switch q.Unit {
	case unit.Seconds:
		text += "s"
	case unit.Bytes:
		text += "B"
	}
	return text
}

// margin is the room up to a limit as a share of it; nil where the limit is no
// measure, as with a limit of zero.
func margin(value float64, limit Limit) *float64 {
	room := (limit.Value - value) / math.Abs(limit.Value)
	switch limit.Op {
	case ">=":
		room = -room
	case "==":
		return nil
	}
	return finite(room)
}

// finite returns a pointer to v, and nil for what JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// Reasons are the sentences of the results that refuse.
func Reasons(results []Result) []string {
	var all []string
	for _, r := range results {
		if r.Outcome == Refused {
			all = append(all, r.Reason)
		}
	}
	return all
}

// dimension names a unit in a sentence.
func dimension(u unit.Unit) string {
	switch u {
	case unit.Seconds:
		return "a time"
	case unit.Bytes:
		return "a size"
	case unit.Ratio:
		return "a ratio"
	}
	return "a number without unit"
}

// place is where a value stands, as reasons show it.
func place(s testreport.Source) string {
	return short(s.File) + ", " + short(s.Pointer)
}

// list joins at most maxListed words and counts the others.
func list(words []string) string {
	if len(words) <= maxListed {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:maxListed], ", "), len(words)-maxListed)
}

func short(s string) string {
	if utf8.RuneCountInString(s) <= maxWord {
		return s
	}
	return string([]rune(s)[:maxWord-1]) + "…"
}

// times prints two moments in UTC, in as many digits as tell them apart.
func times(a, b time.Time) (string, string) {
	first, second := a.UTC().Format(time.RFC3339), b.UTC().Format(time.RFC3339)
	if first == second {
		return a.UTC().Format(time.RFC3339Nano), b.UTC().Format(time.RFC3339Nano)
	}
	return first, second
}

// didYouMean proposes the names nearest to what was asked for, or nothing.
func didYouMean(want string, names []string) string {
	near := hint.Near(want, names)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
