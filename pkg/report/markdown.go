package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// MaxSummary is the size that Markdown stays below, in bytes: GitHub drops a
// step's summary that is larger (1 MiB per step).
const MaxSummary = 1 << 20

const (
	// maxSection bounds one section's rows in bytes. There are fewer than
	// forty sections, so all of them stay below MaxSummary. A row that does not
	// fit is left out: cut in two it would be broken markup.
	maxSection = MaxSummary / 40
	// fewLayers are shown without being asked for.
	fewLayers = 12
)

// Markdown writes r as a CI's summary page (GitHub and GitLab flavour): the
// verdict, the gates, the image, what changed, the scan, and the long parts
// folded. It stays below MaxSummary; a section that is too long ends at a row,
// with a notice. Charts are drawn by Mermaid; each stands beside a table.
func Markdown(w io.Writer, r Report) error {
	m := &markdownWriter{r: r, budget: maxSection}
	m.verdict()
	m.gates()
	m.image()
	m.changes()
	m.past()
	m.scan()
	m.signature()
	m.fold(unit.Count(len(r.Reports), "test report", "test reports"), r.reportsSheet())
	m.fold(r.stagesSheet())
	m.next()
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing the report as Markdown: %w", err)
	}
	return nil
}

type markdownWriter struct {
	b      strings.Builder
	r      Report
	budget int // bytes of one section
}

// section writes rows between head and tail, nothing when there are no rows.
// The notice of a cut section stands outside of what tail closes.
func (m *markdownWriter) section(head string, rows []string, tail string) {
	if len(rows) == 0 {
		return
	}
	if m.b.Len() > 0 {
		m.b.WriteString("\n")
	}
	m.b.WriteString(head)
	written, left := 0, m.budget-len(head)-len(tail)
	for _, row := range rows {
		if len(row)+1 > left {
			break
		}
		m.b.WriteString(row + "\n")
		left -= len(row) + 1
		written++
	}
	m.b.WriteString(tail)
	if more := len(rows) - written; more > 0 {
		fmt.Fprintf(&m.b, "\n*Cut here: %d more in %s.*\n", more, JSONFile)
	}
}

func (m *markdownWriter) sheet(title string, s sheet) {
	head, rows := s.markdown()
	m.section(title+head, rows, "")
}

// fold writes a table that is hidden under one line until it is asked for.
func (m *markdownWriter) fold(summary string, s sheet) { m.details(part{summary, false, s}) }

func (m *markdownWriter) details(p part) {
	head, rows := p.sheet.markdown()
	m.section(unfold(p.open)+"<summary>"+p.title+"</summary>\n\n"+head, rows, "\n</details>\n")
}

func unfold(open bool) string {
	if open {
		return "<details open>"
	}
	return "<details>"
}

// fence returns lines as a code block that none of them can end.
func fence(language string, lines []string) (head string, tail string) {
	ticks := "```"
	for _, line := range lines {
		for strings.Contains(line, ticks) {
			ticks += "`"
		}
	}
	return ticks + language + "\n", ticks + "\n"
}

// headline is the run in a line.
func (r Report) headline() string {
	title, gap := r.outcome(), " "
	if n := r.warnings(); n != "" {
		title, gap = title+", "+n, ": "
	}
	if target := r.target(); target != "" {
		title += gap + target
	}
	return title
}

// ending is what the run left behind, and how the process ended, a sentence each.
func (r Report) ending() []string {
	var sentences []string
	if text := r.consequence(); text != "" {
		sentences = append(sentences, text)
	}
	if r.Exit != 0 {
		sentences = append(sentences, fmt.Sprintf("Exit code %d.", r.Exit))
	}
	return sentences
}

func (m *markdownWriter) verdict() {
	var rows []string
	if subject := m.r.subject(func(digest string) string { return digest }); subject != "" {
		rows = append(rows, code(subject))
	}
	for _, text := range m.r.ending() {
		if len(rows) > 0 {
			rows = append(rows, "")
		}
		rows = append(rows, text)
	}
	m.b.WriteString("### " + escape(m.r.headline()) + "\n")
	m.section("", rows, "")
	m.failure()
}

// failure is why the run ended, and what to do about it.
func (m *markdownWriter) failure() {
	if m.r.Error != "" {
		lines := cleanLines(m.r.Error, maxError)
		head, tail := fence("text", lines)
		m.section(head, lines, tail)
	}
	var rows []string
	for _, hint := range m.r.Hints {
		rows = append(rows, "- hint: "+escape(hint))
	}
	m.section("", rows, "")
}

// verdictOf is a gate's verdict, loud where somebody should look at it.
func verdictOf(verdict string) words {
	return striking(verdict, verdict == refused || verdict == string(gate.Warned))
}

// gatesSheet is a line a gate.
func (r Report) gatesSheet() sheet {
	s := heads("verdict", "gate", "check", "stat", "baseline>", "value>", "limit>", "margin", "samples", "source")
	for i, row := range r.gateRows() {
		var margin words
		if row.bar != "" {
			margin = words{{text: row.bar, look: drawn, bar: gauge(r.Gates[i])}}
		}
		s.add(verdictOf(row.verdict), said(row.name), said(row.check), said(row.stat), said(row.baseline), said(row.value), said(row.limit),
			append(margin, said(row.margin)...), said(row.samples), words{{text: row.file, look: mono}, {text: row.pointer, look: mono}})
	}
	return s
}

func (m *markdownWriter) gates() {
	m.sheet("#### Gates\n\n", m.r.gatesSheet())
	m.reasons(func(gateRow) bool { return true })
}

// reasons lists what the table does not say of the gates that are kept.
func (m *markdownWriter) reasons(keep func(gateRow) bool) {
	var rows []string
	for _, r := range m.r.gateRows() {
		if r.reason != "" && keep(r) {
			rows = append(rows, "- "+verdictOf(r.label).markdown()+" "+markup(cleanTo(r.reason, maxSentence)))
		}
	}
	m.section("", rows, "")
}

// built is the image in lines.
func (r Report) built() []fact {
	var facts []fact
	add := func(label, text string) {
		if text != "" {
			facts = append(facts, fact{label: label, text: text})
		}
	}
	if r.Size != (Size{}) {
		add("size", r.Size.String())
	}
	base := r.Base.Ref
	if r.Base.Digest != "" && !strings.Contains(base, "@") {
		base = strings.TrimSpace(base + " " + short(r.Base.Digest))
	}
	add("base", base)
	add("platforms", strings.Join(r.Platforms, ", "))
	add("layers", r.moved())
	add("transfer", r.transferred())
	return facts
}

func (m *markdownWriter) facts(title string, facts []fact) {
	var rows []string
	for _, f := range facts {
		rows = append(rows, "- "+f.label+": "+striking(f.text, f.alarm).markdown())
	}
	m.section(title, rows, "")
}

func (m *markdownWriter) image() {
	m.facts("#### Image\n\n", m.r.built())
	s := m.r.layersSheet()
	m.details(part{unit.Count(len(s.rows), "layer", "layers"), len(s.rows) <= fewLayers, s})
	m.contents()
}

func (m *markdownWriter) contents() {
	c := m.r.Contents
	if !m.r.worthSaying() {
		return
	}
	open := m.r.sizeMissed()
	for i, p := range c.parts() {
		p.open = open
		m.details(p)
		if i == 0 {
			m.chart("The same as a chart", pie("Compressed size by kind, in MB", c.Kinds))
		}
	}
	if c.Note != "" {
		m.section("", []string{"Note: " + escape(c.Note)}, "")
	}
}

// chart folds a Mermaid chart; nothing for no lines.
func (m *markdownWriter) chart(summary string, lines []string) {
	if len(lines) == 0 {
		return
	}
	head, tail := fence("mermaid", lines)
	m.section("<details><summary>"+summary+"</summary>\n\n"+head, lines, tail+"\n</details>\n")
}

func (m *markdownWriter) changes() {
	var rows []string
	verb := "now points to"
	if m.r.DryRun {
		verb = "would point to"
	}
	for _, mv := range m.r.changes() {
		line := fmt.Sprintf("- tag %s %s %s", code(mv.Tag), verb, code(mv.To))
		switch mv.From {
		case "":
			line += ", new"
		case mv.To:
			line += ", as before"
		default:
			line += ", before " + code(mv.From)
		}
		rows = append(rows, line)
	}
	if growth := m.r.growth(); growth != "" && m.r.Size != (Size{}) {
		rows = append(rows, "- growth "+escape(growth)+" against "+code(m.r.Baseline.Ref))
	}
	m.section("#### What changed\n\n", rows, "")
}

// moved sums the layers by whether they are new to the registry.
func (r Report) moved() string {
	var fresh, kept int
	var freshBytes, keptBytes int64
	for _, l := range r.Layers {
		if l.Origin == Built || l.Origin == Uploaded {
			fresh, freshBytes = fresh+1, freshBytes+l.Size
		} else {
			kept, keptBytes = kept+1, keptBytes+l.Size
		}
	}
	var parts []string
	if fresh > 0 {
		parts = append(parts, fmt.Sprintf("%d new (%s)", fresh, unit.FormatBytes(freshBytes)))
	}
	if kept > 0 {
		parts = append(parts, fmt.Sprintf("%d known (%s)", kept, unit.FormatBytes(keptBytes)))
	}
	return strings.Join(parts, ", ")
}

// past is what the channel's images were like.
func (m *markdownWriter) past() {
	s := m.r.pastSheet()
	m.fold(unit.Count(len(m.r.History), "image", "images")+" before this one", s)
	m.chart("Their sizes as a chart", line("Compressed size", "MB", m.r.sizes()))
}

// scan is what the scan found. Nothing when no scanner looked.
func (m *markdownWriter) scan() {
	if !m.r.Findings.Ran {
		return
	}
	m.facts("#### Scan\n\n", m.r.facts())
	m.sheet("", m.r.severities())
	for _, p := range append(m.r.found(), m.r.unseen()...) {
		m.details(p)
	}
}

// signing is who signed the digest, in lines.
func (r Report) signing() []fact {
	s := r.Signature
	if s == nil {
		return nil
	}
	facts := []fact{{label: "signed by", text: s.signer()}}
	if s.Log != "" {
		facts = append(facts, fact{label: "log", text: s.Log})
	}
	return facts
}

func (m *markdownWriter) signature() {
	m.facts("#### Signature\n\n", m.r.signing())
	s := m.r.attested()
	m.fold(unit.Count(len(s.rows), "attestation", "attestations"), s)
}

func (m *markdownWriter) next() {
	lines := m.r.commands()
	head, tail := fence("sh", lines)
	m.section("#### Next\n\n"+head, lines, tail)
}

// commands are the next commands, as they are but for control characters: they
// are there to be copied.
func (r Report) commands() []string {
	lines := make([]string, 0, len(r.Next))
	for _, command := range r.Next {
		lines = append(lines, defuse(printable(command)))
	}
	return lines
}
