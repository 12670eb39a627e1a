package testreport

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is one JSON value, its members in the document's order.
type node struct {
	kind  jsontext.Kind // '{', '[', '0', '"', or the first letter of true, false, null
	text  string        // of a number as written; of a string unescaped
	names []string      // of an object's members, beside items
	items []node
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
	p := parser{dec: jsontext.NewDecoder(bytes.NewReader(data))}
	root, err := p.value(0)
	if err == nil {
		switch _, end := p.dec.ReadToken(); {
		case end == nil:
			err = errors.New("holds more than one JSON value")
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
}

func (p *parser) value(depth int) (node, error) {
	token, err := p.dec.ReadToken()
	if err != nil {
		return node{}, err
	}
	if p.count++; p.count > MaxElements {
		return node{}, fmt.Errorf("holds more than %d values", MaxElements)
	}
	n := node{kind: token.Kind()}
	if n.kind == '0' || n.kind == '"' {
		n.text = token.String()
	}
	if n.kind != '{' && n.kind != '[' {
		return n, nil
	}
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
		n.items = append(n.items, item)
	}
	_, err = p.dec.ReadToken()
	return n, err
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
