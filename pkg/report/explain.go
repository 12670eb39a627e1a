package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// ErrUnknownGate is in the chain of Explain's error about a name that the
// report has no gate of.
var ErrUnknownGate = errors.New("no such gate")

const maxGates = 20 // names that an error lists

// Explain writes everything that the report holds about a gate, and of a gate
// on the size also what the size is made of, of one on the scan what was found. The name may be a metric's, for
// all gates on it, or narrowed as reports print it: latency, "latency p95",
// "f1{class=3}", "latency p95 regression". Nothing is written when there is no
// such gate (ErrUnknownGate).
func Explain(w io.Writer, r Report, name string, style Style) error {
	t := &textWriter{style: style, r: r}
	size, findings := false, false
	for _, g := range r.Gates {
		if slices.Contains(callings(g), strings.Join(strings.Fields(name), " ")) {
			if t.b.Len() > 0 {
				t.line("")
			}
			t.explain(g)
			size, findings = size || onSize(g), findings || onScan(g)
		}
	}
	if t.b.Len() == 0 {
		return r.unknown(name)
	}
	if size && r.Contents != nil {
		t.allContents()
	}
	if findings {
		t.scan()
	}
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

// callings are the names that a gate answers to, the shortest first.
func callings(g gate.Result) []string {
	var all []string
	for _, name := range []string{g.Name, withLabels(g)} {
		for _, name := range []string{name, name + " " + g.Stat} {
			for _, name := range []string{name, name + " " + string(g.Check)} {
				if name = strings.Join(strings.Fields(name), " "); !slices.Contains(all, name) {
					all = append(all, name)
				}
			}
		}
	}
	return all
}

// unknown says which gates there are.
func (r Report) unknown(name string) error {
	if len(r.Gates) == 0 {
		err := fmt.Errorf("%w: %q; the report has none", ErrUnknownGate, name)
		if r.Error != "" {
			err = hint.Wrap(err, "the run ended before its gates: "+clean(r.Error))
		}
		return err
	}
	var full, any []string
	for _, g := range r.Gates {
		if name := clean(fullName(g)); !slices.Contains(full, name) {
			full = append(full, name)
		}
		any = append(any, callings(g)...)
	}
	there := strings.Join(full[:min(len(full), maxGates)], ", ")
	if more := len(full) - maxGates; more > 0 {
		there += fmt.Sprintf(" and %d more", more)
	}
	near := ""
	if names := hint.Near(name, any); len(names) > 0 {
		near = "; did you mean " + clean(strings.Join(names, " or ")) + "?"
	}
	return fmt.Errorf("%w: %q; the report has %s%s", ErrUnknownGate, name, there, near)
}

func (t *textWriter) explain(g gate.Result) {
	verdict := newGateRow(g).verdict
	t.line(t.style.paint(clean(fullName(g)), bold) + "  " + t.style.paint(verdict, inkOf(verdict)))
	fact := func(name, text string) {
		for _, line := range t.labelled(name, cleanTo(text, maxSentence), dim) {
			t.line(line)
		}
	}
	fact("reason", sentence(g))
	fact("check", meaning(g.Check))
	fact("rule", g.Rule)
	fact("value", exact(g.Value, g.Unit))
	fact("limit", limited(g))
	fact("margin", room(g))
	if g.Baseline != nil {
		text := exact(g.Baseline, g.Unit)
		if t.r.Baseline != nil {
			text += " of " + t.r.Baseline.Ref
		}
		fact("baseline", text)
	}
	fact("samples", evidence(g))
	if s := g.Source; s != nil {
		fact("source", strings.TrimSpace(s.File+" "+s.Pointer))
		fact("sha256", s.SHA256)
	}
	if !g.Required {
		fact("required", "no: it passes when no report has the metric")
	}
}

// meaning is what a check looks at, "" for one that is not known.
func meaning(c gate.Check) string {
	switch c {
	case gate.CheckSize:
		return "refuses an image whose compressed layers are larger than the limit"
	case gate.CheckUnpacked:
		return "refuses an image that is larger than the limit on a node's disk"
	case gate.CheckGrowth:
		return "refuses an image whose compressed layers are larger than the baseline's by more than is allowed; the limit is the baseline and what it may grow"
	case gate.CheckTests:
		return "refuses an image when a test failed; the value counts those"
	case gate.CheckMin:
		return "refuses a value below the limit"
	case gate.CheckMax:
		return "refuses a value above the limit"
	case gate.CheckEquals:
		return "refuses a value other than the limit"
	case gate.CheckRegression:
		return "refuses a value that is worse than the baseline by more than the tolerance, the slack and the noise; worse by more than the first two only is a warning"
	case gate.CheckImprovement:
		return "refuses a value that is not better than the baseline by what is demanded; better within the noise is a warning"
	case gate.CheckRule:
		return "refuses when the expression does not hold over everything that was measured"
	case gate.CheckVulnerabilities:
		return "refuses an image whose packages have vulnerabilities of the policy's severity or above that nobody ignored; the value counts those"
	case gate.CheckModels:
		return "refuses model files of a format that is not allowed, or that would run code when they are loaded; the value counts both"
	case gate.CheckSecrets:
		return "refuses an image that holds secrets of severity high or critical; the value counts those"
	case gate.CheckLicenses:
		return "refuses packages and models of which every licence to choose from is denied and that nobody ignored; the value counts those"
	case gate.CheckScan:
		return "refuses an image of which something could not be looked at, unless the config accepts that by its name; the value counts such things"
	}
	return string(c)
}

func exact(v *float64, u unit.Unit) string {
	if v == nil {
		return ""
	}
	return unit.Quantity{Value: *v, Unit: u}.Precise()
}

// room is the margin in words, "" where there is none.
func room(g gate.Result) string {
	if g.Margin == nil || g.Limit == nil {
		return ""
	}
	m := *g.Margin
	if m == 0 {
		return "none: the value is the limit"
	}
	side := "below"
	if (m > 0) == (g.Limit.Op == ">=") {
		side = "above"
	}
	text := strings.TrimLeft(percent(max(m, -m)), "+") + " " + side + " the limit"
	if m > 0 && outcomeOf(g) == gate.Refused {
		text += ", but the value does not count"
	}
	return text
}

// evidence is what the value is made of: runs, samples and noise.
func evidence(g gate.Result) string {
	var parts []string
	switch {
	case g.Runs > 0:
		parts = append(parts, sampled(g))
	case g.Samples > 0:
		parts = append(parts, strconv.Itoa(g.Samples))
	}
	if g.Noise > 0 {
		parts = append(parts, "standard error "+quantity(g.Noise, g.Unit))
	}
	return strings.Join(parts, ", ")
}
