package testreport

import "strings"

func isPytest(root node) bool {
	return root.has("created") && root.has("exitcode") && root.has("summary")
}

// pytest reads pytest-json-report 1.5: times in seconds, and what a test
// recorded under metadata and user_properties. With --json-report-summary there
// are no tests, only their number by outcome.
func (w *walk) pytest(root node) error {
	err := w.each(root, func(name string, item node) error {
		switch {
		case name == "tests" && item.kind != '[':
			return w.unexpected(item, "an array")
		case name == "tests":
			return w.each(item, func(_ string, test node) error { return w.pytestTest(test) })
		case name == "summary" && item.kind != '{':
			return w.unexpected(item, "an object")
		case name == "summary" && !root.has("tests"):
			return w.pytestSummary(item)
		case name == "summary":
			err := w.in("total", func() error { return w.complete(item.member("total"), len(root.member("tests").items)) })
			if err != nil {
				return err
			}
		case name == "duration":
			return w.known(field{name: name, one: seconds()}, item)
		}
		return w.value(item)
	})
	if err != nil {
		return err
	}
	return w.in("exitcode", func() error {
		code := root.member("exitcode")
		if _, err := w.count(code); err != nil {
			return err
		}
		if code.text != "0" && len(w.report.Failures) == 0 { // interrupted, or it could not collect
			return w.fail("pytest", "ended with exit code "+code.text)
		}
		return nil
	})
}

func (w *walk) pytestSummary(summary node) error {
	return w.each(summary, func(outcome string, item node) error {
		switch outcome {
		case "passed", "xpassed", "failed", "error":
		default:
			return w.value(item)
		}
		many, err := w.count(item)
		if err != nil {
			return err
		}
		w.report.Tests += many
		if many > 0 && (outcome == "failed" || outcome == "error") {
			return w.fail("pytest", item.text+" tests ended as "+outcome)
		}
		return nil
	})
}

func (w *walk) pytestTest(test node) error {
	id, outcome, call := test.member("nodeid"), test.member("outcome"), test.member("call")
	if id.kind != '"' || id.text == "" {
		return w.unexpected(test, "a test with nodeid and outcome")
	}
	ran := true
	switch result := pytestResult(outcome, call); result {
	case "passed", "xpassed":
	case "failed", "error":
		if err := w.fail(id.text, crash(test)); err != nil {
			return err
		}
	case "skipped", "xfailed":
		ran = false
	default:
		return w.in("outcome", func() error {
			return w.unexpected(outcome, "passed, failed, error, skipped, xfailed or xpassed")
		})
	}
	if ran {
		w.report.Tests++
	}
	return w.each(test, func(name string, item node) error {
		switch {
		case name == "call" && item.kind != '{':
			return w.unexpected(item, "an object")
		case name == "call":
			return w.pytestCall(item, id.text, ran)
		case name == "keywords" && item.kind == '[': // names
			return nil
		case name == "metadata":
			return w.recorded(item, pytestName(id.text))
		case name == "user_properties":
			return w.each(item, func(_ string, property node) error { return w.recorded(property, pytestName(id.text)) })
		}
		return w.value(item)
	})
}

// pytestResult knows the outcome that pytest-rerunfailures leaves on a test
// that passed at last: a pass does not overwrite it, only a failure does.
func pytestResult(outcome, call node) string {
	if outcome.kind == '"' && outcome.text == "rerun" {
		return call.member("outcome").text
	}
	return outcome.text
}

func (w *walk) pytestCall(call node, id string, ran bool) error {
	return w.each(call, func(name string, item node) error {
		switch {
		case name == "duration" && ran:
			return w.duration(field{name: pytestName(id), one: seconds()}, item, id)
		case name == "duration": // of a test that was skipped it means nothing
			return nil
		}
		return w.value(item)
	})
}

// pytestName returns the test's own name, with its parameters: those may hold
// the colons that separate the rest of a node id.
func pytestName(id string) string {
	head, _, _ := strings.Cut(id, "[")
	if at := strings.LastIndex(head, "::"); at >= 0 && at+2 < len(id) {
		return id[at+2:]
	}
	return id
}

// crash returns the message of the first stage that crashed.
func crash(test node) string {
	for _, stage := range []string{"setup", "call", "teardown"} {
		if message := test.member(stage).member("crash").member("message").text; message != "" {
			return message
		}
	}
	return ""
}
