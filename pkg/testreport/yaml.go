package testreport

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of YAML, held before it is parsed: the parser recurses for each level
// and for each key of a mapping, and keeps the whole path with every node. The
// first two are TOML's as well.
const (
	maxPlain       = 1 << 20 // bytes
	maxPlainValues = 100_000 // keys, values and, of YAML, punctuation
	maxYAMLKey     = 256     // bytes of one key
	maxYAMLIndent  = 200     // column of a key or of a list's dash
)

// readYAML reads Hugging Face's formats, and any other document as nested
// numbers, which is what DVC calls metrics.
func (c *collector) readYAML(data []byte) error {
	root, err := parseYAML(string(data), 0)
	if err != nil {
		return err
	}
	switch {
	case root.member("model-index").kind == '[' && bytes.HasPrefix(bytes.TrimSpace(data), []byte(frontMatter)):
		return errors.New("is a model card without the line --- that ends its YAML")
	case root.member("model-index").kind == '[':
		c.report.Format = formatModelCard
		return c.modelIndex(root.member("model-index"))
	case isEvalResults(root):
		c.report.Format = formatEvalResults
		return c.evalResults(root)
	}
	c.report.Format = formatYAML
	w := &walk{collector: c}
	return w.value(root)
}

// parseYAML reads exactly one document without anchors, aliases, merge keys and
// tags. Lines of errors are counted from after the line before.
func parseYAML(text string, before int) (root node, err error) {
	if len(text) > maxPlain {
		return node{}, fmt.Errorf("is YAML of more than %d MiB", maxPlain>>20)
	}
	at := 0
	// The parser is not ours and has panicked on odd input before; to the user
	// that is a report that could not be read, not a crash.
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("is no YAML")
		}
		if err != nil && at > 0 {
			err = fmt.Errorf("line %d: %w", before+at, err)
		}
	}()
	tokens := lexer.Tokenize(text)
	if at, err = boundYAML(tokens); err != nil {
		return node{}, err
	}
	file, err := yamlparser.Parse(tokens, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			at = yamlLineOf(syntax.GetToken())
			err = fmt.Errorf("is no YAML: %s", syntax.GetMessage())
		}
		return node{}, err
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return node{}, errors.New("is YAML without any value")
	}
	if len(file.Docs) > 1 {
		at = yamlLineOf(file.Docs[1].Start)
		return node{}, errors.New("holds more than one YAML document")
	}
	return yamlNode(file.Docs[0].Body, 0, &at)
}

// boundYAML returns the line of the first token that is over a limit, or that
// stands for something else than what is written there.
func boundYAML(tokens token.Tokens) (line int, err error) {
	if len(tokens) > maxPlainValues {
		return yamlLineOf(tokens[maxPlainValues]), fmt.Errorf("holds more than %d keys and values", maxPlainValues)
	}
	flow := 0
	for _, t := range tokens {
		structural := false
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return yamlLineOf(t), errors.New("is YAML with an anchor, an alias or a merge key, expected plain values")
		case token.TagType, token.DirectiveType:
			return yamlLineOf(t), errors.New("is YAML with a tag or a directive, expected plain values")
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			structural = true
		case token.MappingValueType:
			if t.Prev != nil && len(t.Prev.Value) > maxYAMLKey {
				return yamlLineOf(t), fmt.Errorf("has a key of more than %d bytes", maxYAMLKey)
			}
			structural = t.Prev != nil && yamlColumn(t.Prev) > maxYAMLIndent
		}
		if flow > MaxDepth || flow <= 0 && structural && yamlColumn(t) > maxYAMLIndent {
			return yamlLineOf(t), fmt.Errorf("is nested deeper than %d values", MaxDepth)
		}
	}
	return 0, nil
}

// yamlLineOf returns 0 where a token is nil or without a position.
func yamlLineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

func yamlColumn(t *token.Token) int {
	if t.Position == nil {
		return 0
	}
	return t.Position.Column
}

// yamlNode turns a parsed value into what JSON would have for it. at is set to
// the line of an error.
func yamlNode(n ast.Node, depth int, at *int) (node, error) {
	if depth > MaxDepth {
		*at = yamlLineOf(n.GetToken())
		return node{}, fmt.Errorf("is nested deeper than %d values", MaxDepth)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return yamlObject(n.Values, depth, at)
	case *ast.MappingValueNode:
		return yamlObject([]*ast.MappingValueNode{n}, depth, at)
	case *ast.SequenceNode:
		list := node{kind: '['}
		for _, value := range n.Values {
			item, err := yamlNode(value, depth+1, at)
			if err != nil {
				return node{}, err
			}
			list.items = append(list.items, item)
		}
		return list, nil
	case *ast.IntegerNode:
		return node{kind: '0', text: fmt.Sprint(n.Value)}, nil
	case *ast.FloatNode:
		return node{kind: '0', text: strconv.FormatFloat(n.Value, 'g', -1, 64)}, nil
	case *ast.InfinityNode:
		return node{kind: '"', text: strconv.FormatFloat(n.Value, 'g', -1, 64)}, nil
	case *ast.NanNode:
		return node{kind: '"', text: "NaN"}, nil
	case *ast.StringNode:
		return node{kind: '"', text: n.Value}, nil
	case *ast.LiteralNode:
		return node{kind: '"', text: n.Value.Value}, nil
	case *ast.BoolNode:
		return node{kind: jsontext.Kind(strconv.FormatBool(n.Value)[0])}, nil
	case *ast.NullNode, nil:
		return node{kind: 'n'}, nil
	}
	*at = yamlLineOf(n.GetToken())
	return node{}, fmt.Errorf("is YAML with a %s, expected plain values", n.Type())
}

func yamlObject(members []*ast.MappingValueNode, depth int, at *int) (node, error) {
	object := node{kind: '{'}
	for _, member := range members {
		key, err := yamlNode(member.Key, depth+1, at)
		if err != nil {
			return node{}, err
		}
		name := key.text
		switch key.kind {
		case '"', '0':
		case 'n', 't', 'f':
			name = member.Key.GetToken().Value
		default:
			*at = yamlLineOf(member.Key.GetToken())
			return node{}, errors.New("is YAML with a key that is no text")
		}
		item, err := yamlNode(member.Value, depth+1, at)
		if err != nil {
			return node{}, err
		}
		object.names = append(object.names, name)
		object.items = append(object.items, item)
	}
	return object, nil
}
