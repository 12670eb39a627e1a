package testreport

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// walk visits the values of one JSON document. path is kept as segments and
// written out at leaves only, so that long names do not multiply by depth.
type walk struct {
	*collector
	path   []string
	prefix int    // segments of path that are left out of names
	owner  string // test that the values belong to, for an alias
	labels []Label
}

// readJSON reads the formats that it knows by their content, and any other
// document as nested numbers.
func (c *collector) readJSON(data []byte) error {
	root, err := parseJSON(data)
	if err != nil {
		return err
	}
	w := &walk{collector: c}
	for _, f := range documents() {
		if f.is(root) {
			c.report.Format = f.name
			return f.read(w, root)
		}
	}
	c.report.Format = formatJSON
	return w.value(root)
}

// document is a JSON format that is known by its content.
type document struct {
	name string
	is   func(node) bool
	read func(*walk, node) error
}

// documents are the known formats, those with the most telling keys first.
func documents() []document {
	return []document{
		{formatBenchmark, isBenchmark, (*walk).benchmarks},
		{formatCTRF, isCTRF, (*walk).ctrf},
		{formatPytest, isPytest, (*walk).pytest},
		{formatK6, isK6, (*walk).k6},
		{formatK6, isK6Export, (*walk).k6Export},
		{formatAIPerf, isAIPerf, (*walk).profile},
		{formatGenAIPerf, isProfile, (*walk).profile},
		{formatSGLang, isSGLang, (*walk).serving},
		{formatVLLM, isServing, (*walk).serving},
		{formatHarness, isHarness, (*walk).harness},
		{formatCoveragePy, isCoverage, (*walk).coverage},
		{formatClassification, isClassification, (*walk).classification},
		{formatTorch, isTorch, (*walk).torch},
		{formatTrainer, isTrainer, (*walk).trainer},
		{formatLocustJSON, isLocustJSON, (*walk).locustJSON},
		{formatMLflow, isMLflow, (*walk).mlflow},
		{formatDVC, isDVC, (*walk).dvc},
	}
}

// add keeps m with the labels that hold where the walk is.
func (w *walk) add(m Metric, pointer string, aliases ...string) error {
	m.Labels = w.labels
	return w.collector.add(m, pointer, aliases...)
}

// in runs visit with name at the end of the path.
func (w *walk) in(name string, visit func() error) error {
	w.path = append(w.path, name)
	err := visit()
	w.path = w.path[:len(w.path)-1]
	return err
}

func (w *walk) value(n node) error {
	switch n.kind {
	case '{':
		if measurement(n) && w.name() != "" {
			return w.measurement(n)
		}
		for i, item := range n.items {
			if err := w.in(n.names[i], func() error { return w.value(item) }); err != nil {
				return err
			}
		}
	case '[':
		if isSamples(n) {
			return w.field(n)
		}
		for i, item := range n.list() {
			if err := w.in(strconv.Itoa(i), func() error { return w.value(item) }); err != nil {
				return err
			}
		}
	case '0', '"', 'n':
		return w.field(n)
	}
	return nil
}

// name is the path as gates write it. At the root it is empty.
func (w *walk) name() string {
	return strings.Join(w.path[w.prefix:], ".")
}

// field adds a number, or an array of numbers, by its name in the path.
func (w *walk) field(n node) error {
	name := w.name()
	if name == "" {
		return nil
	}
	owned := ""
	if w.owner != "" {
		owned = w.owner + "." + name
	}
	return w.leaf(parseField(name), n, name, owned)
}

// leaf adds a number or samples. Text that is no number is passed over.
func (w *walk) leaf(f field, n node, aliases ...string) error {
	if n.kind == '[' {
		if f.stat != "" { // an array of p95s is no raw measurement: it keeps its whole name
			f.name, f.stat = w.name(), ""
		}
		return w.add(f.samples(n), pointer(w.path), aliases...)
	}
	m, ok := f.metric(n.number())
	if !ok {
		return nil
	}
	return w.add(m, pointer(w.path), aliases...)
}

// number returns the text of a leaf, null by its name.
func (n node) number() string {
	if n.kind == 'n' {
		return "null"
	}
	return n.text
}

// isSamples reports whether n is an array of numbers: at least one, and nothing
// but numbers and what a program writes for a number that it does not have.
func isSamples(n node) bool {
	if n.numbers != nil {
		return true
	}
	numbers := 0
	for _, item := range n.items {
		switch {
		case item.kind == '0', item.kind == '"' && item.text != "" && nonNumber([]byte(item.text)) == item.text:
			numbers++
		case item.kind != 'n':
			return false
		}
	}
	return n.kind == '[' && numbers > 0
}

// samples reads an array that isSamples. One bad value makes the metric Invalid.
func (f field) samples(n node) Metric {
	if n.numbers != nil {
		return f.dense(*n.numbers)
	}
	all := Metric{Name: f.name, Unit: f.one.Unit, Samples: make([]float64, 0, len(n.items))}
	for i, item := range n.items {
		m, ok := f.metric(item.number())
		if !ok || m.Invalid != "" {
			return Metric{Name: f.name, Unit: f.one.Unit, Invalid: fmt.Sprintf("sample %d is %s", i, m.Invalid)}
		}
		all.Samples = append(all.Samples, m.Value)
	}
	return all
}

// dense scales numbers in place. They are finite, but in another unit one may
// not be.
func (f field) dense(numbers []float64) Metric {
	for i, v := range numbers {
		q := f.one.Times(v)
		if !q.Finite() {
			return Metric{Name: f.name, Unit: f.one.Unit, Invalid: fmt.Sprintf("sample %d is out of range", i)}
		}
		numbers[i] = q.Value
	}
	return Metric{Name: f.name, Unit: f.one.Unit, Samples: numbers}
}

// measurement reports whether an object names its unit and has a value in it.
func measurement(n node) bool {
	if n.member("unit").kind != '"' {
		return false
	}
	for i, item := range n.items {
		if _, ok := valueName(n.names[i]); ok && (item.kind == '0' && !rawName(n.names[i]) || isSamples(item)) {
			return true
		}
	}
	return false
}

// valueName knows the members of a measurement that are in its unit, and
// returns the statistic that each is.
func valueName(s string) (stat string, ok bool) {
	switch s {
	case "value", "samples", "values", "data":
		return "", true
	case "std", "stddev":
		return "stddev", true
	}
	stat, err := ParseStat(s)
	return stat, err == nil
}

// rawName reports whether a measurement's member is its raw samples. One number
// there says how many there were, as in {"unit": "ms", "p95": 80, "samples": 50}.
func rawName(s string) bool { return s == "samples" || s == "values" || s == "data" }

// measurement adds an object such as {"unit": "ms", "p95": 80.2}. Its path is
// the name, whole. A unit that ai-ship does not know (tokens/s) leaves plain
// numbers. Members that are not in the unit are visited as usual.
func (w *walk) measurement(n node) error {
	one, err := unit.ParseUnit(n.member("unit").text)
	if err != nil {
		one = unit.Quantity{Value: 1, Unit: unit.None}
	}
	name, title := w.name(), n.member("name").text
	many := max(n.member("samples").many(), n.member("count").many())
	for i, item := range n.items {
		stat, ok := valueName(n.names[i])
		err := w.in(n.names[i], func() error {
			switch {
			case n.names[i] == "unit" || n.names[i] == "name":
				return nil
			case item.kind == '0' && rawName(n.names[i]): // how many, in no unit
			case ok && item.kind != '{' && (item.kind != '[' || isSamples(item)):
				return w.leaf(field{name: name, stat: stat, one: one, count: many}, item, w.name(), title)
			}
			return w.value(item)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
