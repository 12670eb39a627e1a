package testreport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// table is a CSV file: each row has as many cells as the header.
type table struct {
	header []string
	rows   [][]string
}

// cell returns a row's cell in the column of that name, or "".
func (t table) cell(row []string, column string) string {
	if i := slices.Index(t.header, column); i >= 0 {
		return row[i]
	}
	return ""
}

// readCSV reads the formats that it knows by their header, and any other table
// as columns of numbers: RFC 4180 with commas and a header.
func (c *collector) readCSV(data []byte) error {
	t, err := parseCSV(data)
	if err != nil {
		return err
	}
	switch {
	case isPerfAnalyzer(t.header):
		c.report.Format = formatPerfAnalyzer
		return c.perfAnalyzer(t)
	case isLocust(t.header):
		c.report.Format = formatLocust
		return c.locust(t)
	case slices.ContainsFunc(t.header, isMemoryUsed):
		c.report.Format = formatNvidia
		return c.nvidia(t)
	}
	c.report.Format = formatCSV
	for i, name := range t.header {
		if name == "" { // the index that pandas writes
			continue
		}
		if err := c.column(t, i, name); err != nil {
			return err
		}
	}
	return nil
}

// parseCSV reads the header and all rows. An empty cell too many at a row's end
// is left out, for some tools end each row with a comma.
func parseCSV(data []byte) (table, error) {
	if bytes.Count(data, []byte(",")) > MaxElements { // before a row of them takes memory
		return table{}, fmt.Errorf("holds more than %d cells", MaxElements)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	var t table
	cells := 0
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return table{}, csvError(err)
		}
		line, _ := r.FieldPos(0)
		if cells += len(row); cells > MaxElements {
			return table{}, fmt.Errorf("line %d: holds more than %d cells", line, MaxElements)
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if t.header == nil {
			t.header = row
			if err := uniqueNames(row); err != nil {
				return table{}, fmt.Errorf("line %d: %w", line, err)
			}
			continue
		}
		if len(row) == len(t.header)+1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) != len(t.header) {
			return table{}, fmt.Errorf("line %d: has %d cells, expected the header's %d", line, len(row), len(t.header))
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) == 0 {
		return table{}, errors.New("is CSV with a header and no row")
	}
	return t, nil
}

func csvError(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("line %d: is no CSV: %w", syntax.Line, syntax.Err)
	}
	return err
}

// uniqueNames refuses a header that names a column twice.
func uniqueNames(header []string) error {
	seen := make(map[string]bool, len(header))
	for _, name := range header {
		if seen[name] && name != "" {
			return fmt.Errorf("the column %q stands twice", cut(name, 40))
		}
		seen[name] = true
	}
	return nil
}

// column adds the numbers of one column as samples, or of a single row as one
// value. A column of text is passed over; one bad cell among numbers makes the
// metric Invalid.
func (c *collector) column(t table, i int, name string) error {
	f := parseField(name)
	if len(t.rows) == 1 {
		m, ok := f.metric(t.rows[0][i])
		if !ok {
			return nil
		}
		return c.add(m, pointer([]string{"0", name}), name)
	}
	if f.stat != "" { // a column of p95s is no raw measurement: it keeps its whole name
		f.name, f.stat = name, ""
	}
	cells := make([]string, len(t.rows))
	for j, row := range t.rows {
		cells[j] = row[i]
	}
	m, ok := f.cells(cells)
	if !ok {
		return nil
	}
	return c.add(m, pointer([]string{name}), name)
}

// cells reads texts as samples. It returns false where none is a number or what
// stands for one.
func (f field) cells(texts []string) (Metric, bool) {
	all := Metric{Name: f.name, Unit: f.one.Unit}
	invalid, known := "", false
	for i, text := range texts {
		m, ok := f.metric(text)
		known = known || ok && (m.Invalid == "" || text != "")
		switch {
		case invalid != "":
		case !ok:
			invalid = fmt.Sprintf("row %d is %q", i, cut(text, 40))
		case m.Invalid != "":
			invalid = fmt.Sprintf("row %d is %s", i, m.Invalid)
		case len(all.Samples) > 0 && m.Unit != all.Unit:
			invalid = fmt.Sprintf("row %d is in %q, others in %q", i, m.Unit, all.Unit)
		default:
			all.Unit = m.Unit
			all.Samples = append(all.Samples, m.Value)
		}
	}
	if invalid != "" {
		all.Samples, all.Invalid = nil, invalid
	}
	return all, known
}

// measure adds one cell of a format whose columns are known. Text that is no
// number makes the metric Invalid.
func (c *collector) measure(f field, text string, labels []Label, place []string, alias string) error {
	m, ok := f.metric(text)
	if !ok {
		m = Metric{Name: f.name, Stat: f.stat, Unit: f.one.Unit, Count: f.count, Invalid: fmt.Sprintf("%q, which is no number", cut(text, 40))}
	}
	m.Labels = labels
	return c.add(m, pointer(place), alias, twin(m.Name))
}

// in sets what 1 stands for, by a unit that unit.ParseUnit knows.
func (f field) in(name string) field {
	f.one, _ = unit.ParseUnit(name)
	return f
}

// plain is a field without a unit.
func plain(name, stat string) field {
	return field{name: name, stat: stat, one: unit.Quantity{Value: 1}}
}

// row returns the pointer's first segment for the row at i.
func row(i int) string { return strconv.Itoa(i) }
