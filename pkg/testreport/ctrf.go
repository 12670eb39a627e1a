package testreport

import (
	"fmt"
	"strings"
)

// isCTRF also knows the reporters that leave out reportFormat, which came late.
func isCTRF(root node) bool {
	results := root.member("results")
	return root.member("reportFormat").text == "CTRF" ||
		results.member("tool").kind == '{' && results.has("summary") && results.has("tests")
}

// ctrf reads the Common Test Report Format: durations in milliseconds, and what
// people recorded under the extra of a test, of the results and of the report.
func (w *walk) ctrf(root node) error {
	if err := w.must(root, "results", '{', w.ctrfResults); err != nil {
		return err
	}
	return w.each(root, func(name string, item node) error {
		switch name {
		case "results":
			return nil
		case "extra":
			return w.recorded(item, "")
		}
		return w.value(item)
	})
}

func (w *walk) ctrfResults(results node) error {
	err := w.must(results, "tests", '[', func(tests node) error {
		return w.each(tests, func(_ string, test node) error { return w.ctrfTest(test) })
	})
	if err != nil {
		return err
	}
	err = w.each(results, func(name string, item node) error {
		switch name {
		case "tests":
			return nil
		case "extra":
			return w.recorded(item, "")
		}
		return w.value(item)
	})
	if err != nil {
		return err
	}
	return w.must(results, "summary", '{', func(summary node) error {
		return w.ctrfSummary(summary, len(results.member("tests").items))
	})
}

// ctrfSummary looks for tests and failures that the list lacks.
func (w *walk) ctrfSummary(summary node, listed int) error {
	err := w.in("tests", func() error { return w.complete(summary.member("tests"), listed) })
	if err != nil {
		return err
	}
	return w.in("failed", func() error {
		failed, err := w.count(summary.member("failed"))
		if err != nil || failed <= len(w.report.Failures) {
			return err
		}
		return w.fail("summary", fmt.Sprintf("%d failed by the summary, %d by the list of tests", failed, len(w.report.Failures)))
	})
}

func (w *walk) ctrfTest(test node) error {
	name, status := test.member("name"), test.member("status")
	if name.kind != '"' || name.text == "" {
		return w.unexpected(test, "a test with name and status")
	}
	full, ran := name.text, true
	if suite := ctrfSuite(test); len(suite) > 0 && !strings.HasPrefix(full, suite[0]) { // pytest's node id has it
		full = strings.Join(suite, ".") + "." + full
	}
	switch status.text {
	case "passed":
	case "failed", "other": // other is neither passed nor skipped, so it is no pass
		message := test.member("message").text
		if message == "" {
			message = "status " + status.text
		}
		if err := w.fail(full, message); err != nil {
			return err
		}
	case "skipped", "pending":
		ran = false
	default:
		return w.in("status", func() error {
			return w.unexpected(status, "passed, failed, skipped, pending or other")
		})
	}
	if ran {
		w.report.Tests++
	}
	return w.each(test, func(key string, item node) error {
		switch {
		case key == "duration" && ran:
			return w.duration(field{name: name.text, one: milliseconds()}, item, full, pytestName(name.text))
		case key == "duration": // of a test that was skipped it means nothing
			return nil
		case key == "extra":
			return w.recorded(item, name.text)
		}
		return w.value(item)
	})
}

// ctrfSuite returns what qualifies a test's name: a text, in later versions an
// array from the outermost suite to the innermost.
func ctrfSuite(test node) []string {
	suite := test.member("suite")
	var names []string
	for _, item := range append([]node{suite}, suite.items...) {
		if item.text != "" {
			names = append(names, item.text)
		}
	}
	return names
}
