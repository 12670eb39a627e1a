package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// Document is the plan as JSON. Fields are only ever added.
type Document struct {
	Image     string   `json:"image"`
	Base      Base     `json:"base"`
	Platforms []string `json:"platforms"`
	Version   string   `json:"version"`
	Channel   string   `json:"channel"`
	Tags      []Tag    `json:"tags"`
	App       []Copy   `json:"app"`
	Models    []Copy   `json:"models"`
	User      string   `json:"user"`
	Reports   []string `json:"reports"`
	Gates     []string `json:"gates"`
	ReuseFrom []string `json:"reuseFrom"`
	Baseline  string   `json:"baseline"`
	Notes     []string `json:"notes"`
}

// Base is the base as asked for and as pinned.
type Base struct {
	Ref    string `json:"ref"`
	Pinned string `json:"pinned"`
}

// Tag is a tag that the run would move, and why.
type Tag struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Copy is what goes where.
type Copy struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Document describes the plan. Slices are never nil.
func (p Plan) Document() Document {
	d := Document{
		Image: p.Target.Name(), Base: Base{Ref: p.Build.Base.Ref, Pinned: p.Build.Base.Pinned()},
		Version: p.Release.Version, Channel: p.Release.Channel, User: p.Build.Config.User,
		Platforms: []string{}, Tags: []Tag{}, App: []Copy{}, Models: []Copy{},
		Reports: append([]string{}, p.Reports...), Gates: []string{},
		ReuseFrom: append([]string{}, p.ReuseFrom...), Notes: append([]string{}, p.Notes...),
	}
	for _, platform := range p.Build.Platforms {
		d.Platforms = append(d.Platforms, platform.String())
	}
	for _, t := range p.Release.Tags {
		d.Tags = append(d.Tags, Tag{Name: t.Name, Why: t.Why})
	}
	for _, c := range p.Build.App {
		d.App = append(d.App, Copy{From: c.From, To: c.To})
	}
	for _, c := range p.Build.Models {
		d.Models = append(d.Models, Copy{From: c.From, To: c.To})
	}
	d.Gates = gates(p.Gates)
	if p.Baseline != nil {
		d.Baseline = p.Baseline.Ref
	}
	return d
}

// gates are the limits in the words of the config.
func gates(p gate.Policy) []string {
	lines := []string{}
	add := func(name, op string, limit *unit.Quantity) {
		if limit != nil {
			lines = append(lines, fmt.Sprintf("%s %s %s", name, op, limit.Precise()))
		}
	}
	add("size", "<=", p.Size.Max)
	add("size (warning)", "<=", p.Size.Warn)
	add("size unpacked", "<=", p.Size.Unpacked)
	add("size growth", "<=", p.Size.Growth)
	for _, m := range p.Metrics {
		add(m.String(), ">=", m.Min)
		add(m.String(), "<=", m.Max)
		add(m.String(), "==", m.Equals)
		add(m.String()+" regression", "<=", m.Regression)
		add(m.String()+" improvement", ">=", m.Improvement)
	}
	for _, r := range p.Rules {
		lines = append(lines, r.Name+": "+r.Expression.String())
	}
	return lines
}

// JSON writes the document, indented, with a final newline.
func (p Plan) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(p.Document())
}

// Text writes the plan as a table for people.
func (p Plan) Text(w io.Writer) error {
	d := p.Document()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(label string, values ...string) {
		for _, v := range values {
			fmt.Fprintf(t, "%s\t%s\n", label, v)
			label = ""
		}
	}
	row("image", d.Image)
	row("base", d.Base.Pinned)
	row("platforms", strings.Join(d.Platforms, ", "))
	row("version", d.Version)
	for i, tag := range d.Tags {
		row([]string{"tags", ""}[min(i, 1)], fmt.Sprintf("%s  (%s)", tag.Name, tag.Why))
	}
	if len(d.Tags) == 0 {
		row("tags", "none: "+p.Release.Why)
	}
	for _, c := range append(append([]Copy{}, d.Models...), d.App...) {
		row("copy", c.From+" -> "+c.To)
	}
	row("user", d.User)
	row("reports", d.Reports...)
	row("gates", d.Gates...)
	row("reuse", d.ReuseFrom...)
	row("note", d.Notes...)
	return t.Flush()
}
