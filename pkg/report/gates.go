package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// outcomeOf never is better than what the result says anywhere. A result
// without an outcome is of a version that had two.
func outcomeOf(g gate.Result) gate.Outcome {
	switch {
	case g.Passed && (g.Outcome == gate.Passed || g.Outcome == ""):
		return gate.Passed
	case g.Passed && g.Outcome == gate.Warned:
		return gate.Warned
	}
	return gate.Refused
}

// unmeasured reports whether the gate passed for want of a value.
func unmeasured(g gate.Result) bool {
	return outcomeOf(g) == gate.Passed && g.Value == nil && !g.Required
}

func onSize(g gate.Result) bool {
	return g.Check == gate.CheckSize || g.Check == gate.CheckUnpacked || g.Check == gate.CheckGrowth
}

// onScan reports whether the gate is about what scanners found.
func onScan(g gate.Result) bool {
	switch g.Check {
	case gate.CheckVulnerabilities, gate.CheckModels, gate.CheckSecrets, gate.CheckLicenses, gate.CheckScan:
		return true
	}
	return false
}

// withLabels is the gate's name with the labels that it asks for: f1{class=3}.
func withLabels(g gate.Result) string {
	if len(g.Where) == 0 {
		return g.Name
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(g.Where)) {
		pairs = append(pairs, key+"="+g.Where[key])
	}
	return g.Name + "{" + strings.Join(pairs, ",") + "}"
}

// title is what the gate measures: f1{class=3} mean.
func title(g gate.Result) string { return strings.TrimSpace(withLabels(g) + " " + g.Stat) }

// fullName tells the gates on one metric apart: latency p95 regression.
func fullName(g gate.Result) string {
	if onSize(g) || g.Name == string(g.Check) {
		return title(g)
	}
	return strings.TrimSpace(title(g) + " " + string(g.Check))
}

// gateRow is a gate's line, in words.
type gateRow struct {
	name, stat, value, baseline, limit, bar, margin, verdict, samples string
	check                                                             string // "" where the line tells it without
	label, reason                                                     string // what stands below the table; reason is "" when nothing does
	file, pointer                                                     string // where the value stands
}

func (r Report) gateRows() []gateRow {
	seen := make(map[string]int)
	for _, g := range r.Gates {
		seen[title(g)]++
	}
	rows := make([]gateRow, 0, len(r.Gates))
	for _, g := range r.Gates {
		row := newGateRow(g)
		switch g.Check {
		case gate.CheckRegression, gate.CheckImprovement, gate.CheckRule:
			row.check = string(g.Check)
		default:
			if seen[title(g)] > 1 {
				row.check = string(g.Check)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func newGateRow(g gate.Result) gateRow {
	row := gateRow{name: withLabels(g), stat: g.Stat, value: "–", samples: sampled(g), verdict: string(outcomeOf(g)), limit: limited(g)}
	if g.Value != nil {
		row.value = quantity(*g.Value, g.Unit)
		if g.Check == gate.CheckTests {
			row.value += " failed"
		}
	}
	if g.Baseline != nil {
		row.baseline = quantity(*g.Baseline, g.Unit)
	}
	row.compare(g)
	row.label = row.verdict
	switch outcomeOf(g) {
	case gate.Refused:
		row.verdict, row.label = refused, refused
	case gate.Passed:
		row.label = "note"
	}
	// The table says it all of a gate that passed on a value and a limit.
	if outcomeOf(g) != gate.Passed || g.Value == nil || g.Limit == nil {
		row.reason = sentence(g)
	}
	if s := g.Source; s != nil {
		row.file, row.pointer = s.File, s.Pointer
	}
	return row
}

// sentence is the reason, with the names that it lacks.
func sentence(g gate.Result) string {
	text := g.Reason
	if text != "" && !strings.HasPrefix(text, g.Name) {
		text = title(g) + ": " + text
	}
	if g.Rule != "" && !strings.Contains(text, g.Rule) {
		text = strings.TrimSpace(text + " (the rule is " + g.Rule + ")")
	}
	return text
}

// limited is the limit in signs, "" without one.
func limited(g gate.Result) string {
	if g.Limit == nil {
		return ""
	}
	op := strings.NewReplacer("<=", "≤", ">=", "≥", "==", "=").Replace(g.Limit.Op)
	return op + " " + limit(unit.Quantity{Value: g.Limit.Value, Unit: g.Unit})
}

// limit reads as its author wrote it, unless it was computed to many digits.
func limit(q unit.Quantity) string {
	const readable = 8
	if text := q.Precise(); len(text) <= readable {
		return text
	}
	return q.String()
}

// sampled is what the value is made of, "" when that is not known.
func sampled(g gate.Result) string {
	switch {
	case g.Runs > 0 && g.Spread != nil:
		return fmt.Sprintf("median of %d, %s", g.Runs, between(*g.Spread, g.Unit))
	case g.Runs > 0:
		return fmt.Sprintf("median of %d", g.Runs)
	case g.Samples > 0:
		return fmt.Sprint(g.Samples)
	}
	return ""
}

// between prints a spread, its unit once where both ends have the same: 76–95ms.
func between(s gate.Spread, u unit.Unit) string {
	low, high := quantity(s.Min, u), quantity(s.Max, u)
	name := strings.TrimLeft(high, "+-.0123456789")
	if number, ok := strings.CutSuffix(low, name); ok && strings.Trim(number, "+-.0123456789") == "" {
		low = number
	}
	return low + "–" + high
}

// compare sets what the table shows of a value beside its limit.
func (row *gateRow) compare(g gate.Result) {
	if g.Value == nil || g.Limit == nil {
		return
	}
	// A value that keeps its limit can be refused for what it is, such as a
	// stale one. Room would then be read as a pass.
	if m := g.Margin; m != nil && (outcomeOf(g) != gate.Refused || *m < 0) {
		row.bar, row.margin = drawBar(*m, g.Limit.Op), percent(*m)
	}
	if outcomeOf(g) == gate.Refused && row.value == quantity(g.Limit.Value, g.Unit) { // rounding hides why
		row.value = unit.Quantity{Value: *g.Value, Unit: g.Unit}.Precise()
	}
}

const barCells = 10

// drawBar fills a bar by how much of the limit a value uses that leaves so much
// room, as gate.Result.Margin has it. It rounds down, so that only a value at
// its limit, or beyond, fills it.
func drawBar(room float64, op string) string {
	used := 1 - room
	if op == ">=" {
		used = 1
		if room > -1 {
			used = 1 / (1 + room)
		}
	}
	n := barCells
	if used < 1 {
		n = int(math.Max(used, 0) * barCells)
	}
	return strings.Repeat("█", n) + strings.Repeat("░", barCells-n)
}
