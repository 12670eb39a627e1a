package testreport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

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

// junit reads the JUnit XML that pytest and others write. There is no standard
// of it; the field names are those of the Jenkins schema.
type junit struct {
	*collector
	*xmlWalk
	test *testcase // the open one
}

func (j *junit) start(e *element) error {
	if e.name == "testcase" && j.under("testsuite", "testsuites") {
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
	if e.name == "skipped" && j.under("testcase") && j.test != nil {
		j.test.skipped = true
	}
	return nil
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
		e.tests = 1
		if test.failure != nil {
			e.failures = 1
		}
		j.count(e)
		return j.finish(test, e)
	case e.name == "testsuite" || e.name == "testsuites":
		j.count(e)
		return j.suite(e)
	}
	return nil
}

// count adds the tests of an element to those of its parent.
func (j *junit) count(e *element) {
	if len(j.stack) > 0 {
		parent := j.stack[len(j.stack)-1]
		parent.tests += e.tests
		parent.failures += e.failures
	}
}

// suite holds what a suite says of itself against what it holds: one that was
// cut off when its tests crashed has fewer. pytest counts passed subtests that
// it does not list, but writes its report in one go.
func (j *junit) suite(e *element) error {
	if name, _ := e.attr("name"); name != "pytest" && name != "pytest tests" {
		if says := e.number("tests"); says > e.tests {
			return fmt.Errorf("%s/@tests: says %d tests, but the suite holds %d; the report is not complete", cut(e.place, maxMessage), says, e.tests)
		}
	}
	if says := e.number("failures") + e.number("errors"); says > 0 && e.failures == 0 {
		return j.fail(Failure{Test: cut(e.place, maxMessage), Message: fmt.Sprintf("%d failed by the suite's count, none by its tests", says), Source: j.source(e.place)})
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
