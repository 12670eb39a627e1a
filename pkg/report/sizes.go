package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// maxWaste is how much waste the terminal shows of a run.
const maxWaste = 3

// sizeMissed reports whether a gate on the size refused or warned, which makes
// what the size is made of the next thing that people look for.
func (r Report) sizeMissed() bool {
	for _, g := range r.Gates {
		if onSize(g) && outcomeOf(g) != gate.Passed {
			return true
		}
	}
	return false
}

// worthSaying reports whether the contents tell more than the layers do.
func (r Report) worthSaying() bool {
	c := r.Contents
	return c != nil && (r.sizeMissed() || len(c.Grown) > 0 || len(c.Waste) > 0 ||
		slices.ContainsFunc(c.Kinds, func(p Part) bool { return p.Before != nil && *p.Before != p.Compressed }))
}

// change is what became of a part since the baseline, "" without one.
func (p Part) change() string {
	switch {
	case p.Before == nil:
		return ""
	case *p.Before == p.Compressed:
		return "unchanged"
	case *p.Before == 0:
		return signedBytes(p.Compressed) + ", new"
	}
	diff := p.Compressed - *p.Before
	return signedBytes(diff) + " (" + percent(float64(diff)/float64(*p.Before)) + ")"
}

// printer makes untrusted text fit for where a table is shown.
type printer struct{ text, path func(string) string }

func (c Contents) kinds(p printer) table {
	t := table{columns: []column{{head: "kind"}, {head: "size", right: true}, {head: "unpacked", right: true}, {head: "change", right: true}}}
	for _, k := range c.Kinds {
		t.add(p.text(string(k.Kind)), unit.FormatBytes(k.Compressed), known(k.Unpacked), k.change())
	}
	return t
}

func (c Contents) layers(p printer) table {
	t := table{columns: []column{{head: "layer"}, {head: "name"}, {head: "size", right: true}, {head: "unpacked", right: true},
		{head: "state"}, {head: "change", right: true}, {head: "digest", drop: 1}}}
	for _, l := range c.Layers {
		t.add(p.text(string(l.Kind)), p.text(cut(l.Name, maxName)), unit.FormatBytes(l.Compressed), known(l.Unpacked), p.text(l.State), l.change(), p.path(short(l.Digest)))
	}
	return t
}

func (c Contents) grown(p printer) table {
	t := table{columns: []column{{head: "path", tail: true}, {head: "kind"}, {head: "size", right: true}, {head: "growth", right: true}}}
	for _, g := range c.Grown {
		t.add(p.path(g.Path), p.text(string(g.Kind)), unit.FormatBytes(g.Size), g.by())
	}
	return t
}

// by is what a path grew by, as far as it is certain.
func (g Grown) by() string {
	switch {
	case g.Least == g.Most && g.New:
		return signedBytes(g.Most) + ", new"
	case g.Least == g.Most:
		return signedBytes(g.Most)
	case g.Least <= 0:
		return "at most " + signedBytes(g.Most)
	}
	return signedBytes(g.Least) + " to " + signedBytes(g.Most)
}

// known is a size, "" when it is not known.
func known(n int64) string {
	if n == 0 {
		return ""
	}
	return unit.FormatBytes(n)
}

// home is the layer that waste lies in, "" when the report does not have it.
func (c Contents) home(w Waste) string {
	if w.Layer < 0 || w.Layer >= len(c.Layers) {
		return ""
	}
	l := c.Layers[w.Layer]
	if l.Name == "" {
		return string(l.Kind)
	}
	return string(l.Kind) + " (" + cut(l.Name, maxName) + ")"
}

// wasted sums up waste.
func wasted(all []Waste) string {
	var sum int64
	for _, w := range all {
		sum += w.Bytes
	}
	return unit.FormatBytes(sum)
}

// describe is a waste in a line: 2.10GB pip-cache, 812 files in layer python: root/.cache/pip.
func (c Contents) describe(w Waste) string {
	text := unit.FormatBytes(w.Bytes) + " " + w.Kind
	if w.Files > 0 {
		text += ", " + count(w.Files, "file", "files")
	}
	if home := c.home(w); home != "" {
		text += " in layer " + home
	}
	if len(w.Paths) > 0 {
		text += ": " + strings.Join(w.Paths, ", ")
	}
	return text
}

// contents is what the size is made of, as short as a run's report needs it.
func (t *textWriter) contents() {
	if c := t.r.Contents; t.r.worthSaying() {
		p := printer{clean, clean}
		t.parts(c.kinds(p), "kinds")
		t.parts(c.grown(p), "paths")
		t.waste(maxWaste)
	}
}

// allContents leaves nothing out.
func (t *textWriter) allContents() {
	c, p := t.r.Contents, printer{clean, clean}
	t.block(append(t.labelled("platform", clean(c.Platform), dim), t.labelled("against", clean(c.Baseline), dim)...))
	t.parts(c.kinds(p), "kinds")
	t.parts(c.layers(p), "layers")
	t.parts(c.grown(p), "paths")
	t.waste(len(c.Waste))
}

func (t *textWriter) parts(tab table, noun string) {
	for i := range tab.columns {
		tab.columns[i].head = strings.ToUpper(tab.columns[i].head)
	}
	t.rows(tab, noun)
}

// waste writes what could be left out, at most limit of it, and the note.
func (t *textWriter) waste(limit int) {
	c := t.r.Contents
	shown := min(limit, len(c.Waste))
	var lines []string
	for _, w := range c.Waste[:shown] {
		lines = append(lines, t.labelled("waste", clean(c.describe(w)), yellow)...)
		lines = append(lines, t.labelled("", clean(w.Advice), "")...)
	}
	if rest := c.Waste[shown:]; len(rest) > 0 {
		lines = append(lines, t.labelled("", fmt.Sprintf("… and %d more of %s, see %s", len(rest), wasted(rest), SummaryFile), "")...)
	}
	t.block(append(lines, t.labelled("note", clean(c.Note), "")...))
}

func (m *markdownWriter) contents() {
	c := m.r.Contents
	if !m.r.worthSaying() {
		return
	}
	tag, p := "<details>", printer{escape, code}
	if m.r.sizeMissed() {
		tag = "<details open>"
	}
	m.details(tag, "What the size is made of", c.kinds(p))
	grown := c.grown(p)
	m.details(tag, count(len(grown.rows), "path that grew", "paths that grew most"), grown)
	t := table{columns: []column{{head: "waste"}, {head: "size", right: true}, {head: "files", right: true}, {head: "layer"}, {head: "paths"}, {head: "advice"}}}
	for _, w := range c.Waste {
		places := make([]string, 0, len(w.Paths))
		for _, path := range w.Paths {
			places = append(places, code(path))
		}
		t.add(escape(w.Kind), unit.FormatBytes(w.Bytes), strconv.Itoa(w.Files), escape(c.home(w)), strings.Join(places, " "), escape(w.Advice))
	}
	m.details(tag, fmt.Sprintf("%s could be left out", wasted(c.Waste)), t)
	if c.Note != "" {
		m.section("", []string{"Note: " + escape(c.Note)}, "")
	}
}
