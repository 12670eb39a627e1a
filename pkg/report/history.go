package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/org/ai-ship/pkg/gate"
)

// Former is an image that the channel pointed to before, as its verdict has it.
type Former struct {
	Digest     string        `json:"digest"`
	Version    string        `json:"version"`
	At         time.Time     `json:"at"`         // when its gates were evaluated
	Compressed int64         `json:"compressed"` // bytes; 0 when not known
	Gates      []gate.Result `json:"gates"`
}

// normalHistory returns all as it is written: no nil slice, and only times and
// numbers that JSON can hold.
func normalHistory(all []Former) []Former {
	all = slices.Clone(full(all))
	for i := range all {
		f := &all[i]
		f.Gates, f.At = normalGates(f.Gates), writable(f.At)
	}
	return all
}

// writable is a time that RFC 3339 has digits for, in UTC, else none.
func writable(t time.Time) time.Time {
	t = t.UTC()
	if year := t.Year(); year < 1 || year > 9999 {
		return time.Time{}
	}
	return t
}

// measure is the same for gates on one value.
func measure(g gate.Result) string { return fmt.Sprintf("%q", []string{title(g), g.Report, g.Pointer}) }

// judged finds a gate's result in another run; of two that are alike, the first.
type judged map[string]gate.Result

func judgedBy(gates []gate.Result) judged {
	all := make(judged, len(gates))
	for _, g := range slices.Backward(gates) {
		all[string(g.Check)+measure(g)] = g
	}
	return all
}

func (j judged) of(g gate.Result) (was gate.Result, known bool) {
	was, known = j[string(g.Check)+measure(g)]
	return was, known
}

// before is the channel's image in the history: the newest that is not this one.
func (r Report) before() *Former {
	for i := range slices.Backward(r.History) {
		if r.Digest == "" || r.History[i].Digest != r.Digest {
			return &r.History[i]
		}
	}
	return nil
}

// point is a value of a gate in one image.
type point struct {
	label   string // version, else digest
	at      time.Time
	value   float64
	outcome gate.Outcome
}

// course is what a gate measured in the channel's images, each judged as past
// has it, and in this one, the oldest first. Where units differ nothing is
// comparable, and it is left out.
func (r Report) course(g gate.Result, past []judged) []point {
	var all []point
	for i, f := range r.History {
		if was, known := past[i].of(g); known && finite(was.Value) != nil && was.Unit == g.Unit {
			all = append(all, point{f.name(), f.At, *was.Value, outcomeOf(was)})
		}
	}
	if len(all) > 0 && finite(g.Value) != nil {
		all = append(all, point{r.label(), time.Time{}, *g.Value, outcomeOf(g)})
	}
	return all
}

// sizes is the same of the compressed size.
func (r Report) sizes() []point {
	var all []point
	for _, f := range r.History {
		if f.Compressed > 0 {
			all = append(all, point{f.name(), f.At, float64(f.Compressed), f.outcome()})
		}
	}
	if len(all) > 0 && r.Size.Compressed > 0 {
		now := Former{Gates: r.Gates}
		all = append(all, point{r.label(), time.Time{}, float64(r.Size.Compressed), now.outcome()})
	}
	return all
}

// outcome is the worst of the gates'.
func (f Former) outcome() gate.Outcome {
	worst := gate.Passed
	for _, g := range f.Gates {
		switch outcomeOf(g) {
		case gate.Refused:
			return gate.Refused
		case gate.Warned:
			worst = gate.Warned
		}
	}
	return worst
}

func (f Former) name() string {
	if f.Version != "" {
		return f.Version
	}
	return short(f.Digest)
}

// label is what this run's image is called beside the former ones.
func (r Report) label() string {
	if r.Version != "" {
		return r.Version + " (this run)"
	}
	return "this run"
}

// differs reports whether a value has left its former one by more than the noise
// of both explains, and by more than rounding hides.
func differs(now, was gate.Result) bool {
	a, b := finite(now.Value), finite(was.Value)
	if a == nil || b == nil {
		return (a == nil) != (b == nil)
	}
	if quantity(*a, now.Unit) == quantity(*b, was.Unit) {
		return false
	}
	return math.Abs(*a-*b) > gate.Explained(now, was)
}
