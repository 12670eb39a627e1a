package gate

import (
	"fmt"
	"math"
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
	floor bool // the value must not be below; else not above
	limit unit.Quantity
}

// holds is false for NaN on either side.
func (b bound) holds(v float64) bool {
	if b.floor {
		return v >= b.limit.Value
	}
	return v <= b.limit.Value
}

func (b bound) result() *Limit {
	if b.floor {
		return &Limit{Op: ">=", Value: b.limit.Value}
	}
	return &Limit{Op: "<=", Value: b.limit.Value}
}

// wish says what would have passed.
func (b bound) wish() string {
	if b.floor {
		return b.limit.Precise() + " or more would have passed"
	}
	return b.limit.Precise() + " or less would have passed"
}

// compare says on which side of the limit a value is.
func (b bound) compare(v float64) string {
	switch side := b.limit.Precise(); {
	case b.floor && b.holds(v):
		return "at or above the floor of " + side
	case b.floor:
		return "below the floor of " + side
	case b.holds(v):
		return "at or below the ceiling of " + side
	default:
		return "above the ceiling of " + side
	}
}

// show prints a value, with all its digits where the rounded form would stand
// on the other side of the limit.
func (b bound) show(q unit.Quantity) string {
	short := q.String()
	if rounded, err := unit.Parse(short); err != nil || b.holds(rounded.Value) != b.holds(q.Value) {
		return q.Precise()
	}
	return short
}

// finite returns a pointer to v, and nil for what JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
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
