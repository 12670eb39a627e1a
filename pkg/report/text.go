package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// Style is how Text may write.
type Style struct {
	Color bool // ANSI colours; whether NO_COLOR or a pipe forbids them is the caller's to know
	Width int  // columns of the terminal; 0 cuts and wraps nothing
}

const (
	maxRows  = 40 // rows of one table on the terminal
	maxError = 60 // lines of an error
	maxName  = 40 // characters of a layer's name
	label    = 10 // columns that labels such as "transfer" take
)

// Text writes r for a person at a terminal: the verdict, the gates, what the
// scan found, the image, what was moved, the stages and what to do next.
func Text(w io.Writer, r Report, style Style) error {
	t := &textWriter{style: style, r: r}
	t.verdict()
	t.gates()
	if t.r.sizeMissed() {
		t.contents()
	}
	t.scan()
	t.image()
	if !t.r.sizeMissed() {
		t.contents()
	}
	t.reports()
	t.moves()
	t.stages()
	t.next()
	return t.flush(w)
}

type textWriter struct {
	b     strings.Builder
	style Style
	r     Report
}

func (t *textWriter) line(text string) { t.b.WriteString(text + "\n") }

// block writes lines after an empty line; nothing for no lines.
func (t *textWriter) block(lines []string) {
	if len(lines) == 0 {
		return
	}
	t.line("")
	for _, line := range lines {
		t.line(line)
	}
}

// rows writes a table as a block, cut after maxRows.
func (t *textWriter) rows(tab table, noun string) { t.firstRows(tab, maxRows, noun) }

func (t *textWriter) firstRows(tab table, limit int, noun string) {
	more := len(tab.rows) - limit
	if more > 0 {
		tab.rows = tab.rows[:limit]
	}
	lines := tab.lines(t.style)
	if more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more %s in %s", more, noun, JSONFile))
	}
	t.block(lines)
}

// labelled returns text, wrapped, behind a label; "" gives no lines.
func (t *textWriter) labelled(name, text string, color ink) []string {
	if text == "" {
		return nil
	}
	width := 0
	if t.style.Width > 0 {
		width = max(t.style.Width-label, minColumn)
	}
	lines := wrap(text, width)
	for i := range lines {
		head := strings.Repeat(" ", label)
		if i == 0 {
			head = t.style.paint(name, color) + strings.Repeat(" ", max(label-len(name), 1))
		}
		lines[i] = head + lines[i]
	}
	return lines
}

func inkOf(verdict string) ink {
	switch verdict {
	case refused, failed:
		return red
	case string(gate.Warned):
		return yellow
	}
	return green
}

func (t *textWriter) verdict() {
	outcome := t.r.outcome()
	head := t.style.paint(outcome, inkOf(outcome)+";"+bold)
	if n := t.r.warnings(); n != "" {
		head += ", " + t.style.paint(n, yellow)
	}
	parts := []string{head}
	for _, part := range []string{t.r.subject(short), t.r.target()} {
		if part = clean(part); part != "" {
			parts = append(parts, part)
		}
	}
	t.line(strings.Join(parts, "  "))
	if text := t.r.consequence(); text != "" {
		t.line(text)
	}
	t.block(t.failure())
}

func (t *textWriter) failure() []string {
	if t.r.Error == "" {
		return nil
	}
	lines := cleanLines(t.r.Error, maxError)
	if len(lines) == 1 {
		lines = t.labelled("error", lines[0], red)
	} else { // a file's lines and a caret: their columns must stay
		lines = append([]string{t.style.paint("error", red)}, lines...)
	}
	for _, hint := range t.r.Hints {
		lines = append(lines, t.labelled("hint", clean(hint), yellow)...)
	}
	return lines
}

func (t *textWriter) gates() {
	tab := table{columns: []column{{head: "GATE"}, {head: "CHECK"}, {head: "STAT"}, {head: "BASELINE", right: true, drop: 2}, {head: "VALUE", right: true},
		{head: "LIMIT"}, {drop: 3}, {head: "MARGIN", right: true, drop: 1}, {head: "VERDICT"}, {head: "SAMPLES", drop: 4}}}
	var reasons []string
	for _, row := range t.r.gateRows() {
		color := inkOf(row.verdict)
		tab.rows = append(tab.rows, []cell{{text: clean(row.name)}, {text: clean(row.check)}, {text: clean(row.stat)}, {text: clean(row.baseline)}, {text: clean(row.value)},
			{text: clean(row.limit)}, {row.bar, color}, {text: row.margin}, {row.verdict, color}, {text: row.samples}})
		if row.reason != "" {
			reasons = append(reasons, t.labelled(row.label, cleanTo(row.reason, maxSentence), color)...)
		}
	}
	t.rows(tab, "gates")
	t.block(reasons)
}

func (t *textWriter) image() {
	tab := table{columns: []column{{head: "LAYER"}, {head: "NAME"}, {head: "SIZE", right: true}, {head: "ORIGIN"}, {head: "PATHS", right: true}, {head: "PLATFORM"}, {head: "DIGEST"}}}
	for _, l := range t.r.Layers {
		tab.rows = append(tab.rows, []cell{{text: clean(string(l.Kind))}, {text: cut(clean(l.Name), maxName)}, {text: unit.FormatBytes(l.Size)}, {text: clean(string(l.Origin))},
			{text: paths(l)}, {text: clean(l.Platform)}, {clean(short(l.Digest)), dim}})
	}
	t.rows(tab, "layers")

	lines := t.labelled("digest", clean(t.r.Digest), "") // whole, to be copied
	if size := t.r.Size; size != (Size{}) {
		lines = append(lines, t.labelled("size", size.String(), "")...)
	}
	if growth := t.r.growth(); growth != "" && t.r.Size != (Size{}) {
		lines = append(lines, t.labelled("growth", growth+" against "+clean(shortRef(t.r.Baseline.Ref)), "")...)
	}
	t.block(append(lines, t.labelled("transfer", t.r.transferred(), "")...))
}

// String prints both sizes, as 412 MB compressed, 1.1 GB unpacked.
func (s Size) String() string {
	text := unit.FormatBytes(s.Compressed) + " compressed"
	if s.Unpacked > 0 {
		text += ", " + unit.FormatBytes(s.Unpacked) + " unpacked"
	}
	return text
}

func paths(l Layer) string {
	if l.Paths == 0 {
		return ""
	}
	return strconv.Itoa(l.Paths)
}

func (t *textWriter) reports() {
	tab := table{columns: []column{{head: "REPORT"}, {head: "FORMAT"}, {head: "TESTS"}}}
	for _, rep := range t.r.Reports {
		tab.add(clean(rep.Path), clean(rep.Format), rep.counted())
	}
	t.rows(tab, "reports")
}

func (t *textWriter) moves() {
	head := "TAG"
	if t.r.DryRun {
		head = "TAG (would move)"
	}
	tab := table{columns: []column{{head: head}, {head: "FROM"}, {head: "TO"}}}
	for _, m := range t.r.changes() {
		tab.add(clean(m.Tag), from(m), clean(short(m.To)))
	}
	t.rows(tab, "tags")
	if s := t.r.Signature; s != nil {
		t.block(t.labelled("signed by", clean(s.signer()), ""))
	}
}

// from is where a tag pointed before.
func from(m Move) string {
	switch m.From {
	case "":
		return "new"
	case m.To:
		return "unchanged"
	}
	return clean(short(m.From))
}

func (s Signature) signer() string {
	text := s.Identity
	if text == "" {
		text = s.Key
	}
	if s.Issuer != "" {
		text += " (" + s.Issuer + ")"
	}
	return text
}

func (t *textWriter) stages() {
	tab := table{columns: []column{{head: "STAGE"}, {head: "TIME", right: true}, {head: "SKIPPED"}}}
	for _, s := range t.r.Stages {
		row := []cell{{text: clean(s.Name)}, {text: seconds(s.Seconds)}, {clean(s.Skipped), yellow}}
		if s.Skipped != "" {
			row[1].text = "–"
		}
		tab.rows = append(tab.rows, row)
	}
	t.rows(tab, "stages")
}

func (t *textWriter) next() {
	if len(t.r.Next) == 0 {
		return
	}
	lines := []string{t.style.paint("NEXT", dim)}
	t.block(append(lines, t.r.commands()...))
}
