package testreport

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

// severalRuns is the way out of a file to which a tool appended run after run.
const severalRuns = "write each run to a file of its own and name them all under reports: for vLLM leave out --append-result, for SGLang and others give each run a new output file"

// node is one JSON value, its members in the document's order.
type node struct {
	kind  jsontext.Kind // '{', '[', '0', '"', or the first letter of true, false, null
	text  string        // of a number as written; of a string unescaped, cut to maxText
	names []string      // of an object's members, beside items
	items []node
	// numbers are the items of an array that has nothing but finite numbers, and
	// items is empty then: raw measurements come by the hundred thousand.
	numbers *[]float64
}

const (
	maxText  = 64 << 10 // bytes that are kept of one text; names are kept whole
	maxNodes = 300_000  // values but for those in arrays of nothing but numbers
)

// list returns an array's items.
func (n node) list() []node {
	if n.numbers == nil {
		return n.items
	}
	items := make([]node, 0, len(*n.numbers))
	for _, v := range *n.numbers {
		items = append(items, numberNode(v))
	}
	return items
}

func numberNode(v float64) node {
	return node{kind: '0', text: strconv.FormatFloat(v, 'g', -1, 64)}
}

// member returns a member's value, with kind 0 where there is none.
func (n node) member(name string) node {
	for i, have := range n.names {
		if have == name {
			return n.items[i]
		}
	}
	return node{}
}

// parseJSON reads exactly one document, strictly but for the bare NaN and
// Infinity that Python writes: these become strings. Duplicate names, which
// readers resolve differently, are an error.
func parseJSON(data []byte) (node, error) {
	data = quoteNonNumbers(data)
	p := parser{dec: jsontext.NewDecoder(bytes.NewBuffer(data))} // a Buffer is read in place
	root, err := p.value(0)
	if err == nil {
		switch _, end := p.dec.ReadToken(); {
		case end == nil:
			err = hint.Wrap(errors.New("holds more than one JSON value"), severalRuns)
		case end != io.EOF:
			err = end
		}
	}
	if err == nil {
		return root, nil
	}
	at := p.dec.InputOffset()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = syntax.ByteOffset
		if errors.Is(err, jsontext.ErrDuplicateName) {
			err = fmt.Errorf("the name %q stands twice in one object", cut(string(syntax.JSONPointer), 80))
		} else {
			err = fmt.Errorf("is no JSON: %w", syntax.Err)
		}
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("is no JSON: it ends too early")
	}
	line := 1 + bytes.Count(data[:min(int(at), len(data))], []byte("\n"))
	return node{}, fmt.Errorf("line %d: %w", line, err)
}

type parser struct {
	dec   *jsontext.Decoder
	count int // values so far
	nodes int // those of them that take a node each

	scratch []byte
}

func (p *parser) value(depth int) (node, error) {
	if p.count++; p.count > MaxElements {
		if _, err := p.dec.ReadToken(); err != nil {
			return node{}, err
		}
		return node{}, fmt.Errorf("holds more than %d values", MaxElements)
	}
	if kind := p.dec.PeekKind(); kind != '{' && kind != '[' {
		return p.leaf()
	}
	token, err := p.dec.ReadToken()
	if err != nil {
		return node{}, err
	}
	n := node{kind: token.Kind()}
	if depth == MaxDepth {
		return node{}, fmt.Errorf("is nested deeper than %d values", MaxDepth)
	}
	for p.dec.PeekKind() != n.kind+2 { // '}' and ']' are two after their openings
		if n.kind == '{' {
			name, err := p.dec.ReadToken()
			if err != nil {
				return node{}, err
			}
			n.names = append(n.names, name.String())
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return node{}, err
		}
		if p.nodes += n.add(item); p.nodes > maxNodes {
			return node{}, fmt.Errorf("holds more than %d values beside its arrays of numbers", maxNodes)
		}
	}
	_, err = p.dec.ReadToken()
	return n, err
}

// leaf reads a value that holds no other.
func (p *parser) leaf() (node, error) {
	value, err := p.dec.ReadValue()
	if err != nil {
		return node{}, err
	}
	n := node{kind: value.Kind()}
	switch {
	case n.kind == '0':
		n.text = string(value)
	case n.kind == '"' && len(value) > maxText:
		n.text = strings.ToValidUTF8(string(value[1:maxText]), "")
	case n.kind == '"':
		if p.scratch, err = jsontext.AppendUnquote(p.scratch[:0], value); err != nil {
			return node{}, err
		}
		n.text = string(p.scratch)
	}
	return n, nil
}

// add appends an item, to an array of numbers as a number. It returns how many
// nodes that takes.
func (n *node) add(item node) int {
	number, err := strconv.ParseFloat(item.text, 64)
	dense := n.kind == '[' && item.kind == '0' && err == nil && (n.numbers != nil || len(n.items) == 0)
	switch {
	case dense && n.numbers == nil:
		n.numbers = &[]float64{number}
	case dense:
		*n.numbers = append(*n.numbers, number)
	case n.numbers != nil:
		if len(*n.numbers) < maxNodes {
			n.items = append(n.list(), item)
		}
		many := len(*n.numbers) + 1
		n.numbers = nil
		return many
	default:
		n.items = append(n.items, item)
		return 1
	}
	return 0
}

// quoteNonNumbers puts the bare words NaN, Infinity and -Infinity in quotes.
// Line breaks stay where they are. Data without them is returned as it is.
func quoteNonNumbers(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data)+len(data)/16)
	quoted := false
	for i := 0; i < len(data); i++ {
		switch {
		case quoted && data[i] == '\\' && i+1 < len(data):
			out = append(out, data[i])
			i++
		case data[i] == '"':
			quoted = !quoted
		case !quoted:
			if word := nonNumber(data[i:]); word != "" {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, data[i])
	}
	return out
}

func nonNumber(data []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

// pointer writes path as a JSON pointer (RFC 6901, section 3).
func pointer(path []string) string {
	var b strings.Builder
	for _, name := range path {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
		b.WriteByte('/')
		b.WriteString(name)
	}
	return b.String()
}
