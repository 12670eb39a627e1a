package report

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// The words that a report opens with.
const (
	passed  = "PASSED"
	refused = "REFUSED"
	failed  = "FAILED"
)

// unchanged is said of a size that is as it was.
const unchanged = "unchanged"

// outcome is the run in one word. A refusal outranks an error, because the
// error of a refused run is that it was refused.
func (r Report) outcome() string {
	for _, g := range r.Gates {
		if outcomeOf(g) == gate.Refused {
			return refused
		}
	}
	if !r.Passed || r.Exit != 0 || r.Error != "" {
		return failed
	}
	return passed
}

// warnings says how many gates of a run that passed have warned, or "".
func (r Report) warnings() string {
	n := 0
	for _, g := range r.Gates {
		if outcomeOf(g) == gate.Warned {
			n++
		}
	}
	if n == 0 || r.outcome() != passed {
		return ""
	}
	return unit.Count(n, "warning", "warnings")
}

// subject names the image as well as the run can.
func (r Report) subject(digest func(string) string) string {
	name := r.Repository
	if name == "" {
		name, _, _ = strings.Cut(r.Image, "@")
	}
	switch {
	case r.Digest == "":
		return name
	case name == "":
		return digest(r.Digest)
	}
	return name + "@" + digest(r.Digest)
}

// target is the version and, after a run that passed, the channel it went to.
func (r Report) target() string {
	if r.Channel == "" || r.outcome() != passed {
		return r.Version
	}
	return strings.TrimSpace(r.Version + " → " + r.Channel)
}

// consequence says what the run left behind, or "" when the lines below it do.
func (r Report) consequence() string {
	pushed, moved := r.Image != "", len(r.Moves)+len(r.Tags) > 0
	switch outcome := r.outcome(); {
	case r.Repository == "" && len(r.Gates) > 0 && len(r.Stages) == 0: // the gates alone
		return ""
	case r.DryRun:
		return "Dry run: nothing was pushed and no tag was moved."
	case outcome != passed && !pushed && !moved:
		return "Nothing was pushed and no tag was moved."
	case !moved:
		return "No tag was moved."
	case outcome != passed:
		return "Some tags were moved before it stopped."
	}
	return ""
}

// changes are the moves worth showing: those made, or those that a dry run
// which passed would make.
func (r Report) changes() []Move {
	if r.DryRun && r.outcome() != passed {
		return nil
	}
	return r.Moves
}

// growth is the size against the baseline's, or "".
func (r Report) growth() string {
	if r.Baseline == nil {
		return ""
	}
	diff := r.Size.Compressed - r.Baseline.Compressed
	text := unchanged
	if diff != 0 {
		text = signedBytes(diff)
	}
	if diff != 0 && r.Baseline.Compressed > 0 {
		text += " (" + percent(float64(diff)/float64(r.Baseline.Compressed)) + ")"
	}
	return text
}

// transferred is the transfer in one line, without the zeros that would only be
// noise; "" when no byte was touched.
func (r Report) transferred() string {
	t := r.Transfer
	var parts []string
	if t.Uploaded+t.Mounted+t.Skipped > 0 {
		parts = append(parts, "uploaded "+unit.FormatBytes(t.Uploaded), "mounted "+unit.FormatBytes(t.Mounted), "skipped "+unit.FormatBytes(t.Skipped))
	}
	if t.Downloaded > 0 {
		parts = append(parts, "downloaded "+unit.FormatBytes(t.Downloaded))
	}
	if t.Read > 0 {
		parts = append(parts, "read "+unit.FormatBytes(t.Read))
	}
	return strings.Join(parts, " · ")
}

func (t TestReport) counted() string {
	if t.Tests == 0 && t.Failures == 0 {
		return ""
	}
	return unit.Count(t.Tests, "test", "tests") + ", " + unit.Count(t.Failures, "failure", "failures")
}

// percent prints a signed ratio: +2.1%, -40%. It never rounds a difference
// down to nothing.
func percent(ratio float64) string {
	p := ratio * 100
	switch size := math.Abs(p); {
	case p == 0:
		return "0%"
	case size < 0.05 && p < 0:
		return "-<0.1%"
	case size < 0.05:
		return "+<0.1%"
	case size < 9.95:
		return fmt.Sprintf("%+.1f%%", p)
	case size >= 9999.5 && p > 0:
		return ">9999%"
	case size >= 9999.5:
		return "<-9999%"
	}
	return fmt.Sprintf("%+.0f%%", p)
}

func signedBytes(n int64) string {
	if n < 0 {
		return "-" + unit.FormatBytes(-n)
	}
	return "+" + unit.FormatBytes(n)
}

func quantity(value float64, u unit.Unit) string {
	return unit.Quantity{Value: value, Unit: u}.String()
}

func seconds(s float64) string { return quantity(s, unit.Seconds) }

const shortHex = 12 // digits that tell digests apart for people

// short cuts a digest after its first digits.
func short(digest string) string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found || utf8.RuneCountInString(hex) <= shortHex {
		return digest
	}
	return algorithm + ":" + cut(hex, shortHex+1)
}

// shortRef cuts a reference's digest.
func shortRef(ref string) string {
	name, digest, found := strings.Cut(ref, "@")
	if !found {
		return ref
	}
	return name + "@" + short(digest)
}

// cut shortens text to n runes, the last of them an ellipsis.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:max(n-1, 0)]) + "…"
}

// cutFront shortens text to n runes from its beginning.
func cutFront(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return "…" + string(runes[len(runes)-max(n-1, 0):])
}
