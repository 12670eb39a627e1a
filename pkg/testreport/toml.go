package testreport

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// tomlTable is a table while the document is read.
type tomlTable struct {
	names  []string
	values map[string]node
	tables map[string]*tomlTable
	closed bool // by its own header; a second one is an error
}

func newTable() *tomlTable {
	return &tomlTable{values: make(map[string]node), tables: make(map[string]*tomlTable)}
}

// node returns the table as what JSON would have for it.
func (t *tomlTable) node() node {
	n := node{kind: '{', names: t.names}
	for _, name := range t.names {
		item, ok := t.values[name]
		if !ok {
			item = t.tables[name].node()
		}
		n.items = append(n.items, item)
	}
	return n
}

// tomlReader reads one line's remaining text; of an array it takes more lines.
type tomlReader struct {
	rest  string
	next  func() (string, bool)
	count int // keys and values so far
}

// readTOML reads what metrics need of TOML 1.0: tables, dotted keys, numbers,
// strings of one line, booleans, dates (as text) and arrays of these. Anything
// else, such as arrays of tables, is an error.
func (c *collector) readTOML(data []byte) error {
	c.report.Format = formatTOML
	if len(data) > maxPlain {
		return fmt.Errorf("is TOML of more than %d MiB", maxPlain>>20)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	line := 0
	r := &tomlReader{next: func() (string, bool) {
		if line == len(lines) {
			return "", false
		}
		line++
		return strings.TrimSuffix(lines[line-1], "\r"), true
	}}
	root := newTable()
	table := root
	for {
		var ok bool
		if r.rest, ok = r.next(); !ok {
			break
		}
		var err error
		if table, err = r.line(root, table); err != nil {
			return fmt.Errorf("line %d: is no TOML that ai-ship reads: %w", line, err)
		}
	}
	w := &walk{collector: c}
	return w.value(root.node())
}

// line reads one line, and returns the table that the next belongs to.
func (r *tomlReader) line(root, table *tomlTable) (*tomlTable, error) {
	switch {
	case r.end():
		return table, nil
	case strings.HasPrefix(r.rest, "[["):
		return nil, errors.New("found an array of tables, expected plain tables")
	case r.take("["):
		path, err := r.path()
		if err != nil {
			return nil, err
		}
		if !r.take("]") || !r.end() {
			return nil, errors.New("expected ] after the table's name and nothing more")
		}
		if table, err = root.at(path); err == nil && table.closed {
			err = fmt.Errorf("the table %q stands twice", cut(strings.Join(path, "."), 80))
		}
		if err != nil {
			return nil, err
		}
		table.closed = true
		return table, nil
	}
	path, err := r.path()
	if err != nil {
		return nil, err
	}
	if !r.take("=") {
		return nil, errors.New("expected = after a key")
	}
	value, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if !r.end() {
		return nil, fmt.Errorf("found %q after the value, expected the line's end", cut(r.rest, 20))
	}
	parent, err := table.at(path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	name := path[len(path)-1]
	if !parent.add(name) {
		return nil, fmt.Errorf("the key %q stands twice", cut(strings.Join(path, "."), 80))
	}
	parent.values[name] = value
	return table, nil
}

// add makes place for a name, unless it is taken.
func (t *tomlTable) add(name string) bool {
	if _, ok := t.values[name]; ok || t.tables[name] != nil {
		return false
	}
	t.names = append(t.names, name)
	return true
}

// at returns the table at a path, which it makes where there is none.
func (t *tomlTable) at(path []string) (*tomlTable, error) {
	for _, name := range path {
		if t.tables[name] == nil {
			if !t.add(name) {
				return nil, fmt.Errorf("%q is a value, expected a table", cut(name, 80))
			}
			t.tables[name] = newTable()
		}
		t = t.tables[name]
	}
	return t, nil
}

// take skips spaces and then s, and reports whether it stood there.
func (r *tomlReader) take(s string) bool {
	rest := strings.TrimLeft(r.rest, " \t")
	after, ok := strings.CutPrefix(rest, s)
	r.rest = after
	return ok
}

// end reports whether nothing but a comment is left of the line.
func (r *tomlReader) end() bool {
	r.take("")
	return r.rest == "" || r.rest[0] == '#'
}

// path reads a key, which dots may divide.
func (r *tomlReader) path() ([]string, error) {
	var path []string
	for {
		r.take("")
		name := r.rest[:len(r.rest)-len(strings.TrimLeft(r.rest, bareKey))]
		r.rest = r.rest[len(name):]
		if name == "" {
			var err error
			if name, err = r.quoted(); err != nil {
				return nil, err
			}
		}
		if path = append(path, name); len(path) > MaxDepth {
			return nil, fmt.Errorf("found more than %d values inside each other", MaxDepth)
		}
		if r.count++; r.count > maxPlainValues {
			return nil, fmt.Errorf("found more than %d keys and values", maxPlainValues)
		}
		if !r.take(".") {
			return path, nil
		}
	}
}

const bareKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

var (
	tomlQuoted = regexp.MustCompile(`^"(?:[^"\\]|\\.)*"`)
	tomlNumber = regexp.MustCompile(`^[+-]?(0|[1-9](_?\d)*)(\.\d(_?\d)*)?([eE][+-]?\d(_?\d)*)?$`)
	tomlBased  = regexp.MustCompile(`^0(x[0-9a-fA-F]|o[0-7]|b[01])(_?[0-9a-fA-F])*$`)
	tomlDate   = regexp.MustCompile(`^(\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|\d\d:\d\d:\d\d(\.\d+)?)$`)
)

// quoted reads a string of one line, in either kind of quotes.
func (r *tomlReader) quoted() (string, error) {
	switch {
	case strings.HasPrefix(r.rest, `"""`), strings.HasPrefix(r.rest, "'''"):
		return "", errors.New("found a string of several lines, expected one line")
	case strings.HasPrefix(r.rest, `"`):
		text := tomlQuoted.FindString(r.rest)
		name, err := strconv.Unquote(text)
		if err != nil {
			return "", errors.New("found a string without its end or with an unknown escape")
		}
		r.rest = r.rest[len(text):]
		return name, nil
	case strings.HasPrefix(r.rest, "'"):
		text, rest, ok := strings.Cut(r.rest[1:], "'")
		if !ok {
			return "", errors.New("found a string without its end")
		}
		r.rest = rest
		return text, nil
	}
	return "", fmt.Errorf("found %q, expected a name", cut(r.rest, 20))
}

func (r *tomlReader) value(depth int) (node, error) {
	if r.count++; r.count > maxPlainValues {
		return node{}, fmt.Errorf("found more than %d keys and values", maxPlainValues)
	}
	if r.take("[") {
		return r.array(depth)
	}
	if r.rest != "" && strings.ContainsRune(`"'`, rune(r.rest[0])) {
		text, err := r.quoted()
		return node{kind: '"', text: text}, err
	}
	end := strings.IndexAny(r.rest, ",]#")
	if end < 0 {
		end = len(r.rest)
	}
	word := strings.TrimSpace(r.rest[:end])
	r.rest = r.rest[end:]
	switch {
	case word == "true", word == "false":
		return node{kind: jsontext.Kind(word[0])}, nil
	case tomlNumber.MatchString(word):
		return node{kind: '0', text: strings.TrimPrefix(strings.ReplaceAll(word, "_", ""), "+")}, nil
	case tomlBased.MatchString(word):
		number, err := strconv.ParseInt(word, 0, 64)
		return node{kind: '0', text: strconv.FormatInt(number, 10)}, err
	case strings.Trim(word, "+-") == "inf", strings.Trim(word, "+-") == "nan":
		return node{kind: '"', text: word}, nil
	case tomlDate.MatchString(word):
		return node{kind: '"', text: word}, nil
	}
	return node{}, fmt.Errorf("found %q, expected a number, a string, a boolean or an array", cut(word, 20))
}

// array reads up to the closing bracket, which may stand lines below.
func (r *tomlReader) array(depth int) (node, error) {
	if depth == MaxDepth {
		return node{}, fmt.Errorf("found more than %d values inside each other", MaxDepth)
	}
	list := node{kind: '['}
	for comma := true; ; {
		for r.end() {
			line, ok := r.next()
			if !ok {
				return node{}, errors.New("found an array without its end")
			}
			r.rest = line
		}
		switch {
		case r.take("]"):
			return list, nil
		case comma:
			item, err := r.value(depth + 1)
			if err != nil {
				return node{}, err
			}
			list.items = append(list.items, item)
			comma = false
		case r.take(","):
			comma = true
		default:
			return node{}, errors.New("expected a comma or ] in an array")
		}
	}
}
