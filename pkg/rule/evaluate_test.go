package rule_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/unit"
)

func one(string) (unit.Quantity, error) { return plain(1), nil }

func plain(v float64) unit.Quantity   { return unit.Quantity{Value: v} }
func ratio(v float64) unit.Quantity   { return unit.Quantity{Value: v, Unit: unit.Ratio} }
func seconds(v float64) unit.Quantity { return unit.Quantity{Value: v, Unit: unit.Seconds} }
func bytes(v float64) unit.Quantity   { return unit.Quantity{Value: v, Unit: unit.Bytes} }

var errStale = errors.New("reports/e.json was written before the model")

// measured are the facts of most tests. metrics.stale is an error, metrics.nan
// and metrics.inf are no numbers, every other metric that is not here is absent.
func measured() rule.Facts {
	metrics := map[string]unit.Quantity{
		"accuracy": ratio(0.96), "latency": seconds(0.08), "latency_p95": seconds(0.092), "gpu_memory": bytes(1.8e9), "score": plain(0.96),
		"unitless": plain(92), "zero": plain(0), "big": plain(1e308), "eternity": seconds(1e308), "exact_match,none": plain(0.5),
		"nan": plain(math.NaN()), "inf": seconds(math.Inf(1)), "odd": {Value: 1, Unit: "furlong"},
	}
	return rule.Facts{
		Metric: func(name string) (unit.Quantity, error) {
			if name == "stale" {
				return unit.Quantity{}, errStale
			}
			if v, ok := metrics[name]; ok {
				return v, nil
			}
			return unit.Quantity{}, fmt.Errorf("no report has it: %w", rule.ErrAbsent)
		},
		Baseline: func(name string) (unit.Quantity, error) {
			switch name {
			case "accuracy":
				return plain(0.95), nil
			case "latency":
				return plain(0.08), nil
			}
			return unit.Quantity{}, rule.ErrAbsent
		},
		Size:         rule.Size{Compressed: 1_100_000_000, Unpacked: 3_000_000_000},
		BaselineSize: rule.Size{Compressed: 1_000_000_000},
		Tests:        rule.Tests{Total: 12, Failed: 1},
	}
}

func TestEvaluate(t *testing.T) {
	const absent = "metrics.gone is absent: no report has it: no value"
	const stale = "reading metrics.stale: reports/e.json was written before the model"
	for _, tc := range []struct {
		text string
		want string // holds, not, or the error
	}{
		{"metrics.accuracy >= 0.95 && size.growth < 0.1", "not"},
		{"metrics.accuracy >= 0.95 && size.growth <= 0.1", "holds"}, // 1.1 GB against 1 GB is 0.1 exactly
		{"metrics.accuracy >= baseline.metrics.accuracy - 0.01", "holds"},
		{"metrics.latency_p95 <= quantity('100ms')", "holds"},
		{"size.compressed <= quantity('1.1GB') && size.unpacked > quantity('2GiB')", "holds"},
		{"size.growth <= quantity('10%')", "holds"},
		{"tests.total > 10 && tests.failed == 0", "not"},
		{"tests.failed / tests.total < 0.1", "holds"},
		{"size.compressed / baseline.size.compressed < 1.2", "holds"},
		{`metrics["exact_match,none"] == 0.5`, "holds"},
		{"true", "holds"}, {"false", "not"}, {"!false", "holds"},

		// Numbers are of one kind.
		{"metrics.accuracy >= 1", "not"}, {"1 > metrics.accuracy", "holds"},
		{"2 * metrics.accuracy == 1.92", "holds"}, {"1 / 2 == 0.5", "holds"}, {"3 - 1 + 0x10 == 18", "holds"},
		{"-metrics.accuracy < 0", "holds"}, {"1 != 1.0", "not"}, {"true != false", "holds"},
		{"(metrics.accuracy > 1 ? 2 : metrics.score) < 1", "holds"},
		{"true ? metrics.accuracy < 1 : metrics.stale > 1", "holds"},
		{"1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", "holds"},

		// has() and in.
		{"has(metrics.accuracy) && 'latency' in metrics", "holds"},
		{"has(metrics.gone)", "not"}, {"!has(metrics.gone) || metrics.gone < 1", "holds"},
		{"has(metrics['accuracy']) == has(baseline.metrics.accuracy)", "holds"},
		{"has(size.growth) && !has(baseline.size.unpacked) && has(tests.total)", "holds"},
		{"'f1' in baseline.metrics", "not"},

		// What is absent: an error, unless the answer does not depend on it.
		{"metrics.gone > 1", absent}, {"!(metrics.gone > 1)", absent}, {"metrics.gone == metrics.gone", absent},
		{"metrics.gone > 1 || metrics.accuracy > 0.9", "holds"},
		{"metrics.accuracy > 0.9 || metrics.gone > 1", "holds"},
		{"metrics.gone > 1 || metrics.accuracy > 0.99", absent},
		{"metrics.accuracy > 0.9 && metrics.gone > 1", absent},
		{"!(metrics.gone > 1 && metrics.accuracy > 0.99)", "holds"},
		{"metrics.gone > 1 ? true : true", absent}, {"1 + metrics.gone > 1 || true", "holds"},
		{"baseline.size.unpacked > quantity('0B')", "baseline.size.unpacked is absent: the baseline's size is not known"},

		// What is wrong fails the rule as soon as it is read.
		{"metrics.stale > 1", stale}, {"metrics.stale > 1 || true", stale}, {"has(metrics.stale) || true", stale},
		{"has(metrics.stale)", stale}, {"!has(metrics.stale)", stale}, {"'stale' in metrics || true", stale},
		{"!(metrics.stale > 1 && false)", stale}, {"metrics.gone > 1 || metrics.stale > 1 || true", stale},
		{"true || metrics.stale > 1", "holds"}, {"false && metrics.stale > 1", "not"},
		{"true ? true : metrics.stale > 1", "holds"},

		// What is no number never passes, whichever way it is asked.
		{"metrics.nan > 1", "reading metrics.nan: NaN is not a finite number"},
		{"!(metrics.nan > 1)", "reading metrics.nan: NaN is not a finite number"},
		{"metrics.nan != 1", "reading metrics.nan: NaN is not a finite number"},
		{"metrics.nan != 1 || true", "reading metrics.nan: NaN is not a finite number"},
		{"has(metrics.nan) || true", "reading metrics.nan: NaN is not a finite number"},
		{"metrics.inf > 1", "reading metrics.inf: +Inf is not a finite number"},
		{"metrics.odd != metrics.odd || true", `reading metrics.odd: unknown unit "furlong"`},
		{"!(0.0 / 0.0 > 1)", "0 / 0 is not a finite number"},
		{"metrics.accuracy / metrics.zero > 1", "0.96 / 0 is not a finite number"},
		{"metrics.accuracy / metrics.zero > 1 || true", "0.96 / 0 is not a finite number"},
		{"metrics.eternity * 10 > quantity('1s')", "1e+308s * 10 is not a finite number"},
		{"metrics.latency / (metrics.latency - metrics.latency) > 1", "80ms / 0s is not a finite number"},
		{"metrics.big * 10 > 1", "1e+308 * 10 is not a finite number"},
		{"metrics.big + metrics.big > 1", "1e+308 + 1e+308 is not a finite number"},
		{"-metrics.big - metrics.big < 1", "-1e+308 - 1e+308 is not a finite number"},
		{"true || 0 / 0 > 1", "holds"},
	} {
		outcome, err := compile(t, tc.text).Evaluate(measured())
		got := map[bool]string{true: "holds", false: "not"}[outcome.Holds]
		if err != nil {
			got = err.Error()
		}
		if got != tc.want || err != nil && outcome.Holds {
			t.Errorf("%s\n got %s\nwant %s (holds %v)", tc.text, got, tc.want, outcome.Holds)
		}
		if wantAbsent := strings.Contains(tc.want, "is absent"); errors.Is(err, rule.ErrAbsent) != wantAbsent {
			t.Errorf("%s: errors.Is(err, ErrAbsent) = %v, want %v", tc.text, !wantAbsent, wantAbsent)
		}
		if tc.want == stale && !errors.Is(err, errStale) {
			t.Errorf("%s: the error does not wrap the reader's", tc.text)
		}
	}
}

func TestEvaluateWithoutFacts(t *testing.T) {
	for text, want := range map[string]string{
		"metrics.accuracy > 0":                      "metrics.accuracy is absent: there are no metrics",
		"baseline.metrics.a > 0":                    "baseline.metrics.a is absent: there is no baseline",
		"size.compressed > quantity('0B')":          "size.compressed is absent: the image's size is not known",
		"size.growth > 0":                           "size.growth is absent: the image's size is not known",
		"baseline.size.compressed > quantity('0B')": "baseline.size.compressed is absent: the baseline's size is not known",
		"tests.total == 0 && has(tests.failed) && !has(size.growth) && !has(metrics.a)": "",
	} {
		outcome, err := compile(t, text).Evaluate(rule.Facts{})
		if fmt.Sprint(err) != want && (err != nil || !outcome.Holds || want != "") {
			t.Errorf("%s = %v, %v, want %s", text, outcome.Holds, err, want)
		}
	}
	_, err := compile(t, "size.growth < 0.1").Evaluate(rule.Facts{Size: rule.Size{Compressed: 1}})
	if want := "size.growth is absent: there is no baseline to compare the size with"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{"has(size.growth) tells whether there is one"}, hint.Of(err)); diff != "" {
		t.Error(diff)
	}
}

func TestOutcomeSaysWhatWasRead(t *testing.T) {
	r := compile(t, `has(metrics.gone) || metrics.latency < quantity("1s") && metrics["exact_match,none"] > 0 && metrics.score < size.growth`+
		` || metrics.gone > 1 || tests.total > 0 || metrics.accuracy > 0`)
	outcome, err := r.Evaluate(measured())
	if err != nil {
		t.Fatal(err)
	}
	want := rule.Outcome{
		Holds: true,
		Read: []rule.Reading{
			{"metrics.latency", seconds(0.08)}, {`metrics["exact_match,none"]`, plain(0.5)}, {"metrics.score", plain(0.96)},
			{"size.growth", ratio(0.1)}, {"tests.total", plain(12)},
		},
		Absent: []string{"metrics.gone"},
	}
	if diff := cmp.Diff(want, outcome); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	outcome, err = compile(t, "metrics.accuracy > 0 && metrics.stale > 0 || true").Evaluate(measured())
	if diff := cmp.Diff(rule.Outcome{Read: []rule.Reading{{"metrics.accuracy", ratio(0.96)}}}, outcome); diff != "" || !errors.Is(err, errStale) {
		t.Errorf("error %v, outcome (-want +got):\n%s", err, diff)
	}
}

func TestEveryValueIsLookedUpOnce(t *testing.T) {
	var asked []string
	facts := rule.Facts{Metric: func(name string) (unit.Quantity, error) {
		asked = append(asked, name)
		if name == "gone" {
			return unit.Quantity{}, rule.ErrAbsent
		}
		return plain(1), nil
	}}
	r := compile(t, "has(metrics.a) && metrics.a > 0 && !has(metrics.gone) && (metrics.gone > 1 || metrics['a'] == 1) && has(metrics.a)")
	if outcome, err := r.Evaluate(facts); err != nil || !outcome.Holds {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
	if !slices.Equal(asked, []string{"a", "gone"}) {
		t.Errorf("asked for %q", asked)
	}
}

func TestAPanicInAReaderIsAnError(t *testing.T) {
	outcome, err := compile(t, "metrics.a > 1 || true").Evaluate(rule.Facts{Metric: func(string) (unit.Quantity, error) { panic("no") }})
	if err == nil || outcome.Holds {
		t.Errorf("outcome %+v, %v, want an error", outcome, err)
	}
}

func TestConcurrentEvaluations(t *testing.T) {
	r := compile(t, "metrics.gone > 1 || metrics.accuracy / metrics.x > 2 || metrics.stale > 1")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			facts := measured()
			known := facts.Metric
			facts.Metric = func(name string) (unit.Quantity, error) {
				if name == "x" {
					return plain(float64(i)), nil
				}
				return known(name)
			}
			for range 100 {
				outcome, err := r.Evaluate(facts)
				switch {
				case outcome.Holds:
					t.Errorf("x = %d holds", i)
				case i == 0 && (err == nil || err.Error() != "0.96 / 0 is not a finite number"):
					t.Errorf("x = 0: %v", err)
				case i > 0 && !errors.Is(err, errStale):
					t.Errorf("x = %d: %v", i, err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		compile(b, "metrics.accuracy >= 0.95 && size.growth < 0.1")
	}
}

func BenchmarkEvaluate(b *testing.B) {
	r := compile(b, "metrics.accuracy >= 0.95 && size.growth <= 0.1")
	facts := measured()
	b.ReportAllocs()
	for b.Loop() {
		if outcome, err := r.Evaluate(facts); err != nil || !outcome.Holds {
			b.Fatal(outcome, err)
		}
	}
}
