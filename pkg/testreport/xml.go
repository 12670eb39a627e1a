package testreport

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const (
	maxAttributes = 64 // of one element

	// maxContent bounds the text kept of one element, in bytes: enough for a
	// property's value or a failure's first line.
	maxContent = 4 << 10

	expectedRoots = "expected testsuites, testsuite or coverage"
)

// element is one open XML element.
type element struct {
	name     string
	place    string         // Source.Pointer: testsuite[1]/testcase[2]
	children map[string]int // how many of each name were opened in it so far
	attrs    []xml.Attr
	content  []byte // text, of property, failure and error only
	tests    int    // JUnit's test cases in it so far, at whatever depth
	failures int    // those of them that failed
}

func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// number returns an attribute that counts something, 0 where there is none.
func (e *element) number(name string) int {
	text, _ := e.attr(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxCount {
		return 0
	}
	return n
}

// child returns the place of a new child. The one properties element that a
// parent has goes without a number.
func (e *element) child(name string) string {
	if e.children == nil {
		e.children = make(map[string]int)
	}
	e.children[name]++
	if n := e.children[name]; n > 1 || name != "properties" {
		name += "[" + strconv.Itoa(n) + "]"
	}
	return strings.TrimPrefix(e.place+"/"+name, "/")
}

// visitor reads one XML format from the elements that a walk passes. start sees
// an element on top of the stack, end sees it complete and no longer there.
type visitor interface {
	start(e *element) error
	text(e *element, text []byte)
	end(e *element) error
}

// xmlWalk passes the tokens of one report, so that memory does not depend on
// how deep or how long the document is.
type xmlWalk struct {
	stack   []*element
	count   int // elements so far
	visitor visitor
}

// readXML reads the formats that it knows by their root element. Entities of a
// document's own are not expanded: one is an error.
func (c *collector) readXML(data []byte) error {
	w := &xmlWalk{}
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("expected UTF-8, found %q", charset)
	}
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.token(c, token)
		}
		if err != nil {
			line, _ := dec.InputPos()
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return fmt.Errorf("line %d: is no well-formed XML: %s", syntax.Line, syntax.Msg)
			}
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
	if w.count == 0 {
		return errors.New("is XML without any element, " + expectedRoots)
	}
	return nil
}

func (w *xmlWalk) token(c *collector, token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.open(c, t)
	case xml.CharData:
		if len(w.stack) > 0 {
			w.visitor.text(w.stack[len(w.stack)-1], t)
		}
	case xml.EndElement: // the decoder has checked that it closes the top
		top := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		return w.visitor.end(top)
	}
	return nil
}

func (w *xmlWalk) open(c *collector, t xml.StartElement) error {
	w.count++
	name := t.Name.Local
	if w.count > MaxElements {
		return fmt.Errorf("holds more than %d elements", MaxElements)
	}
	if len(w.stack) == MaxDepth {
		return fmt.Errorf("is nested deeper than %d elements", MaxDepth)
	}
	if len(t.Attr) > maxAttributes {
		return fmt.Errorf("has an element with more than %d attributes", maxAttributes)
	}
	e := &element{name: name, attrs: t.Copy().Attr}
	for i, a := range e.attrs { // the decoder accepts what XML does not
		if slices.ContainsFunc(e.attrs[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return fmt.Errorf("the attribute %q stands twice", cut(a.Name.Local, 40))
		}
	}
	if len(w.stack) > 0 {
		e.place = w.stack[len(w.stack)-1].child(name)
	} else if w.count > 1 {
		return fmt.Errorf("is XML with a second root %q", name)
	} else if err := w.root(c, e); err != nil {
		return err
	}
	w.stack = append(w.stack, e)
	return w.visitor.start(e)
}

// root chooses the visitor. The place of testsuites is left out of pointers.
func (w *xmlWalk) root(c *collector, e *element) error {
	switch e.name {
	case "testsuite":
		e.place = "testsuite[1]"
		fallthrough
	case "testsuites":
		c.report.Format = formatJUnit
		w.visitor = &junit{collector: c, xmlWalk: w}
	case "coverage":
		e.place = "coverage"
		c.report.Format = formatCobertura
		w.visitor = &cobertura{collector: c, xmlWalk: w}
	default:
		return fmt.Errorf("is XML with root %q, %s", cut(e.name, 40), expectedRoots)
	}
	return nil
}

// under reports whether the open element's parent has one of the names.
func (w *xmlWalk) under(names ...string) bool {
	return len(w.stack) > 1 && slices.Contains(names, w.stack[len(w.stack)-2].name)
}
