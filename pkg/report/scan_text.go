package report

import (
	"cmp"
	"fmt"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

const (
	maxFound = 20 // findings of one kind on the terminal
	maxNotes = 10 // lines on what was not looked at, and on ecosystems
	maxWide  = 24 // characters of a version, or of anything else beside a path

	maxReason = 200 // characters of a reason to ignore something
)

// notSeen labels what should have been looked at and could not be.
const notSeen = "not seen"

func severityInk(s scan.Severity) ink {
	switch s {
	case scan.Critical:
		return red + ";" + bold
	case scan.High:
		return red
	case scan.Medium:
		return yellow
	}
	return dim
}

// scan is what the scan found: what counts, the database that says so, and what
// was not looked at, then a table for each kind. Nothing when no scanner looked.
func (t *textWriter) scan() {
	if !t.r.Findings.Ran {
		return
	}
	lines := []string{t.style.paint("SCAN", dim)}
	for _, f := range t.r.facts() {
		color := dim
		if f.alarm {
			color = yellow
		}
		lines = append(lines, t.labelled(f.label, clean(f.text), color)...)
	}
	if db := t.r.Findings.Database; db != nil {
		var known []string
		for _, c := range db.Coverage {
			known = append(known, fmt.Sprintf("%s: %s, %s", c.Ecosystem, unit.Count(c.Packages, "package", "packages"), advisories(c)))
		}
		lines = append(lines, t.list("coverage", known, maxNotes)...)
	}
	lines = append(lines, t.list(notSeen, t.r.unscanned(), maxNotes)...)
	t.block(append(lines, t.list("skipped", t.r.skipped(), maxNotes)...))

	t.firstRows(t.vulnerabilities(), maxFound, "vulnerabilities")
	t.firstRows(t.risks(), maxFound, "findings in models")
	t.firstRows(t.secrets(), maxFound, "secrets")
	t.block(t.ignored())
	t.firstRows(t.inventory(), maxFound, "model files")
}

// list writes texts below each other behind one label, at most limit of them.
func (t *textWriter) list(label string, texts []string, limit int) (lines []string) {
	color := dim
	if label == notSeen {
		color = yellow
	}
	for i, text := range texts {
		if i == limit {
			return append(lines, t.labelled("", fmt.Sprintf("… and %d more in %s", len(texts)-i, JSONFile), "")...)
		}
		lines = append(lines, t.labelled(label, clean(text), color)...)
		label = ""
	}
	return lines
}

// narrow is text for a column that must leave room for others.
func narrow(text string) cell { return cell{text: cut(clean(text), maxWide)} }

func severe(f scan.Finding) cell { return cell{f.Severity.String(), severityInk(f.Severity)} }

func (t *textWriter) vulnerabilities() table {
	tab := table{columns: []column{{head: "SEVERITY"}, {head: "VULNERABILITY"}, {head: "PACKAGE"}, {head: "INSTALLED"}, {head: "FIXED"},
		{head: "PATH", flex: true, tail: true, drop: 1}, {head: "PLATFORM", drop: 2}}}
	for _, o := range t.r.counting(t.r.Findings.Vulnerabilities) {
		fixed := narrow(o.Fixed)
		if o.Fixed == "" {
			fixed = cell{"none yet", dim}
		}
		tab.rows = append(tab.rows, []cell{severe(o.Finding), narrow(o.ID), {text: cutFront(clean(o.Package), maxWide)}, narrow(o.Version), fixed,
			{text: clean(o.Path)}, {text: clean(o.where(t.r))}})
	}
	return tab
}

func (t *textWriter) risks() table {
	tab := table{columns: []column{{head: "SEVERITY"}, {head: "RISK"}, {head: "MODEL FILE", flex: true, tail: true}, {head: "WHAT", drop: 1}, {head: "PLATFORM", drop: 2}}}
	for _, o := range t.r.counting(t.r.Findings.Models) {
		tab.rows = append(tab.rows, []cell{severe(o.Finding), narrow(o.ID), {text: clean(o.Path)}, {text: cut(clean(cmp.Or(o.Calls, o.Title)), maxName)}, {text: clean(o.where(t.r))}})
	}
	return tab
}

func (t *textWriter) secrets() table {
	tab := table{columns: []column{{head: "SEVERITY"}, {head: "SECRET"}, {head: "PLACE", flex: true, tail: true}, {head: "WHAT", drop: 1}, {head: "PLATFORM", drop: 2}}}
	for _, o := range t.r.counting(t.r.Findings.Secrets) {
		tab.rows = append(tab.rows, []cell{severe(o.Finding), narrow(o.ID), {text: clean(spot(o.Finding))}, {text: cut(clean(o.Title), maxName)}, {text: clean(o.where(t.r))}})
	}
	return tab
}

// ignored are the findings that do not count, each with its reason in whole.
func (t *textWriter) ignored() []string {
	var all []string
	for _, o := range t.r.ignored() {
		all = append(all, fmt.Sprintf("%s (%s) in %s, %s: %s (%s)", cut(clean(o.ID), maxName), o.Severity, cutFront(clean(about(o.Finding)), maxName),
			cut(clean(until(*o.Ignored)), maxWide), cut(clean(reason(*o.Ignored)), maxReason), cut(clean(o.Ignored.By), maxName)))
	}
	return t.list("ignored", all, maxFound)
}

func (t *textWriter) inventory() table {
	tab := table{columns: []column{{head: "MODEL", flex: true, tail: true}, {head: "FORMAT"}, {head: "PARAMETERS", right: true, drop: 1}, {head: "DTYPES", drop: 2}, {head: "LICENCE", drop: 3}}}
	for _, m := range t.r.inventory() {
		tab.rows = append(tab.rows, []cell{{text: clean(m.Path)}, narrow(formatted(m)), {text: parameters(m.Parameters)}, narrow(listed(m.Dtypes)), narrow(m.License)})
	}
	return tab
}
