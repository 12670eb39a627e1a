package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// MaxPage is the size that HTML stays below, in bytes.
const MaxPage = 2 << 20

const (
	// pageRows is what all tables' rows may take together, and gridRows one
	// table's; both in bytes. The rest of MaxPage is for what is bounded by number.
	pageRows, gridRows = 1000 << 10, 400 << 10
	maxCommands        = 32 << 10 // bytes
	// maxDrawings is how many gates have a chart of one sort.
	maxDrawings = 12
	maxHints    = 20
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// HTML writes r as one page that needs nothing else: no script, nothing from
// elsewhere, which its policy forbids it too. It has what Markdown has, in
// depth, and drawings. It stays below MaxPage; a table that is too long ends
// with a notice.
func HTML(w io.Writer, r Report) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	// Whole in memory: half a page on a full disk would look like all of it.
	var b bytes.Buffer
	if err := t.Execute(&b, newPage(r)); err != nil {
		return fmt.Errorf("writing the report as HTML: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the report as HTML: %w", err)
	}
	return nil
}

// page is what the template prints. All of its text is clean; the template
// escapes it.
type page struct {
	r    Report
	left int // bytes that rows may still take

	Policy, Generator string
	Style             template.CSS
	Verdict, Warnings string
	Tone              string
	Title, Image      string
	Ending, Error     []string
	Commands          []string
	Hints             []string
	Tiles             []tag
	Sections          []section
}

// tag is a figure with its name.
type tag struct{ Name, Value, Tone string }

type section struct {
	ID, Title string
	Blocks    []block
}

// block is one thing of a section; of its parts one is set, and Title.
type block struct {
	Title    string
	Fold     bool
	Open     bool
	Facts    []remark
	List     []remark
	Grid     *grid
	Treemaps []*treemap
	Legend   []tag
	Courses  []*course
	Spreads  []*spread
	Note     string
}

// remark is a line of a list, behind a word.
type remark struct {
	Label, Text string
	Tone        string
}

type grid struct {
	Title string
	Heads []gridHead
	Rows  [][]gridCell
	Cut   int // rows that are left out
}

type gridHead struct {
	Text  string
	Right bool
}

type gridCell struct {
	Right bool
	Tone  string // of a verdict or a severity
	Words []gridWord
}

type gridWord struct {
	Text, Href string
	Mono, Firm bool
	Bar        *bar
}

func newPage(r Report) *page {
	sum := sha256.Sum256([]byte(pageStyle))
	p := &page{
		r: r, left: pageRows, Generator: clean(r.Generator), Style: template.CSS(pageStyle), //nolint:gosec // ours
		// An image is allowed to be no icon: browsers ask for one otherwise.
		Policy:  "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		Verdict: r.outcome(), Warnings: r.warnings(), Tone: tones(r.outcome()), Title: clean(strings.TrimSpace(r.Repository + " " + r.target())),
		Image: clean(r.subject(func(digest string) string { return digest })), Ending: r.ending(),
	}
	if p.Warnings != "" {
		p.Tone = string(gate.Warned)
	}
	if p.Title == "" {
		p.Title = "ai-ship"
	}
	if r.Error != "" {
		p.Error = cleanLines(r.Error, maxError)
	}
	for _, hint := range r.Hints[:min(len(r.Hints), maxHints)] {
		p.Hints = append(p.Hints, clean(hint))
	}
	room := maxCommands
	for _, command := range r.commands() { // whole or not at all: they are to be copied
		if room -= weight(command); room >= 0 {
			p.Commands = append(p.Commands, command)
		}
	}
	p.tiles()
	p.section("gates", "Gates", p.gates()...)
	p.section("image", "Image", p.image()...)
	p.section("changes", "What changed", p.changes()...)
	p.section("history", "History", p.history()...)
	p.section("spread", "Measurements", p.spreads()...)
	p.section("scan", "Scan", p.scan()...)
	p.section("signature", "Signature", p.signature()...)
	p.section("run", "Run", p.run()...)
	return p
}

// tones is the class of a verdict, else the text, which is none then.
func tones(verdict string) string {
	switch verdict {
	case passed:
		return string(gate.Passed)
	case refused, failed:
		return string(gate.Refused)
	}
	return verdict
}

// section keeps the blocks that hold anything.
func (p *page) section(id, title string, blocks ...block) {
	s := section{ID: id, Title: title}
	for _, b := range blocks {
		if len(b.Facts)+len(b.List)+len(b.Treemaps)+len(b.Courses)+len(b.Spreads) > 0 || b.Grid != nil || b.Note != "" {
			s.Blocks = append(s.Blocks, b)
		}
	}
	if len(s.Blocks) > 0 {
		p.Sections = append(p.Sections, s)
	}
}

// table is a sheet as far as there is room; its title names it for those who do
// not see it.
func (p *page) table(title string, s sheet) block {
	if len(s.rows) == 0 {
		return block{}
	}
	g, used := &grid{Title: title}, s.used()
	for i, c := range s.columns {
		if used[i] {
			g.Heads = append(g.Heads, gridHead{c.head, c.right})
		}
	}
	left := min(p.left, gridRows)
	for n, row := range s.rows {
		var cells []gridCell
		cost := 0
		for i, c := range row {
			if used[i] {
				one := newCell(c, s.columns[i])
				cells, cost = append(cells, one), cost+one.cost()
			}
		}
		if cost > left {
			g.Cut = len(s.rows) - n
			break
		}
		g.Rows = append(g.Rows, cells)
		left -= cost
		p.left -= cost
	}
	return block{Title: title, Grid: g}
}

func (p *page) fold(all ...part) []block {
	var blocks []block
	for _, one := range all {
		b := p.table(one.title, one.sheet)
		b.Fold, b.Open = true, one.open
		blocks = append(blocks, b)
	}
	return blocks
}

func newCell(w words, c column) gridCell {
	cell := gridCell{Right: c.right}
	for _, one := range w {
		text := clean(one.text)
		if text == "" {
			continue
		}
		if one.look == loud {
			cell.Tone = "loud " + tones(text)
		}
		if one.bar != nil {
			text = ""
		}
		cell.Words = append(cell.Words, gridWord{Text: text, Href: link(one.href), Mono: one.look == mono, Bar: one.bar, Firm: one.look == firm && utf8.RuneCountInString(text) <= maxName})
	}
	return cell
}

// cost is how many bytes the template makes of a cell, at most.
func (c gridCell) cost() int {
	const markup, drawing = 60, 700
	n := markup
	for _, w := range c.Words {
		n += markup + weight(w.Text) + 2*len(w.Href)
		if w.Bar != nil {
			n += drawing + 2*weight(w.Bar.Label)
		}
	}
	return n
}

// weight is how many bytes the template makes of a text, which escapes one sign
// more than the function.
func weight(text string) int {
	return len(template.HTMLEscapeString(text)) + (len("&#43;")-1)*strings.Count(text, "+")
}

func (p *page) tiles() {
	add := func(name, value, tone string) {
		if value != "" {
			p.Tiles = append(p.Tiles, tag{name, value, tone})
		}
	}
	if n := len(p.r.Gates); n > 0 {
		ok := 0
		for _, g := range p.r.Gates {
			if outcomeOf(g) != gate.Refused {
				ok++
			}
		}
		tone := ""
		if ok < n {
			tone = string(gate.Refused)
		}
		add("gates passed", fmt.Sprintf("%d of %d", ok, n), tone)
	}
	if p.r.Size.Compressed > 0 {
		add("compressed", unit.FormatBytes(p.r.Size.Compressed), "")
		add("against the channel", p.r.growth(), "")
	}
	if p.r.Findings.Ran {
		n := len(p.r.counting(p.r.Findings.Vulnerabilities)) + len(p.r.counting(p.r.Findings.Models)) + len(p.r.counting(p.r.Findings.Secrets))
		add("findings that count", fmt.Sprint(n), "")
	}
	if len(p.r.Stages) > 0 {
		total := 0.0
		for _, s := range p.r.Stages {
			total += s.Seconds
		}
		add("took", seconds(total), "")
	}
}

func lines(facts []fact) []remark {
	var all []remark
	for _, f := range facts {
		one := remark{Label: f.label, Text: clean(f.text)}
		if f.alarm {
			one.Tone = string(gate.Warned)
		}
		all = append(all, one)
	}
	return all
}

func (p *page) gates() []block {
	b := p.table(unit.Count(len(p.r.Gates), "gate", "gates"), p.r.gatesSheet())
	var reasons []remark
	left := min(p.left, gridRows)
	for _, row := range p.r.gateRows() {
		if row.reason == "" {
			continue
		}
		one := remark{Label: row.label, Text: cleanTo(row.reason, maxSentence), Tone: tones(row.label)}
		cost := weight(one.Label) + weight(one.Text) + 2*len(one.Tone)
		if left -= cost; left < 0 {
			reasons = append(reasons, remark{Label: "cut here", Text: "more in " + JSONFile})
			break
		}
		p.left -= cost
		reasons = append(reasons, one)
	}
	note := ""
	for _, g := range p.r.Gates {
		if gauge(g) != nil {
			note = "A bar is the value, the line across it the limit, the dashed line the baseline."
		}
	}
	return []block{b, {Note: note}, {List: reasons}}
}

func (p *page) image() []block {
	blocks := []block{{Facts: lines(p.r.built())}}
	c := p.r.Contents
	if c != nil {
		if wide := c.newTreemap("wide", 1000, 420); wide != nil {
			blocks = append(blocks, block{Title: "Size by layer, and by package or file in it", Treemaps: []*treemap{wide, c.newTreemap("narrow", 360, 480)}, Legend: c.legend()})
		}
	}
	s := p.r.layersSheet()
	blocks = append(blocks, p.fold(part{unit.Count(len(s.rows), "layer", "layers"), true, s})...)
	if c == nil {
		return blocks
	}
	parts := c.parts()
	parts[0].open = true
	parts = append(parts, part{unit.Count(len(c.Largest), "largest package or file", "largest packages and files"), false, c.largest()})
	return append(append(blocks, p.fold(parts...)...), block{Note: clean(c.Note)})
}

// legend names the colours.
func (c Contents) legend() []tag {
	var all []tag
	seen := make(map[string]bool)
	for _, l := range c.Layers {
		if name := tone(l.Kind); !seen[name] && l.Compressed > 0 {
			seen[name] = true
			all = append(all, tag{Name: strings.TrimPrefix(name, "kind-"), Tone: name})
		}
	}
	return all
}

func (p *page) changes() []block {
	s := heads("tag", "before", "now")
	for _, m := range p.r.changes() {
		s.add(coded(m.Tag), coded(from(m)), coded(short(m.To)))
	}
	title := "Tags"
	if p.r.DryRun {
		title = "Tags that would move"
	}
	var facts []remark
	if growth := p.r.growth(); growth != "" && p.r.Size != (Size{}) {
		facts = lines([]fact{{label: "growth", text: growth}, {label: "against", text: p.r.Baseline.Ref}})
	}
	blocks := []block{{Facts: facts}, p.table(title, s)}
	if c := p.r.Contents; c != nil && c.Baseline != "" {
		blocks = append(blocks, p.table("Layers against the channel's image", c.layers()))
	}
	return blocks
}

func (p *page) history() []block {
	var courses []*course
	if c := newCourse("compressed size", p.r.sizes(), unit.Bytes, nil); c != nil {
		courses = append(courses, c)
	}
	var past []judged
	for _, f := range p.r.History {
		past = append(past, judgedBy(f.Gates))
	}
	seen := make(map[string]bool) // gates on one metric share its values
	for _, g := range p.r.Gates {
		if onSize(g) || seen[measure(g)] || len(courses) == maxDrawings {
			continue
		}
		if c := newCourse(cleanTo(title(g), maxTitle), p.r.course(g, past), g.Unit, g.Limit); c != nil {
			seen[measure(g)] = true
			courses = append(courses, c)
		}
	}
	caption := unit.Count(len(p.r.History), "image", "images") + " of the channel, the newest first"
	return append([]block{{Courses: courses}}, p.table(caption, p.r.pastSheet()))
}

func (p *page) spreads() []block {
	var all []*spread
	seen := make(map[string]bool)
	for _, g := range p.r.Gates {
		if s := newSpread(g); s != nil && !seen[measure(g)] && len(all) < maxDrawings {
			seen[measure(g)] = true
			all = append(all, s)
		}
	}
	return []block{{Spreads: all}}
}

func (p *page) scan() []block {
	if !p.r.Findings.Ran {
		return nil
	}
	blocks := []block{{Facts: lines(p.r.facts())}, p.table("Findings by severity", p.r.severities())}
	blocks = append(blocks, p.fold(p.r.unseen()...)...)
	return append(blocks, p.fold(p.r.found()...)...)
}

func (p *page) signature() []block {
	return []block{{Facts: lines(p.r.signing())}, p.table("Attestations", p.r.attested())}
}

func (p *page) run() []block {
	title, stages := p.r.stagesSheet()
	return []block{p.table(title, stages), p.table(unit.Count(len(p.r.Reports), "test report", "test reports"), p.r.reportsSheet())}
}
