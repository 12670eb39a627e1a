package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

// severities counts what was found, a row a kind of finding and a column a
// severity. It has no rows when there is nothing to count.
func (r Report) severities() sheet {
	s := heads("findings")
	for level := scan.Critical; level >= scan.Unknown; level-- {
		s.columns = append(s.columns, column{head: level.String(), right: true})
	}
	s.columns = append(s.columns, column{head: "ignored", right: true})
	f := r.Findings
	for _, kind := range []struct {
		name     string
		findings []scan.Finding
	}{{"vulnerabilities", f.Vulnerabilities}, {"models", f.Models}, {"secrets", f.Secrets}} {
		if len(kind.findings) == 0 {
			continue
		}
		counts, ignored := make(map[scan.Severity]int), 0
		for _, o := range r.occurrences(kind.findings) {
			if o.Ignored != nil {
				ignored++
			} else {
				counts[o.Severity]++
			}
		}
		row := []words{said(kind.name)}
		for level := scan.Critical; level >= scan.Unknown; level-- {
			row = append(row, striking(some(counts[level]), level >= scan.High))
		}
		s.add(append(row, said(some(ignored)))...)
	}
	return s
}

// some is a number, "" for 0.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (r Report) coverage() (summary string, s sheet) {
	s = heads("ecosystem", "packages>", "advisories>")
	if r.Findings.Database == nil {
		return "", s
	}
	missed := 0
	for _, c := range r.Findings.Database.Coverage {
		none := c.Advisories <= 0
		known := strconv.Itoa(c.Advisories)
		if none {
			known = notCovered
			missed++
		}
		s.add(said(c.Ecosystem), said(strconv.Itoa(c.Packages)), striking(known, none))
	}
	summary = unit.Count(len(s.rows), "ecosystem", "ecosystems") + " of packages"
	if missed > 0 {
		summary += ", " + strconv.Itoa(missed) + " not covered"
	}
	return summary, s
}

// advisory is a finding's name, linked to what is known about it.
func advisory(f scan.Finding) words { return words{{text: f.ID, href: f.Link, look: firm}} }

// severity is a finding's, loud from high on.
func severity(f scan.Finding) words { return striking(f.Severity.String(), f.Severity >= scan.High) }

func (r Report) vulnerabilities() sheet {
	s := heads("severity", "vulnerability", "package", "installed", "fixed", "path", "title", "source", "platform")
	for _, o := range r.counting(r.Findings.Vulnerabilities) {
		fixed := o.Fixed
		if fixed == "" {
			fixed = "none yet"
		}
		s.add(severity(o.Finding), advisory(o.Finding), said(o.Package), coded(o.Version), said(fixed), coded(o.Path), said(o.Title), said(o.Source), said(o.where(r)))
	}
	return s
}

func (r Report) risks() sheet {
	s := heads("severity", "risk", "model file", "byte>", "calls", "why", "instead", "platform")
	for _, o := range r.counting(r.Findings.Models) {
		offset := ""
		if o.Offset > 0 {
			offset = strconv.FormatInt(o.Offset, 10)
		}
		s.add(severity(o.Finding), advisory(o.Finding), coded(o.Path), said(offset), coded(o.Calls), said(o.Title), said(o.Convert), said(o.where(r)))
	}
	return s
}

func (r Report) leaks() sheet {
	s := heads("severity", "secret", "place", "what", "platform")
	for _, o := range r.counting(r.Findings.Secrets) {
		s.add(severity(o.Finding), advisory(o.Finding), coded(spot(o.Finding)), said(o.Title), said(o.where(r)))
	}
	return s
}

func (r Report) dismissed() sheet {
	s := heads("ignored", "severity", "in", "until", "by", "reason")
	for _, o := range r.ignored() {
		s.add(advisory(o.Finding), said(o.Severity.String()), coded(about(o.Finding)), said(until(*o.Ignored)), coded(o.Ignored.By), said(reason(*o.Ignored)))
	}
	return s
}

func (r Report) licenceSheet() sheet {
	s := heads("licence", "category", "packages and models>", "such as")
	for _, l := range r.licences() {
		s.add(said(l.name), said(l.category), said(strconv.Itoa(len(l.holders))), said(strings.Join(l.holders[:min(len(l.holders), 3)], ", ")))
	}
	return s
}

func (r Report) modelFiles() sheet {
	s := heads("model", "format", "framework", "architecture", "parameters>", "dtypes", "licence")
	for _, f := range r.inventory() {
		framework := f.Framework
		if framework != "" && f.Version != "" { // without a framework it is the format's
			framework += " " + f.Version
		}
		s.add(coded(f.Path), said(formatted(f)), said(framework), said(f.Architecture), said(parameters(f.Parameters)), said(listed(f.Dtypes)), said(f.License))
	}
	return s
}

// part is one table of what a scan found.
type part struct {
	title string
	open  bool // counts, and is what people look for
	sheet sheet
}

// found are the tables of a scan, those first that count.
func (r Report) found() []part {
	counted := func(one, many string, s sheet) part { return part{unit.Count(len(s.rows), one, many), true, s} }
	folded := func(one, many string, s sheet) part { return part{unit.Count(len(s.rows), one, many), false, s} }
	summary, coverage := r.coverage()
	return []part{
		counted("vulnerability", "vulnerabilities", r.vulnerabilities()),
		counted("finding in models", "findings in models", r.risks()),
		counted("secret", "secrets", r.leaks()),
		folded("ignored finding", "ignored findings", r.dismissed()),
		folded("licence", "licences", r.licenceSheet()),
		folded("model file", "model files", r.modelFiles()),
		{summary, false, coverage},
	}
}

// unseen are the lists of what a scan did not look at.
func (r Report) unseen() []part {
	list := func(texts []string, what string, open bool) part {
		s := sheet{columns: []column{{head: what}}}
		for _, text := range texts {
			s.add(said(text))
		}
		return part{fmt.Sprintf("%s %s", unit.Count(len(texts), "thing", "things"), what), open, s}
	}
	return []part{list(r.unscanned(), "could not be looked at", true), list(r.skipped(), "left out on purpose", false)}
}

// attested are the statements beside the image.
func (r Report) attested() sheet {
	s := heads("statement", "digest")
	for _, a := range r.Attestations {
		s.add(said(a.Type), coded(short(a.Digest)))
	}
	return s
}

// layersSheet is the image layer by layer, with what was reused.
func (r Report) layersSheet() sheet {
	s := heads("layer", "name", "size>", "share", "origin", "paths>", "platform", "digest")
	total := int64(0)
	for _, l := range r.Layers {
		total = max(total, l.Size)
	}
	for _, l := range r.Layers {
		s.add(said(string(l.Kind)), said(cut(l.Name, maxName)), said(unit.FormatBytes(l.Size)), words{meter(l.Size, total)},
			said(string(l.Origin)), said(paths(l)), said(l.Platform), coded(short(l.Digest)))
	}
	return s
}

func (r Report) reportsSheet() sheet {
	s := heads("report", "format", "tests", "sha256")
	for _, rep := range r.Reports {
		s.add(coded(rep.Path), said(rep.Format), said(rep.counted()), coded(cut(rep.SHA256, shortHex+1)))
	}
	return s
}

// stagesSheet is where the time went, and its title.
func (r Report) stagesSheet() (title string, s sheet) {
	s = heads("stage", "time>", "share", "skipped")
	ran, total, longest := 0, 0.0, 0.0
	for _, stage := range r.Stages {
		if stage.Skipped == "" {
			ran, total, longest = ran+1, total+stage.Seconds, max(longest, stage.Seconds)
		}
	}
	const precision = 1000 // milliseconds
	for _, stage := range r.Stages {
		if stage.Skipped != "" {
			s.add(said(stage.Name), said("–"), nil, said(stage.Skipped))
			continue
		}
		s.add(said(stage.Name), said(seconds(stage.Seconds)), words{meter(int64(stage.Seconds*precision), int64(longest*precision))}, nil)
	}
	title = unit.Count(ran, "stage", "stages") + " in " + seconds(total)
	if skipped := len(s.rows) - ran; skipped > 0 {
		title += fmt.Sprintf(", %d skipped", skipped)
	}
	return title, s
}
