package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// ink is an ANSI colour (SGR parameter), "" for none.
type ink string

const (
	green  ink = "32"
	red    ink = "31"
	yellow ink = "33"
	dim    ink = "2"
	bold   ink = "1"
)

func (s Style) paint(text string, color ink) string {
	if !s.Color || color == "" || text == "" {
		return text
	}
	return "\x1b[" + string(color) + "m" + text + "\x1b[0m"
}

// cell is one field of a table, already clean.
type cell struct {
	text  string
	color ink
}

type column struct {
	head  string
	right bool // aligned right, as numbers are
	tail  bool // holds paths: where it must be cut, their ends stay
	flex  bool // is cut where the table is too wide; without one the first column is
	drop  int  // left out where the table is too wide, the highest first; 0: never
}

// table is rows of as many cells as there are columns. Columns that no row
// fills are left out.
type table struct {
	columns []column
	rows    [][]cell
}

// add appends a row of cells without colour.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i].text = text
	}
	t.rows = append(t.rows, row)
}

const (
	columnGap  = 2
	minColumn  = 12 // the column that is cut is not cut below this
	goodColumn = 24 // nor below this while another column can be left out
)

// lines returns the table, header first, fitted to the style's width as far as
// cutting one column and leaving others out can do it. A table without rows has no lines.
func (t table) lines(s Style) []string {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths(s.Width)
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{c.head, dim}
	}
	lines := make([]string, 0, len(t.rows)+1)
	for _, row := range append([][]cell{head}, t.rows...) {
		lines = append(lines, t.line(row, widths, s))
	}
	return lines
}

// widths counts runes per column; 0 leaves the column out.
func (t table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
		if widths[i] > 0 {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.head))
		}
	}
	if limit > 0 && len(widths) > 0 {
		t.fit(widths, limit)
	}
	return widths
}

// fit makes widths sum up to limit where it can.
func (t table) fit(widths []int, limit int) {
	over := func() int {
		total := -columnGap
		for _, w := range widths {
			if w > 0 {
				total += w + columnGap
			}
		}
		return total - limit
	}
	soft := max(slices.IndexFunc(t.columns, func(c column) bool { return c.flex }), 0)
	for over() > max(widths[soft]-goodColumn, 0) {
		out, highest := -1, 0
		for i, c := range t.columns {
			if widths[i] > 0 && c.drop > highest {
				out, highest = i, c.drop
			}
		}
		if out < 0 {
			break
		}
		widths[out] = 0
	}
	if n := over(); n > 0 && widths[soft] > minColumn {
		widths[soft] = max(widths[soft]-n, minColumn)
	}
}

func (t table) line(row []cell, widths []int, s Style) string {
	var b strings.Builder
	gap := 0 // spaces owed: none are written at the end of a line
	for i, c := range row {
		if widths[i] == 0 {
			continue
		}
		text := cut(c.text, widths[i])
		if t.columns[i].tail {
			text = cutFront(c.text, widths[i])
		}
		pad := widths[i] - utf8.RuneCountInString(text)
		if t.columns[i].right {
			gap, pad = gap+pad, 0
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", gap) + s.paint(text, c.color))
			gap = 0
		} else {
			pad = widths[i]
			if t.columns[i].right {
				pad = 0
			}
		}
		gap += pad + columnGap
	}
	return b.String()
}

// wrap breaks text at spaces into lines of at most width runes; 0 does not
// break. A single word may be longer.
func wrap(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		size := utf8.RuneCountInString(word)
		if n > 0 && n+1+size > width {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		line, n = line+word, n+size
	}
	return append(lines, line)
}
