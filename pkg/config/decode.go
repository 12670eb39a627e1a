package config

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/org/ai-ship/pkg/unit"
)

// decoder walks the YAML tree along the Config struct. It records what is
// wrong and goes on, so that one error does not hide the next.
type decoder struct {
	*document
	getenv func(string) string
}

// options are what a yaml tag says beside the name; Config documents them.
type options struct{ number, scalar, expand, short, auto bool }

// field is one key of a struct.
type field struct {
	name  string
	index int
	options
}

// fieldsOf returns the keys of a struct, sorted by name.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag := strings.Split(t.Field(i).Tag.Get("yaml"), ",")
		has := func(option string) bool { return slices.Contains(tag[1:], option) }
		fields = append(fields, field{tag[0], i, options{has("number"), has("scalar"), has("expand"), has("short"), has("auto")}})
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields
}

// value decodes n into v, which is settable.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, o options) {
	d.at[path] = start(n)
	if n = d.plain(n, path); n == nil {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch target := v.Addr().Interface().(type) {
	case *Limit:
		d.limit(n, target, path, o)
		return
	case *Command:
		if s, ok := text(n, options{}); ok {
			d.str(n, reflect.ValueOf(&s).Elem(), path, options{})
			*target = Command{"/bin/sh", "-c", s}
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.dictionary(n, v, path, o)
	case reflect.Slice:
		d.list(n, v, path, o)
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.mismatch(n, v.Type(), path, o)
		}
	case reflect.Int:
		d.whole(n, v, path)
	case reflect.String:
		d.str(n, v, path, o)
	}
}

// whole decodes a count.
func (d *decoder) whole(n ast.Node, v reflect.Value, path string) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		d.mismatch(n, v.Type(), path, options{})
		return
	}
	count, err := strconv.ParseInt(i.Token.Value, 10, 32)
	if err != nil || count < 0 {
		d.fail(path, fmt.Sprintf("expected a whole number of 0 or more, found %s", clip(i.Token.Value)), "")
		return
	}
	v.SetInt(count)
}

// plain returns what stands behind anchors and tags, which are errors: a value
// must stand where it counts, so that a gate cannot change from afar.
func (d *decoder) plain(n ast.Node, path string) ast.Node {
	for {
		switch outer := n.(type) {
		case *ast.AnchorNode:
			d.failAt(start(n), path, "anchors are not supported", "write the value where it is used")
			n = outer.Value
		case *ast.TagNode:
			d.failAt(start(n), path, "tags are not supported", "remove "+clip(outer.Start.Value))
			n = outer.Value
		case *ast.AliasNode:
			d.failAt(start(n), path, "aliases are not supported", "write the value where it is used")
			return nil
		default:
			return n
		}
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		short := slices.IndexFunc(fields, func(f field) bool { return f.short })
		if short < 0 {
			d.mismatch(n, v.Type(), path, options{})
			return
		}
		f := fields[short]
		if _, ok := text(n, f.options); !ok {
			d.mismatch(n, v.Type(), path, f.options)
			return
		}
		d.value(n, v.Field(f.index), child(path, f.name), f.options)
		return
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	for key, value := range d.entries(mapping, path) {
		i := slices.Index(names, key)
		if i < 0 {
			d.failKey(child(path, key), fmt.Sprintf("unknown key %q; expected one of %s", clip(key), strings.Join(names, ", ")), didYouMean(clip(key), names))
			continue
		}
		d.value(value, v.Field(fields[i].index), child(path, key), fields[i].options)
	}
}

func (d *decoder) dictionary(n ast.Node, v reflect.Value, path string, o options) {
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		d.mismatch(n, v.Type(), path, o)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range d.entries(mapping, path) {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(value, elem, child(path, key), o)
		v.SetMapIndex(reflect.ValueOf(key), elem)
	}
}

// entries yields the keys of a mapping with their values, in the file's order,
// and records the keys that are not plain text or stand there twice.
func (d *decoder) entries(mapping *ast.MappingNode, path string) iter.Seq2[string, ast.Node] {
	return func(yield func(string, ast.Node) bool) {
		for _, entry := range mapping.Values {
			key, ok := entry.Key.(*ast.StringNode)
			switch {
			case entry.Key.IsMergeKey():
				d.failAt(start(entry.Key), child(path, "<<"), "merge keys are not supported", "write the keys where they are used")
				continue
			case !ok:
				d.failAt(start(entry.Key), path, fmt.Sprintf("expected a name as key, found %s", found(entry.Key)), "write it in quotes if it is meant to be a name")
				continue
			}
			at := child(path, key.Value)
			if first, again := d.keys[at]; again {
				d.failAt(start(key), at, fmt.Sprintf("duplicate key %q; it is first set in line %d", clip(key.Value), first.line), "keep one of them")
				continue
			}
			d.keys[at] = start(key)
			if !yield(key.Value, entry.Value) {
				return
			}
		}
	}
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string, o options) {
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, v.Type(), path, o)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(sequence.Values), len(sequence.Values)))
	for i, value := range sequence.Values {
		d.value(value, v.Index(i), item(path, i), o)
	}
}

func (d *decoder) str(n ast.Node, v reflect.Value, path string, o options) {
	s, ok := text(n, o)
	if !ok {
		d.mismatch(n, v.Type(), path, o)
		return
	}
	if o.expand {
		expanded, message, hint := expand(s, d.getenv)
		if message != "" {
			d.fail(path, message, hint)
			return
		}
		s = expanded
	}
	switch {
	case s == "" && !o.scalar:
		d.fail(path, "expected a value, found an empty string", "remove the key or give it a value")
	case strings.ContainsRune(s, 0):
		d.fail(path, "the value contains a NUL character", "")
	default:
		v.SetString(s)
	}
}

func (d *decoder) limit(n ast.Node, v *Limit, path string, o options) {
	s, ok := text(n, options{number: true})
	if ok && o.auto && s == Auto {
		*v = Limit{Text: s}
		return
	}
	if !ok {
		d.mismatch(n, reflect.TypeFor[Limit](), path, options{})
		return
	}
	quantity, err := unit.Parse(s)
	if err != nil {
		d.fail(path, err.Error(), "")
		return
	}
	*v = Limit{Quantity: quantity, Text: s}
}

// mismatch records that n does not fit the type that path has.
func (d *decoder) mismatch(n ast.Node, t reflect.Type, path string, o options) {
	var hint string
	s, scalar := text(n, options{scalar: true})
	switch {
	case n.Type() == ast.NullType:
		hint = "remove the key or give it a value"
	case n.Type() == ast.MappingType && t.Kind() == reflect.String:
		// The parser reads tag:v* in a list inside { } as a mapping.
		hint = "write it in quotes if it is meant to be a string"
	case scalar && t.Kind() == reflect.Slice:
		hint = fmt.Sprintf("write it as a list: [%s]", clip(s))
	case scalar && t.Kind() == reflect.String:
		hint = fmt.Sprintf("write it in quotes: %q", clip(s))
	}
	d.fail(path, fmt.Sprintf("expected %s, found %s", expected(t, o), found(n)), hint)
}

// text returns a scalar as the user wrote it, without quotes. Numbers count
// only with the options number or scalar, booleans only with scalar.
func text(n ast.Node, o options) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode:
		return n.Token.Value, o.number || o.scalar
	case *ast.FloatNode:
		return n.Token.Value, o.number || o.scalar
	case *ast.BoolNode:
		return n.Token.Value, o.scalar
	}
	return "", false
}

// expected names what a type looks like in the file.
func expected(t reflect.Type, o options) string {
	str := "a string"
	switch {
	case o.scalar:
		str = "a string, a number or a boolean"
	case o.number:
		str = "a string or a number"
	}
	switch {
	case t == reflect.TypeFor[Limit]():
		return "a quantity such as 1.1GB, 100ms, 95% or 0.95"
	case t == reflect.TypeFor[Command]():
		return "a string or a list of strings"
	case t.Kind() == reflect.String:
		return str
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Slice:
		return "a list"
	case o.short:
		return strings.Replace(str, " or ", ", ", 1) + " or a mapping"
	default:
		return "a mapping"
	}
}

// found names what a node is.
func found(n ast.Node) string {
	if n, ok := n.(*ast.StringNode); ok {
		return fmt.Sprintf("the string %q", clip(n.Value))
	}
	if s, ok := text(n, options{scalar: true}); ok {
		return clip(s)
	}
	switch n.Type() {
	case ast.NullType:
		return "nothing"
	case ast.MappingType:
		return "a mapping"
	case ast.SequenceType:
		return "a list"
	default:
		return fmt.Sprintf("%q", clip(n.GetToken().Value))
	}
}

// start returns where a node begins.
func start(n ast.Node) mark {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return place(m.Values[0].Key.GetToken())
	}
	return place(n.GetToken())
}
