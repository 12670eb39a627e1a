package report

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

// MaxComment is the size that Comment stays below, in bytes; GitHub takes 65,536
// characters.
const MaxComment = 64 << 10

// commentSection bounds one of a comment's sections, of which there are fewer
// than twelve.
const commentSection = MaxComment / 13

// Marker is a line that no reader sees and that finds a comment of ai-ship's
// again, to be replaced instead of followed by the next one. The key tells the
// comments on one pull request apart, such as the repository of the image.
func Marker(key string) string {
	return fmt.Sprintf("<!-- ai-ship:%.8x -->", sha256.Sum256([]byte(key)))
}

// Comment writes what a pull request changes as a comment on it, in Markdown:
// Marker(key) on the first line, the verdict, and then only what is different
// from the channel's image, with what each refused gate would have passed on.
//
// before is the report on the channel's image; nil where nobody has it. Then
// the newest image of now's history stands in for it, which has no findings.
func Comment(w io.Writer, now Report, before *Report, key string) error {
	m := &markdownWriter{r: now, budget: commentSection}
	d := difference{now: now, before: before}
	m.b.WriteString(Marker(key) + "\n### " + escape(now.headline()) + "\n")
	gates, size, layers := d.gates(), d.size(), d.layers()
	fresh := d.findings("new finding", "new findings", true)
	gone := d.findings("finding that is gone", "findings that are gone", false)
	same := len(gates.rows)+len(size)+len(layers.sheet.rows)+len(fresh.sheet.rows)+len(gone.sheet.rows) == 0
	if text := d.summary(same); text != "" {
		m.section("", []string{text}, "")
	}
	m.failure()
	m.sheet("", gates)
	m.reasons(func(r gateRow) bool { return r.verdict == refused })
	m.section("", size, "")
	m.details(layers)
	m.details(fresh)
	m.details(gone)
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing the comment: %w", err)
	}
	return nil
}

// difference is a report beside that on the channel's image.
type difference struct {
	now    Report
	before *Report
}

// former is the channel's image; nil when nothing is known of its gates.
func (d difference) former() *Former {
	if d.before != nil {
		return &Former{Digest: d.before.Digest, Version: d.before.Version, Compressed: d.before.Size.Compressed, Gates: d.before.Gates}
	}
	return d.now.before()
}

// against names the channel's image, "" when there is none.
func (d difference) against() string {
	switch f := d.former(); {
	case d.now.Baseline != nil:
		return shortRef(d.now.Baseline.Ref)
	case f != nil:
		return f.name()
	}
	return ""
}

// summary says in a line how many gates refused, what that meant, and what the
// rest is compared with; same says that nothing is different.
func (d difference) summary(same bool) string {
	refusals := 0
	for _, g := range d.now.Gates {
		if outcomeOf(g) == gate.Refused {
			refusals++
		}
	}
	text := d.now.consequence()
	if refusals > 0 {
		text = fmt.Sprintf("%d of %s refused. %s", refusals, unit.Count(len(d.now.Gates), "gate", "gates"), text)
	}
	against := d.against()
	if against == "" && len(d.now.Gates) == 0 { // it ended before anybody asked the channel
		return text
	}
	if against == "" {
		return strings.TrimSpace(text + " The channel has no image to compare with yet.")
	}
	if same {
		return strings.TrimSpace(text + " Nothing is different from " + code(against) + ".")
	}
	return strings.TrimSpace(text + " What follows is different from " + code(against) + ".")
}

// gates are those whose outcome or value is another one, those that did not
// pass, and those that only one side has.
func (d difference) gates() sheet {
	s := heads("verdict", "gate", "before>", "now>", "change>", "limit>")
	f := d.former()
	var past judged
	if f != nil {
		past = judgedBy(f.Gates)
	}
	for i, row := range d.now.gateRows() {
		g := d.now.Gates[i]
		was := gate.Result{Value: g.Baseline, Unit: g.Unit, Outcome: gate.Passed, Passed: true}
		known := g.Baseline != nil
		result, judgedThen := past.of(g)
		if judgedThen {
			was, known = result, true
		}
		verdict := verdictOf(row.verdict)
		switch {
		case f != nil && !judgedThen:
			verdict = append(verdict, word{text: "(new gate)"})
		case outcomeOf(g) != gate.Passed:
		case !known:
			continue
		case outcomeOf(was) == outcomeOf(g) && !differs(g, was):
			continue
		}
		old, change := "", ""
		if known && finite(was.Value) != nil {
			old, change = quantity(*was.Value, was.Unit), changed(g, was)
		}
		if outcomeOf(was) != gate.Passed {
			old = strings.TrimSpace(old + " " + string(outcomeOf(was)))
		}
		s.add(verdict, said(fullName(g)), said(old), said(row.value), said(change), said(row.limit))
	}
	if f == nil {
		return s
	}
	present := judgedBy(d.now.Gates)
	for _, was := range f.Gates {
		if _, still := present.of(was); !still && len(present) > 0 { // a run that failed before its gates drops none
			s.add(words{{text: "no longer a gate", look: loud}}, said(fullName(was)), said(newGateRow(was).value), nil, nil, said(limited(was)))
		}
	}
	return s
}

// changed is a value against its former one.
func changed(now, was gate.Result) string {
	if finite(now.Value) == nil || finite(was.Value) == nil || now.Unit != was.Unit || *was.Value == 0 || *now.Value == *was.Value {
		return ""
	}
	return percent((*now.Value - *was.Value) / max(*was.Value, -*was.Value))
}

func (d difference) size() []string {
	growth := d.now.growth()
	if growth == "" || growth == unchanged || d.now.Size.Compressed == 0 {
		return nil
	}
	return []string{"Size: " + d.now.Size.String() + ", " + escape(growth) + "."}
}

// layers are those that are not as they were.
func (d difference) layers() part {
	c := d.now.Contents
	if c == nil || c.Baseline == "" {
		return part{}
	}
	other := *c
	other.Layers = slices.DeleteFunc(slices.Clone(c.Layers), func(l Part) bool { return l.State == "same" })
	s := other.layers()
	return part{unit.Count(len(s.rows), "layer is different", "layers are different"), d.now.sizeMissed(), s}
}

// identity tells findings apart: a package that was upgraded and has its
// vulnerability still brings nothing new.
type identity struct{ kind, id, about string }

type finding struct {
	identity
	occurrence
}

// findingsOf are a report's findings that count, the worst first, once each.
func findingsOf(r Report) []finding {
	var all []finding
	for _, kind := range []struct {
		name     string
		findings []scan.Finding
	}{{"vulnerability", r.Findings.Vulnerabilities}, {"model", r.Findings.Models}, {"secret", r.Findings.Secrets}} {
		for _, o := range r.counting(kind.findings) {
			all = append(all, finding{identity{kind.name, o.ID, cmp.Or(o.Package, o.Path)}, o})
		}
	}
	all = once(all, func(f finding) string { return fmt.Sprintf("%q", f.identity) })
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return all
}

// compared are the findings that now has and before has not, or the reverse.
func (d difference) compared(fresh bool) []finding {
	if d.before == nil || !d.before.Findings.Ran || !d.now.Findings.Ran {
		return nil
	}
	here, there := findingsOf(d.now), findingsOf(*d.before)
	if !fresh {
		here, there = there, here
	}
	known := make(map[identity]bool)
	for _, f := range there {
		known[f.identity] = true
	}
	return slices.DeleteFunc(here, func(f finding) bool { return known[f.identity] })
}

func (d difference) findings(one, many string, fresh bool) part {
	s := heads("severity", "finding", "in", "fixed", "what")
	all := d.compared(fresh)
	for _, f := range all {
		s.add(severity(f.Finding), advisory(f.Finding), coded(about(f.Finding)), said(f.Fixed), said(f.Title))
	}
	return part{unit.Count(len(all), one, many), fresh, s}
}
