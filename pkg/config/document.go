package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

// mark is a place in the file; both count from 1.
type mark struct{ line, column int }

// document is the file being read: where each key stands, and what is wrong.
type document struct {
	name  string
	lines []string
	at    map[string]mark // where the value of a path stands; a path is here if its key is in the file
	keys  map[string]mark // where the key of a path stands
	bad   map[string]bool // paths with an error, whose value means nothing
	errs  Errors
}

func newDocument(name, text string) *document {
	return &document{
		name:  name,
		lines: strings.Split(text, "\n"),
		at:    make(map[string]mark),
		keys:  make(map[string]mark),
		bad:   make(map[string]bool),
	}
}

// has reports whether the file gives path a value.
func (d *document) has(path string) bool {
	_, ok := d.at[path]
	return ok
}

// ok reports whether path has a value that is worth judging.
func (d *document) ok(path string) bool { return d.has(path) && !d.bad[path] }

// where returns the place of path's value or of the nearest value around it.
func (d *document) where(path string) mark {
	for path != "" {
		if m, ok := d.at[path]; ok {
			return m
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.at[""]
}

// fail records an error at path's value.
func (d *document) fail(path, message, hint string) { d.failAt(d.where(path), path, message, hint) }

// failKey records an error at path's key.
func (d *document) failKey(path, message, hint string) {
	d.failAt(d.keys[path], path, message, hint)
}

func (d *document) failAt(m mark, path, message, hint string) {
	d.bad[path] = true
	// The parser places a few errors just outside the file.
	m = mark{min(max(1, m.line), len(d.lines)), max(1, m.column)}
	d.errs = append(d.errs, Error{
		File: d.name, Line: m.line, Column: m.column, Path: printable(path),
		Message: printable(message), Hint: printable(hint),
	})
}

// finish sorts the errors by position and gives the source line to those that
// are shown: to give it to all would take as long as errors times their line.
func (d *document) finish() Errors {
	slices.SortStableFunc(d.errs, func(a, b Error) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	for i := range d.errs[:min(len(d.errs), maxShown)] {
		e := &d.errs[i]
		e.snippet, e.caret = snippet(d.lines[e.Line-1], e.Column)
	}
	return d.errs
}

// child returns the path of a key inside path.
func child(path, key string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	switch {
	case key == "" || strings.TrimFunc(key, plain) != "":
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// item returns the path of a list's item.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// didYouMean is the hint for word, or "" if no candidate is near.
func didYouMean(word string, candidates []string) string {
	if near := hint.Near(word, candidates); len(near) > 0 {
		return fmt.Sprintf("did you mean %q?", near[0])
	}
	return ""
}
