package testreport

import (
	"encoding/json/jsontext"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/org/ai-ship/pkg/unit"
)

// The JSON formats that are known by their content, as Report.Format has them.
const (
	formatCTRF           = "ctrf"
	formatPytest         = "pytest-json-report"
	formatK6             = "k6"
	formatLocustJSON     = "locust"
	formatVLLM           = "vllm-bench"
	formatSGLang         = "sglang-bench"
	formatGenAIPerf      = "genai-perf"
	formatAIPerf         = "aiperf"
	formatHarness        = "lm-evaluation-harness"
	formatClassification = "sklearn-classification-report"
	formatTrainer        = "huggingface-trainer"
	formatTorch          = "torch-memory-stats"
	formatCoveragePy     = "coverage-py"
	formatDVC            = "dvc-metrics"
	formatMLflow         = "mlflow"
)

// What 1 stands for in the formats whose units are fixed. A field of a known
// format without any is a plain number.
func seconds() unit.Quantity      { return unit.Quantity{Value: 1, Unit: unit.Seconds} }
func milliseconds() unit.Quantity { return unit.Quantity{Value: 1e-3, Unit: unit.Seconds} }
func wholeBytes() unit.Quantity   { return unit.Quantity{Value: 1, Unit: unit.Bytes} }
func ratio() unit.Quantity        { return unit.Quantity{Value: 1, Unit: unit.Ratio} }
func percent() unit.Quantity      { return unit.Quantity{Value: 0.01, Unit: unit.Ratio} }

// known adds a number that its format defines, under the name that people use
// for it. The dotted path stays an alias, as do the given names. Anything that
// does not stand for a number is an error: a gate could not tell it from a
// value that was never written.
func (w *walk) known(f field, n node, aliases ...string) error {
	if f.name == "" { // as where a metric's key is empty
		f.name = w.name()
	}
	m, err := w.number(f, n)
	if err != nil {
		return err
	}
	return w.add(m, pointer(w.path), append(aliases, w.name(), twin(f.name))...)
}

// share adds a number that is a part of a whole: f.one tells whether 1 or 100 is
// all of it. One below nothing or above all is a mistake of the report's writer.
func (w *walk) share(f field, n node, aliases ...string) error {
	m, err := w.number(f, n)
	if err != nil {
		return err
	}
	if m.Invalid == "" && (m.Value < 0 || m.Value > 1) {
		m.Value, m.Invalid = 0, n.what()+", which is no share from 0 to 1"
		if f.one == percent() {
			m.Invalid = n.what() + ", which is no percentage from 0 to 100"
		}
	}
	return w.add(m, pointer(w.path), append(aliases, w.name())...)
}

// duration adds the time that a test took, under the test's name.
func (w *walk) duration(f field, n node, aliases ...string) error {
	m, err := w.number(f, n)
	if err != nil {
		return err
	}
	m.Duration = true
	return w.add(m, pointer(w.path), aliases...)
}

func (w *walk) number(f field, n node) (Metric, error) {
	if f.one == (unit.Quantity{}) {
		f.one = unit.Quantity{Value: 1}
	}
	if n.scalar() {
		if m, ok := f.metric(n.number()); ok {
			return m, nil
		}
	}
	return Metric{}, w.unexpected(n, "a number")
}

// twin is the other name of the time that one inference takes: servers call it
// latency, models inference time. A gate may use either.
func twin(name string) string {
	switch name {
	case "latency":
		return "inference_time"
	case "inference_time":
		return "latency"
	}
	return ""
}

// usual is the name that people use for a score that a format abbreviates.
func usual(score string) string {
	switch score {
	case "acc":
		return "accuracy"
	case "f1-score":
		return "f1"
	}
	return score
}

// statistic knows what reports call a statistic beside what ParseStat accepts.
func statistic(s string) (string, bool) {
	switch s {
	case "std", "stddev":
		return "stddev", true
	case "med":
		return "median", true
	}
	stat, err := ParseStat(s)
	return stat, err == nil
}

// each visits the members of an object or the items of an array, with their
// names in the path. Anything else is read as it stands.
func (w *walk) each(n node, visit func(name string, item node) error) error {
	if n.kind != '{' && n.kind != '[' {
		return w.value(n)
	}
	for i, item := range n.list() {
		name := strconv.Itoa(i)
		if n.kind == '{' {
			name = n.names[i]
		}
		if err := w.in(name, func() error { return visit(name, item) }); err != nil {
			return err
		}
	}
	return nil
}

// must visits a member that has to be there and of that kind.
func (w *walk) must(n node, name string, kind jsontext.Kind, visit func(node) error) error {
	item := n.member(name)
	return w.in(name, func() error {
		if item.kind != kind {
			return w.unexpected(item, node{kind: kind}.what())
		}
		return visit(item)
	})
}

// labelled runs visit with further labels on all metrics.
func (w *walk) labelled(visit func() error, labels ...Label) error {
	before := w.labels
	w.labels = slices.Concat(before, labels) // metrics share it, so it is never appended to
	err := visit()
	w.labels = before
	return err
}

// recorded reads what a test or an evaluation recorded itself, under the names
// it chose. owner, which may be empty, qualifies them in an alias.
func (w *walk) recorded(n node, owner string) error {
	beforePrefix, beforeOwner := w.prefix, w.owner
	w.prefix, w.owner = len(w.path), owner
	err := w.value(n)
	w.prefix, w.owner = beforePrefix, beforeOwner
	return err
}

// fail adds a failure that stands at the end of the path.
func (w *walk) fail(test, message string) error {
	return w.collector.fail(Failure{Test: test, Message: message, Source: w.source(pointer(w.path))})
}

const maxCount = 1_000_000_000 // tests or requests; sums of counts stay far from overflow

// count reads how many of something there were.
func (w *walk) count(n node) (int, error) {
	if n.kind == '0' {
		if many, err := strconv.Atoi(n.text); err == nil && many >= 0 && many <= maxCount {
			return many, nil
		}
	}
	return 0, w.unexpected(n, "a count")
}

// complete refuses a list of tests that holds fewer than the report says.
func (w *walk) complete(says node, listed int) error {
	if many := says.many(); many > listed {
		return fmt.Errorf("%s: says %d tests, but the report lists %d; it is not complete", cut(pointer(w.path), maxMessage), many, listed)
	}
	return nil
}

// many returns how many measurements n says there were: 0 where it is no such
// number. Python's tools also write it as 200.0.
func (n node) many() int {
	if n.kind != '0' {
		return 0
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || f < 0 || f > maxCount || f != math.Trunc(f) {
		return 0
	}
	return int(f)
}

// unexpected is the error about a value of the wrong type at the end of the path.
func (w *walk) unexpected(n node, want string) error {
	return fmt.Errorf("%s: is %s, expected %s", cut(pointer(w.path), maxMessage), n.what(), want)
}

// what names a value in an error.
func (n node) what() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '0':
		return cut(n.text, 40)
	case '"':
		return fmt.Sprintf("the text %q", cut(n.text, 40))
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "missing"
}

// scalar reports whether n may stand for a number: a text may be N/A.
func (n node) scalar() bool { return n.kind == '0' || n.kind == '"' || n.kind == 'n' }

// has reports whether an object has a member, of whatever kind.
func (n node) has(name string) bool { return n.member(name).kind != 0 }
