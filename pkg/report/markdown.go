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
	// thirty sections, so all of them stay below MaxSummary. A row that does not
	// fit is left out: cut in two it would be broken markup.
	maxSection = MaxSummary / 30
)

// Markdown writes r as a CI's summary page (GitHub and GitLab flavour): the
// verdict, the gates, the scan, what changed, and the long parts folded. It stays below
// MaxSummary; a section that is too long ends at a row, with a notice.
func Markdown(w io.Writer, r Report) error {
	m := &markdownWriter{r: r}
	m.verdict()
	m.gates()
	if m.r.sizeMissed() {
		m.contents()
	}
	m.scan()
	m.changes()
	if !m.r.sizeMissed() {
		m.contents()
	}
	m.layers()
	m.reports()
	m.stages()
	m.next()
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("writing the report as Markdown: %w", err)
	}
	return nil
}

type markdownWriter struct {
	b strings.Builder
	r Report
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
	written, left := 0, maxSection-len(head)-len(tail)
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

// markdown returns the table's first two lines and its rows. Its cells are
// Markdown already.
func (t table) markdown() (head string, rows []string) {
	widths := t.widths(0)
	var names, rule strings.Builder
	for i, c := range t.columns {
		if widths[i] == 0 {
			continue
		}
		names.WriteString("| " + c.head + " ")
		rule.WriteString("|--")
		if c.right {
			rule.WriteString(":")
		}
	}
	for _, cells := range t.rows {
		var b strings.Builder
		for i, c := range cells {
			if widths[i] > 0 {
				b.WriteString("| " + c.text + " ")
			}
		}
		rows = append(rows, b.String()+"|")
	}
	return names.String() + "|\n" + rule.String() + "|\n", rows
}

// fold writes a table that is hidden under one line until it is asked for.
func (m *markdownWriter) fold(summary string, t table) { m.details("<details>", summary, t) }

func (m *markdownWriter) details(tag, summary string, t table) {
	head, rows := t.markdown()
	m.section(tag+"<summary>"+summary+"</summary>\n\n"+head, rows, "\n</details>\n")
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

func (m *markdownWriter) verdict() {
	title, gap := m.r.outcome(), " "
	if n := m.r.warnings(); n != "" {
		title, gap = title+", "+n, ": "
	}
	if target := escape(m.r.target()); target != "" {
		title += gap + target
	}
	var rows []string
	if subject := m.r.subject(func(digest string) string { return digest }); subject != "" {
		rows = append(rows, code(subject))
	}
	if text := m.r.consequence(); text != "" {
		if len(rows) > 0 {
			rows = append(rows, "")
		}
		rows = append(rows, text)
	}
	m.b.WriteString("### " + title + "\n")
	m.section("", rows, "")

	if m.r.Error != "" {
		lines := cleanLines(m.r.Error, maxError)
		head, tail := fence("text", lines)
		m.section(head, lines, tail)
	}
	rows = nil
	for _, hint := range m.r.Hints {
		rows = append(rows, "- hint: "+escape(hint))
	}
	m.section("", rows, "")
}

func (m *markdownWriter) gates() {
	t := table{columns: []column{{head: "gate"}, {head: "check"}, {head: "stat"}, {head: "baseline", right: true}, {head: "value", right: true},
		{head: "limit"}, {head: "margin"}, {head: "verdict"}, {head: "samples"}, {head: "source"}}}
	var reasons []string
	for _, r := range m.r.gateRows() {
		margin := escape(r.margin)
		if r.bar != "" {
			margin = "`" + r.bar + "` " + margin
		}
		source := strings.TrimSpace(code(r.file) + " " + code(r.pointer))
		t.add(escape(r.name), escape(r.check), escape(r.stat), escape(r.baseline), escape(r.value),
			escape(r.limit), margin, strong(r.verdict), escape(r.samples), source)
		if r.reason != "" {
			reasons = append(reasons, "- "+strong(r.label)+" "+markup(cleanTo(r.reason, maxSentence)))
		}
	}
	head, rows := t.markdown()
	m.section("#### Gates\n\n"+head, rows, "")
	m.section("", reasons, "")
}

// strong makes words stand out that somebody should look at.
func strong(verdict string) string {
	if verdict == refused || verdict == string(gate.Warned) || verdict == notCovered {
		return "**" + verdict + "**"
	}
	return verdict
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
	if size := m.r.Size; size != (Size{}) {
		rows = append(rows, "- size "+size.String())
		if growth := m.r.growth(); growth != "" {
			rows = append(rows, "- growth "+escape(growth)+" against "+code(m.r.Baseline.Ref))
		}
	}
	if text := m.r.moved(); text != "" {
		rows = append(rows, "- layers "+text)
	}
	if text := m.r.transferred(); text != "" {
		rows = append(rows, "- transfer "+text)
	}
	if s := m.r.Signature; s != nil {
		rows = append(rows, "- signed by "+escape(s.signer()))
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

func (m *markdownWriter) layers() {
	t := table{columns: []column{{head: "layer"}, {head: "name"}, {head: "size", right: true}, {head: "origin"}, {head: "paths", right: true}, {head: "platform"}, {head: "digest"}}}
	for _, l := range m.r.Layers {
		t.add(escape(string(l.Kind)), escape(cut(l.Name, maxName)), unit.FormatBytes(l.Size), escape(string(l.Origin)), paths(l), escape(l.Platform), code(short(l.Digest)))
	}
	m.fold(count(len(t.rows), "layer", "layers"), t)
}

func (m *markdownWriter) reports() {
	t := table{columns: []column{{head: "report"}, {head: "format"}, {head: "tests"}, {head: "sha256"}}}
	for _, rep := range m.r.Reports {
		t.add(code(rep.Path), escape(rep.Format), rep.counted(), code(cut(rep.SHA256, shortHex+1)))
	}
	m.fold(count(len(t.rows), "test report", "test reports"), t)
}

func (m *markdownWriter) stages() {
	t := table{columns: []column{{head: "stage"}, {head: "time"}}}
	ran, total := 0, 0.0
	for _, s := range m.r.Stages {
		took := seconds(s.Seconds)
		if s.Skipped != "" {
			took = "skipped: " + escape(s.Skipped)
		} else {
			ran, total = ran+1, total+s.Seconds
		}
		t.add(escape(s.Name), took)
	}
	text := count(ran, "stage", "stages") + " in " + seconds(total)
	if skipped := len(t.rows) - ran; skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	m.fold(text, t)
}

func (m *markdownWriter) next() {
	lines := make([]string, 0, len(m.r.Next))
	for _, command := range m.r.Next {
		lines = append(lines, defuse(printable(command)))
	}
	head, tail := fence("sh", lines)
	m.section("#### Next\n\n"+head, lines, tail)
}
