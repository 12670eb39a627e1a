package report

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
)

// safeLabel is a label that no version of Mermaid takes for syntax when it is
// quoted. One label that is not safe costs the chart, never the table.
var safeLabel = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z .,+/()_-]{0,39}$`)

const (
	megabyte = 1e6
	maxTicks = 30 // points of a chart that can be told apart
)

// pie is the kinds' sizes as a Mermaid chart; nil for fewer than two slices.
func pie(title string, kinds []Part) []string {
	lines := []string{"pie showData", "    title " + title}
	total := 0.0
	for _, k := range kinds {
		total += float64(max(k.Compressed, 0))
	}
	for _, k := range kinds {
		const visible = 0.005
		if float64(k.Compressed) <= total*visible {
			continue
		}
		if !safeLabel.MatchString(string(k.Kind)) {
			return nil
		}
		lines = append(lines, fmt.Sprintf("    %q : %s", string(k.Kind), decimal(float64(k.Compressed)/megabyte)))
	}
	const slices = 2
	if len(lines) < slices+2 {
		return nil
	}
	return lines
}

// line is sizes over images as a Mermaid chart; nil for fewer than two points.
// GitHub's version of Mermaid knows the chart by its old name only.
func line(title, axis string, points []point) []string {
	points = points[max(len(points)-maxTicks, 0):]
	if len(points) < 2 {
		return nil
	}
	var names, values []string
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if !safeLabel.MatchString(p.label) {
			return nil
		}
		value := p.value / megabyte
		names, values = append(names, strconv.Quote(p.label)), append(values, decimal(value))
		low, high = min(low, value), max(high, value)
	}
	const air = 0.05
	gap := max((high-low)*air, high*air)
	return []string{
		"xychart-beta", "    title " + strconv.Quote(title), "    x-axis [" + strings.Join(names, ", ") + "]",
		fmt.Sprintf("    y-axis %q %s --> %s", axis, decimal(max(low-gap, 0)), decimal(high+gap)), "    line [" + strings.Join(values, ", ") + "]",
	}
}

// decimal is a number without an exponent, which Mermaid does not read.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// meter is a share of the largest, as a bar.
func meter(n, largest int64) word {
	if n <= 0 || largest <= 0 {
		return word{}
	}
	share := math.Min(float64(n)/float64(largest), 1)
	cells := max(int(share*barCells), 1)
	return word{text: strings.Repeat("█", cells) + strings.Repeat("░", barCells-cells), look: drawn, bar: &bar{To: px(share * barWidth), Tone: "share"}}
}

// pastSheet is the channel's images, the newest first.
func (r Report) pastSheet() sheet {
	s := heads("version", "judged", "image", "size>", "gates>", "did not pass")
	for i := range r.History {
		f := r.History[len(r.History)-1-i]
		var missed []string
		for _, g := range f.Gates {
			if outcome := outcomeOf(g); outcome != gate.Passed {
				missed = append(missed, fullName(g)+" ("+string(outcome)+")")
			}
		}
		s.add(said(f.Version), words{{text: when(f.At), look: firm}}, coded(short(f.Digest)), said(known(f.Compressed)), said(some(len(f.Gates))), said(strings.Join(missed, ", ")))
	}
	return s
}
