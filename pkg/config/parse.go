package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/org/ai-ship/pkg/hint"
)

// MaxSize is the most bytes that a config file may have.
const MaxSize = 1 << 20

// The YAML parser recurses for each level and for each key of a mapping, and
// stores the whole path with every node, so these three are bounded before it
// runs. A config that is written by hand stays far below each.
const (
	maxTokens = 20_000 // keys, values and punctuation
	maxKey    = 256    // bytes of one key
	maxFlow   = 64     // [ and { inside each other
	maxIndent = 200    // column of a key or a list's dash
)

// Read reads the config file name inside project, for Parse.
func Read(project *os.Root, name string) ([]byte, error) {
	data, err := read(project, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = hint.Wrap(fs.ErrNotExist, "run `ai-ship init` to write a first config, or name another with --config")
	}
	if err != nil {
		return nil, fmt.Errorf("reading config %q: %w", name, err)
	}
	return data, nil
}

// read returns at most one byte more than Parse accepts.
func read(project *os.Root, name string) ([]byte, error) {
	// Opening a pipe would wait for a writer, so the kind is checked first.
	info, err := project.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("expected a regular file, found mode %s", info.Mode())
	}
	f, err := project.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// Parse reads a config file and fills in the defaults. The name is used in
// messages only; getenv answers ${NAME}, where empty counts as unset. The
// error is an Errors with everything that is wrong, unless the text is not
// YAML: then it is the first syntax error only.
func Parse(name string, data []byte, getenv func(string) string) (*Config, error) {
	return parse(name, data, getenv, false)
}

// ParseGates is Parse for a run that builds nothing: the file need not name an
// image, a base or anything to put into it.
func ParseGates(name string, data []byte, getenv func(string) string) (*Config, error) {
	return parse(name, data, getenv, true)
}

func parse(name string, data []byte, getenv func(string) string, gatesOnly bool) (*Config, error) {
	text := strings.TrimPrefix(string(data), "\uFEFF")
	doc := newDocument(name, text)
	doc.at[""] = mark{1, 1}
	var c Config
	if root := doc.root(text); root != nil {
		d := decoder{document: doc, getenv: getenv}
		d.value(root, reflect.ValueOf(&c).Elem(), "", options{})
		if !doc.bad[""] {
			check(doc, &c, gatesOnly)
		}
	}
	if len(doc.errs) > 0 {
		return nil, doc.finish()
	}
	applyDefaults(&c)
	return &c, nil
}

// root returns the mapping that is the file, or nil after recording why there
// is none.
func (d *document) root(text string) ast.Node {
	if len(text) > MaxSize {
		d.fail("", fmt.Sprintf("the file is larger than %d bytes", MaxSize), "")
		return nil
	}
	if !utf8.ValidString(text) {
		d.failAt(firstInvalid(text), "", "the file is not valid UTF-8 here", "save it as UTF-8")
		return nil
	}
	file := d.syntax(text)
	if file == nil {
		return nil
	}
	for _, doc := range file.Docs {
		if n, ok := doc.Body.(*ast.DirectiveNode); ok {
			d.failAt(start(n), "", "directives are not supported", "remove the line")
			return nil
		}
	}
	if len(file.Docs) > 1 {
		d.failAt(place(file.Docs[1].Start), "", "expected one document, found another one here", "remove the --- and what does not belong to this config")
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.fail("", "the file is empty; image, base and app or models are required", "run `ai-ship init` to write a first config")
		return nil
	}
	return file.Docs[0].Body
}

// syntax parses text, or records why it is not YAML and returns nil.
func (d *document) syntax(text string) (file *ast.File) {
	// The parser is not ours and has panicked on odd input before; to the
	// user that is a file that could not be read, not a crash.
	defer func() {
		if r := recover(); r != nil {
			d.fail("", "the file is not valid YAML", "")
			file = nil
		}
	}()
	tokens := lexer.Tokenize(text)
	if !d.bounded(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		d.failAt(place(syntax.GetToken()), "", "invalid YAML: "+syntax.GetMessage(), "")
	} else {
		d.fail("", fmt.Sprintf("invalid YAML: %v", err), "")
	}
	return nil
}

// bounded records the first token that goes over one of the limits above.
func (d *document) bounded(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		d.failAt(place(tokens[maxTokens]), "", fmt.Sprintf("the file has more than %d keys and values", maxTokens), "")
		return false
	}
	flow := 0
	for _, t := range tokens {
		structural := false
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			structural = true
		case token.MappingValueType:
			if t.Prev != nil && len(t.Prev.Value) > maxKey {
				d.failAt(place(t.Prev), "", fmt.Sprintf("the key is longer than %d bytes", maxKey), "")
				return false
			}
			structural = t.Prev != nil && place(t.Prev).column > maxIndent
		}
		if flow > maxFlow || flow <= 0 && structural && place(t).column > maxIndent {
			d.failAt(place(t), "", "nested too deeply", "")
			return false
		}
	}
	return true
}

// place returns where a token stands. A token may be nil or without position.
func place(t *token.Token) mark {
	if t == nil || t.Position == nil {
		return mark{1, 1}
	}
	return mark{t.Position.Line, t.Position.Column}
}

func firstInvalid(text string) mark {
	m := mark{1, 1}
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			break
		}
		m.column++
		if r == '\n' {
			m = mark{m.line + 1, 1}
		}
	}
	return m
}
