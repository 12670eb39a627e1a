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

// outcome is the run in one word. A refusal outranks an error, because the
// error of a refused run is that it was refused.
func (r Report) outcome() string {
	for _, g := range r.Gates {
		if !g.Passed {
			return refused
		}
	}
	if !r.Passed || r.Exit != 0 || r.Error != "" {
		return failed
	}
	return passed
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
	text := "unchanged"
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

// scanned is what the scan found, in one line; "" when no scanner looked.
func (r Report) scanned() string {
	f := r.Findings
	if !f.Ran {
		return ""
	}
	text := fmt.Sprintf("%s · %s · %s", count(len(f.Vulnerabilities), "vulnerability", "vulnerabilities"),
		count(len(f.Models), "model finding", "model findings"), count(len(f.Secrets), "secret", "secrets"))
	if n := len(f.Skipped); n > 0 {
		text += " · " + count(n, "place", "places") + " not looked at"
	}
	return text
}

func (t TestReport) counted() string {
	if t.Tests == 0 && t.Failures == 0 {
		return ""
	}
	return count(t.Tests, "test", "tests") + ", " + count(t.Failures, "failure", "failures")
}

// gateRow is a gate's line, in words.
type gateRow struct {
	name, stat, value, limit, bar, margin, verdict, reason string
	file, pointer                                          string // where the value stands
}

func newGateRow(g gate.Result) gateRow {
	row := gateRow{name: g.Name, stat: g.Stat, value: "–", verdict: "passed"}
	if g.Value != nil {
		row.value = quantity(*g.Value, g.Unit)
	}
	if g.Limit != nil {
		op := strings.NewReplacer("<=", "≤", ">=", "≥").Replace(g.Limit.Op)
		row.limit = op + " " + limit(unit.Quantity{Value: g.Limit.Value, Unit: g.Unit})
	}
	if g.Value != nil && g.Limit != nil {
		row.compare(*g.Value, g)
	}
	if !g.Passed {
		row.verdict = refused
	}
	// The table says it all of a gate that passed on a value.
	if !g.Passed || g.Value == nil {
		row.reason = g.Reason
	}
	if row.reason != "" && !strings.HasPrefix(row.reason, g.Name) {
		row.reason = g.Name + ": " + row.reason
	}
	if s := g.Source; s != nil {
		row.file, row.pointer = s.File, s.Pointer
	}
	return row
}

// compare sets what the table shows of a value beside its limit.
func (row *gateRow) compare(value float64, g gate.Result) {
	bar, room := margin(value, *g.Limit)
	// A value that keeps its limit can be refused for what it is, such as a
	// stale one. Room would then be read as a pass.
	if g.Passed || strings.HasPrefix(room, "-") || strings.HasPrefix(room, "<-") {
		row.bar, row.margin = bar, room
	}
	if !g.Passed && row.value == quantity(g.Limit.Value, g.Unit) { // rounding hides why
		row.value = unit.Quantity{Value: value, Unit: g.Unit}.Precise()
	}
}

const barCells = 10

// margin is the room between a value and its limit: a bar that is full at the
// limit, and the room in percent of the limit, negative when it was missed.
// Both are "" where the limit is no measure, as with a limit of zero.
func margin(value float64, bound gate.Limit) (bar, room string) {
	if bound.Value <= 0 {
		return "", ""
	}
	left, used := (bound.Value-value)/bound.Value, value/bound.Value
	if bound.Op == ">=" {
		left = -left
		used = bound.Value / value
		if value <= 0 {
			used = 1
		}
	}
	return drawBar(used), percent(left)
}

// drawBar rounds down, so that only a value at its limit, or beyond, fills it.
func drawBar(used float64) string {
	n := barCells
	if used < 1 {
		n = int(math.Max(used, 0) * barCells)
	}
	return strings.Repeat("█", n) + strings.Repeat("░", barCells-n)
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

// limit reads as its author wrote it, unless it was computed to many digits.
func limit(q unit.Quantity) string {
	const readable = 8
	if text := q.Precise(); len(text) <= readable {
		return text
	}
	return q.String()
}

func quantity(value float64, u unit.Unit) string {
	return unit.Quantity{Value: value, Unit: u}.String()
}

func seconds(s float64) string { return quantity(s, unit.Seconds) }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

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
