package report

import (
	"strconv"

	"github.com/org/ai-ship/pkg/scan"
)

// scan is what the scan found, its tables folded. Nothing when no scanner
// looked.
func (m *markdownWriter) scan() {
	if !m.r.Findings.Ran {
		return
	}
	var rows []string
	for _, f := range m.r.facts() {
		text := escape(f.text)
		if f.alarm {
			text = "**" + text + "**"
		}
		rows = append(rows, "- "+f.label+": "+text)
	}
	m.section("#### Scan\n\n", rows, "")
	m.coverage()
	m.vulnerabilities()
	m.risks()
	m.secrets()
	m.ignored()
	m.licences()
	m.inventory()
	m.notes("<details open>", "could not be looked at", m.r.unscanned())
	m.notes("<details>", "left out on purpose", m.r.skipped())
}

func (m *markdownWriter) coverage() {
	db := m.r.Findings.Database
	if db == nil {
		return
	}
	t, missed := table{columns: []column{{head: "ecosystem"}, {head: "packages", right: true}, {head: "advisories", right: true}}}, 0
	for _, c := range db.Coverage {
		known := strconv.Itoa(c.Advisories)
		if c.Advisories <= 0 {
			known = strong(advisories(c))
			missed++
		}
		t.add(escape(c.Ecosystem), strconv.Itoa(c.Packages), known)
	}
	summary := count(len(t.rows), "ecosystem", "ecosystems") + " of packages"
	if missed > 0 {
		summary += ", " + strconv.Itoa(missed) + " not covered"
	}
	m.fold(summary, t)
}

// counted opens what counts, which is what people look for.
func (m *markdownWriter) counted(one, many string, t table) {
	m.details("<details open>", count(len(t.rows), one, many), t)
}

// advisory is a finding's name, linked to what is known about it.
func advisory(f scan.Finding) string {
	if address := link(f.Link); address != "" {
		return "[" + escape(f.ID) + "](" + address + ")"
	}
	return escape(f.ID)
}

func (m *markdownWriter) vulnerabilities() {
	t := table{columns: []column{{head: "severity"}, {head: "vulnerability"}, {head: "package"}, {head: "installed"}, {head: "fixed"}, {head: "path"}, {head: "title"}, {head: "source"}, {head: "platform"}}}
	for _, o := range m.r.counting(m.r.Findings.Vulnerabilities) {
		fixed := escape(o.Fixed)
		if o.Fixed == "" {
			fixed = "none yet"
		}
		t.add(o.Severity.String(), advisory(o.Finding), escape(o.Package), code(o.Version), fixed, code(o.Path), escape(o.Title), escape(o.Source), escape(o.where(m.r)))
	}
	m.counted("vulnerability", "vulnerabilities", t)
}

func (m *markdownWriter) risks() {
	t := table{columns: []column{{head: "severity"}, {head: "risk"}, {head: "model file"}, {head: "byte", right: true}, {head: "calls"}, {head: "why"}, {head: "instead"}, {head: "platform"}}}
	for _, o := range m.r.counting(m.r.Findings.Models) {
		offset := ""
		if o.Offset > 0 {
			offset = strconv.FormatInt(o.Offset, 10)
		}
		t.add(o.Severity.String(), advisory(o.Finding), code(o.Path), offset, code(o.Calls), escape(o.Title), escape(o.Convert), escape(o.where(m.r)))
	}
	m.counted("finding in models", "findings in models", t)
}

func (m *markdownWriter) secrets() {
	t := table{columns: []column{{head: "severity"}, {head: "secret"}, {head: "place"}, {head: "what"}, {head: "platform"}}}
	for _, o := range m.r.counting(m.r.Findings.Secrets) {
		t.add(o.Severity.String(), advisory(o.Finding), code(spot(o.Finding)), escape(o.Title), escape(o.where(m.r)))
	}
	m.counted("secret", "secrets", t)
}

func (m *markdownWriter) ignored() {
	t := table{columns: []column{{head: "ignored"}, {head: "severity"}, {head: "in"}, {head: "until"}, {head: "by"}, {head: "reason"}}}
	for _, o := range m.r.ignored() {
		t.add(advisory(o.Finding), o.Severity.String(), code(about(o.Finding)), escape(until(*o.Ignored)), code(o.Ignored.By), escape(reason(*o.Ignored)))
	}
	m.fold(count(len(t.rows), "ignored finding", "ignored findings"), t)
}

func (m *markdownWriter) inventory() {
	t := table{columns: []column{{head: "model"}, {head: "format"}, {head: "framework"}, {head: "architecture"}, {head: "parameters", right: true}, {head: "dtypes"}, {head: "licence"}}}
	for _, f := range m.r.inventory() {
		framework := f.Framework
		if framework != "" && f.Version != "" { // without a framework it is the format's
			framework += " " + f.Version
		}
		t.add(code(f.Path), escape(formatted(f)), escape(framework), escape(f.Architecture), parameters(f.Parameters), escape(listed(f.Dtypes)), escape(f.License))
	}
	m.fold(count(len(t.rows), "model file", "model files"), t)
}

func (m *markdownWriter) notes(tag, what string, texts []string) {
	var rows []string
	for _, text := range texts {
		rows = append(rows, "- "+escape(text))
	}
	m.section(tag+"<summary>"+count(len(texts), "thing", "things")+" "+what+"</summary>\n\n", rows, "\n</details>\n")
}
