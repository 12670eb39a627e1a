package report

import "strings"

// look is how a word stands on a page.
type look int

const (
	ordinary look = iota
	mono          // a path, a digest, a version
	loud          // should not be overlooked
	drawn         // a bar of blocks, which is ours
	firm          // a name that a line is not broken in
)

// word is a piece of text as it came, with what a page makes of it. What it is
// escaped for is the page's to know.
type word struct {
	text string
	href string // an advisory's address; what is no plain one is left out
	look look
	bar  *bar // what a page that can draw has instead of the text
}

// words are a cell, or a line of a list.
type words []word

func said(text string) words  { return words{{text: text}} }
func coded(text string) words { return words{{text: text, look: mono}} }

// striking makes words stand out that somebody should look at.
func striking(text string, when bool) words {
	if when {
		return words{{text: text, look: loud}}
	}
	return said(text)
}

func (w words) empty() bool {
	for _, one := range w {
		if one.text != "" {
			return false
		}
	}
	return true
}

// markdown is the words in GitHub's and GitLab's Markdown, literal.
func (w words) markdown() string {
	line, gap := "", ""
	for _, one := range w {
		text, next := escape(one.text), " "
		switch {
		case one.text == "":
			continue
		case link(one.href) != "":
			text = "[" + text + "](" + link(one.href) + ")"
		case one.look == mono:
			text = code(one.text)
		case one.look == loud:
			text = "**" + text + "**"
		case one.look == drawn:
			text, next = "`"+one.text+"`", "&nbsp;" // it stays beside its number
		}
		line, gap = line+gap+text, next
	}
	return line
}

// plain is the words for a terminal.
func (w words) plain() string {
	var parts []string
	for _, one := range w {
		parts = append(parts, one.text)
	}
	return clean(strings.Join(parts, " "))
}

// sheet is a table of a page, of as many cells in each row as there are
// columns. Columns that no row fills are left out.
type sheet struct {
	columns []column
	rows    [][]words
}

// heads are columns by their names; one that ends in > is aligned right, as
// numbers are.
func heads(names ...string) sheet {
	var s sheet
	for _, name := range names {
		head, right := strings.CutSuffix(name, ">")
		s.columns = append(s.columns, column{head: head, right: right})
	}
	return s
}

func (s *sheet) add(cells ...words) { s.rows = append(s.rows, cells) }

// used reports which columns any row fills.
func (s sheet) used() []bool {
	used := make([]bool, len(s.columns))
	for _, row := range s.rows {
		for i, cell := range row {
			used[i] = used[i] || !cell.empty()
		}
	}
	return used
}

// markdown returns the table's first two lines and its rows.
func (s sheet) markdown() (head string, rows []string) {
	used := s.used()
	var names, rule strings.Builder
	for i, c := range s.columns {
		if !used[i] {
			continue
		}
		names.WriteString("| " + c.head + " ")
		rule.WriteString("|--")
		if c.right {
			rule.WriteString(":")
		}
	}
	for _, cells := range s.rows {
		var b strings.Builder
		for i, cell := range cells {
			if used[i] {
				b.WriteString("| " + cell.markdown() + " ")
			}
		}
		rows = append(rows, b.String()+"|")
	}
	return names.String() + "|\n" + rule.String() + "|\n", rows
}

// table is the sheet for a terminal.
func (s sheet) table() table {
	t := table{columns: s.columns}
	for _, cells := range s.rows {
		row := make([]cell, len(cells))
		for i, c := range cells {
			row[i].text = c.plain()
		}
		t.rows = append(t.rows, row)
	}
	return t
}
