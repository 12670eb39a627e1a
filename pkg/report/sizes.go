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

func (c Contents) kinds() sheet {
	s := heads("kind", "size>", "unpacked>", "change>")
	for _, k := range c.Kinds {
		s.add(said(string(k.Kind)), said(unit.FormatBytes(k.Compressed)), said(known(k.Unpacked)), said(k.change()))
	}
	return s
}

func (c Contents) layers() sheet {
	s := heads("layer", "name", "size>", "unpacked>", "state", "change>", "digest")
	s.columns[6].drop = 1
	for _, l := range c.Layers {
		s.add(said(string(l.Kind)), said(cut(l.Name, maxName)), said(unit.FormatBytes(l.Compressed)), said(known(l.Unpacked)),
			said(l.State), said(l.change()), coded(short(l.Digest)))
	}
	return s
}

func (c Contents) grown() sheet {
	s := heads("path", "kind", "size>", "growth>")
	s.columns[0].tail = true
	for _, g := range c.Grown {
		s.add(coded(g.Path), said(string(g.Kind)), said(unit.FormatBytes(g.Size)), said(g.by()))
	}
	return s
}

// largest are the packages and files that weigh most.
func (c Contents) largest() sheet {
	s := heads("package or file", "layer", "unpacked>", "files>")
	for _, item := range c.Largest {
		s.add(coded(item.Path), said(c.home(item.Layer)), said(unit.FormatBytes(item.Size)), said(some(item.Files)))
	}
	return s
}

func (c Contents) waste() sheet {
	s := heads("waste", "size>", "files>", "layer", "paths", "advice")
	for _, w := range c.Waste {
		var places words
		for _, path := range w.Paths {
			places = append(places, word{text: path, look: mono})
		}
		s.add(said(w.Kind), said(unit.FormatBytes(w.Bytes)), said(strconv.Itoa(w.Files)), said(c.home(w.Layer)), places, said(w.Advice))
	}
	return s
}

// parts are the tables of what the size is made of.
func (c Contents) parts() []part {
	grown := c.grown()
	return []part{
		{"What the size is made of", false, c.kinds()},
		{unit.Count(len(grown.rows), "path that grew", "paths that grew most"), false, grown},
		{wasted(c.Waste) + " could be left out", false, c.waste()},
	}
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

// home names a layer, "" when the report does not have it.
func (c Contents) home(i int) string {
	if i < 0 || i >= len(c.Layers) {
		return ""
	}
	l := c.Layers[i]
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
		text += ", " + unit.Count(w.Files, "file", "files")
	}
	if home := c.home(w.Layer); home != "" {
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
		t.parts(c.kinds(), "kinds")
		t.parts(c.grown(), "paths")
		t.waste(maxWaste)
	}
}

// allContents leaves nothing out.
func (t *textWriter) allContents() {
	c := t.r.Contents
	t.block(append(t.labelled("platform", clean(c.Platform), dim), t.labelled("against", clean(c.Baseline), dim)...))
	t.parts(c.kinds(), "kinds")
	t.parts(c.layers(), "layers")
	t.parts(c.grown(), "paths")
	t.waste(len(c.Waste))
}

func (t *textWriter) parts(s sheet, noun string) {
	tab := s.table()
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
