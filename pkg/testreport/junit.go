package testreport

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// maxContent bounds the text kept of one element, in bytes: enough for a
// property's value or a failure's first line.
const maxContent = 4 << 10

// element is one open XML element.
type element struct {
	name     string
	place    string         // Source.Pointer: testsuite[1]/testcase[2]
	children map[string]int // how many of each name were opened in it so far
	attrs    []xml.Attr
	content  []byte // text, of property, failure and error only
}

func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// testcase is what is known about the open test case.
type testcase struct {
	name, class string
	skipped     bool
	failure     *Failure // the first; a test fails once
}

func (t *testcase) qualified() string {
	if t.class == "" {
		return t.name
	}
	return t.class + "." + t.name
}

// junit walks the tokens of one report, so that memory does not depend on how
// deep or how long the document is.
type junit struct {
	*collector
	stack []*element
	count int // elements so far
	test  *testcase
}

// readJUnit reads the JUnit XML that pytest and others write. There is no
// standard of it; the field names are those of the Jenkins schema.
func (c *collector) readJUnit(data []byte) error {
	c.report.Format = formatJUnit
	j := &junit{collector: c}
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
			err = j.token(token)
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
	if j.count == 0 {
		return errors.New("is XML without any element, expected testsuites or testsuite")
	}
	return nil
}

func (j *junit) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return j.start(t)
	case xml.CharData:
		if len(j.stack) > 0 {
			j.text(j.stack[len(j.stack)-1], t)
		}
	case xml.EndElement: // the decoder has checked that it closes the top
		top := j.stack[len(j.stack)-1]
		j.stack = j.stack[:len(j.stack)-1]
		return j.end(top)
	}
	return nil
}

func (j *junit) start(t xml.StartElement) error {
	j.count++
	name := t.Name.Local
	if j.count > MaxElements {
		return fmt.Errorf("holds more than %d elements", MaxElements)
	}
	if len(j.stack) == MaxDepth {
		return fmt.Errorf("is nested deeper than %d elements", MaxDepth)
	}
	e := &element{name: name, attrs: t.Copy().Attr}
	if len(j.stack) > 0 {
		e.place = j.stack[len(j.stack)-1].child(name)
	} else if j.count > 1 {
		return fmt.Errorf("is XML with a second root %q", name)
	} else if name == "testsuite" {
		e.place = "testsuite[1]"
	} else if name != "testsuites" {
		return fmt.Errorf("is XML with root %q, expected testsuites or testsuite", cut(name, 40))
	}
	j.stack = append(j.stack, e)
	if name == "testcase" && j.under("testsuite", "testsuites") {
		if j.test != nil {
			return errors.New("has a testcase inside a testcase")
		}
		j.test = &testcase{}
		j.test.name, _ = e.attr("name")
		j.test.class, _ = e.attr("classname")
		switch status, _ := e.attr("status"); status {
		case "skipped", "notrun", "disabled":
			j.test.skipped = true
		}
	}
	if name == "skipped" && j.under("testcase") && j.test != nil {
		j.test.skipped = true
	}
	return nil
}

// child returns the place of a new child. The root testsuites and the one
// properties element that a parent has go without a number.
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

// under reports whether the open element's parent has one of the names.
func (j *junit) under(names ...string) bool {
	if len(j.stack) < 2 {
		return false
	}
	parent := j.stack[len(j.stack)-2].name
	for _, name := range names {
		if parent == name {
			return true
		}
	}
	return false
}

func (j *junit) text(e *element, text []byte) {
	switch e.name {
	case "property", "failure", "error":
		e.content = append(e.content, text[:min(len(text), maxContent-len(e.content))]...)
	}
}

// end handles an element that is complete. It is no longer on the stack.
func (j *junit) end(e *element) error {
	parent := ""
	if len(j.stack) > 0 {
		parent = j.stack[len(j.stack)-1].name
	}
	switch {
	case e.name == "property" && parent == "properties":
		return j.property(e)
	case (e.name == "failure" || e.name == "error") && parent == "testcase" && j.test != nil && j.test.failure == nil:
		message, _ := e.attr("message")
		if message == "" {
			message = string(e.content)
		}
		message, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
		j.test.failure = &Failure{
			Test:    j.test.qualified(),
			Message: cut(strings.ToValidUTF8(strings.TrimSpace(message), "�"), maxMessage),
			Source:  j.source(e.place),
		}
	case e.name == "testcase" && j.test != nil && (parent == "testsuite" || parent == "testsuites"):
		test := j.test
		j.test = nil
		return j.finish(test, e)
	}
	return nil
}

// property reads a property of a suite or of a test case. Those of a test that
// was skipped at last count too: they were recorded before.
func (j *junit) property(e *element) error {
	name, _ := e.attr("name")
	value, found := e.attr("value")
	if !found {
		value = string(e.content)
	}
	m, ok := parseField(name).metric(value)
	if !ok || name == "" {
		return nil
	}
	if j.test == nil {
		return j.add(m, e.place, name)
	}
	return j.add(m, e.place, name, j.test.name+"."+name)
}

// finish counts a test case and keeps its duration. A skipped one has none
// that means anything.
func (j *junit) finish(test *testcase, e *element) error {
	if test.failure != nil {
		j.report.Failures = append(j.report.Failures, *test.failure)
	} else if test.skipped {
		return nil
	}
	j.report.Tests++
	duration, ok := e.attr("time")
	if !ok || test.name == "" {
		return nil
	}
	m, ok := field{name: test.name, one: unit.Quantity{Value: 1, Unit: unit.Seconds}}.metric(duration)
	if !ok {
		m = Metric{Name: test.name, Unit: unit.Seconds, Invalid: fmt.Sprintf("%q, which is no number", cut(duration, 40))}
	}
	m.Duration = true
	return j.add(m, e.place+"/@time", test.qualified())
}
