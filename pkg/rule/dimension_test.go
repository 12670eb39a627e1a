package rule_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/unit"
)

// What a rule compares is known only with the metrics' units: each rule here
// compiles, and is wrong wherever the two meet.
func TestDimensionsOfMetrics(t *testing.T) {
	const (
		milliseconds = `write quantity("100ms") or quantity("100s"), whichever is meant`
		report       = "say the unit in the report, or limit the metric by a gates.metrics entry that has a unit"
		products     = "a time or a size is multiplied and divided by plain numbers only, or divided by its like"
		plainLimit   = "metrics.latency_p95 is a time (92ms), compared with the plain number 100"
	)
	for _, tc := range []struct {
		text   string
		column int
		want   string
		hints  []string
	}{
		{"metrics.latency_p95 < 100", 21, plainLimit, []string{milliseconds}},
		{"100 > metrics.latency_p95", 5, plainLimit, []string{milliseconds}},
		{"metrics.latency_p95 != 100", 21, plainLimit, []string{milliseconds}},
		{"metrics.latency_p95 < quantity('100')", 21, plainLimit, []string{milliseconds}},
		{"metrics.latency_p95 > 0", 21, "metrics.latency_p95 is a time (92ms), compared with the plain number 0", []string{`write quantity("0s")`}},
		{"metrics.gpu_memory <= 2e9", 20, "metrics.gpu_memory is a size (1.80GB), compared with the plain number 2000000000",
			[]string{`write quantity("2000000000MB"), quantity("2000000000GB") or quantity("2000000000B"), whichever is meant`}},
		{"metrics.latency <= size.compressed", 17, "metrics.latency is a time (80ms), compared with size.compressed, a size (1.10GB)", nil},
		{"metrics.latency <= quantity('1GB')", 17, `metrics.latency is a time (80ms), compared with quantity("1GB"), a size`, nil},
		{"quantity('1s') > metrics.gpu_memory", 16, `quantity("1s") is a time, compared with metrics.gpu_memory, a size (1.80GB)`, nil},
		{"metrics.accuracy > quantity('1s')", 18, `metrics.accuracy is a ratio (0.96), compared with quantity("1s"), a time`, nil},

		// A report that names no unit.
		{"metrics.unitless < quantity('100ms')", 18,
			`metrics.unitless (92) is a plain number; its report names no unit, so it cannot be compared with quantity("100ms"), a time`, []string{report}},
		{"quantity('100ms') > metrics.unitless", 19,
			`metrics.unitless (92) is a plain number; its report names no unit, so it cannot be compared with quantity("100ms"), a time`, []string{report}},
		{"metrics.latency <= baseline.metrics.latency", 17,
			"baseline.metrics.latency (0.08) is a plain number; its record names no unit, so it cannot be compared with metrics.latency, a time (80ms)", []string{report}},
		{"metrics.unitless + metrics.latency > 0", 18,
			"metrics.unitless (92) is a plain number; its report names no unit, so it cannot be added to metrics.latency, a time (80ms)", []string{report}},
		{"metrics.latency - metrics.unitless > quantity('0s')", 17,
			"metrics.unitless (92) is a plain number; its report names no unit, so it cannot be subtracted from metrics.latency, a time (80ms)", []string{report}},
		{"metrics.unitless / metrics.latency > 1", 18,
			"metrics.unitless (92) is a plain number; its report names no unit, so it cannot be divided by metrics.latency, a time (80ms)", []string{report}},

		// Calculations.
		{"metrics.latency * metrics.latency > 1", 17, "metrics.latency is a time (80ms), multiplied by metrics.latency, a time (80ms)", []string{products}},
		{"metrics.gpu_memory / metrics.latency > 1", 20, "metrics.gpu_memory is a size (1.80GB), divided by metrics.latency, a time (80ms)", []string{products}},
		{"1 / metrics.latency > 1", 3, "1 is a plain number, divided by metrics.latency, a time (80ms)", []string{products}},
		{"metrics.latency + 1 > 1", 17, "metrics.latency is a time (80ms), added to the plain number 1", []string{`write quantity("1ms") or quantity("1s"), whichever is meant`}},
		{"2 * metrics.latency < 1", 21, "the left side of < is a time (160ms), compared with the plain number 1", []string{`write quantity("1ms") or quantity("1s"), whichever is meant`}},
		{"-metrics.latency < metrics.accuracy - 1", 18, "the left side of < is a time (-80ms), compared with the right side of <, a ratio (-0.04)", nil},
		{"metrics.latency / metrics.latency_p95 < quantity('1s')", 39, `the left side of < is a ratio (0.8696), compared with quantity("1s"), a time`, nil},
		{"(metrics.accuracy > 0 ? metrics.latency : metrics.gone) < 100", 57,
			"the left side of < is a time (80ms), compared with the plain number 100", []string{milliseconds}},

		// Nothing beside it hides it, not even what is absent.
		{"metrics.latency_p95 < 100 || true", 21, plainLimit, []string{milliseconds}},
		{"!(metrics.latency_p95 < 100 && false)", 23, plainLimit, []string{milliseconds}},
		{"metrics.gone > 1 || metrics.latency_p95 < 100", 41, plainLimit, []string{milliseconds}},
		{"true ? metrics.latency_p95 < 100 : true", 28, plainLimit, []string{milliseconds}},
	} {
		outcome, err := compile(t, tc.text).Evaluate(measured())
		var at *rule.Error
		if !errors.As(err, &at) || outcome.Holds {
			t.Errorf("%s = %+v, %v, want an *Error", tc.text, outcome, err)
			continue
		}
		if at.Message != tc.want || at.Line != 1 || at.Column != tc.column {
			t.Errorf("%s\n got %v\nwant column %d: %s", tc.text, err, tc.column, tc.want)
		}
		if diff := cmp.Diff(tc.hints, hint.Of(err)); diff != "" {
			t.Errorf("%s: hints (-want +got):\n%s", tc.text, diff)
		}
	}
}

// What goes together.
func TestDimensionsThatMeet(t *testing.T) {
	for _, text := range []string{
		"metrics.latency_p95 < quantity('100ms')", "quantity('0.1s') > metrics.latency_p95", "metrics.gpu_memory < quantity('2GB')",
		"metrics.accuracy >= 0.95 && metrics.accuracy >= quantity('95%') && metrics.score >= quantity('95%')", // a ratio may come without unit
		"metrics.accuracy == metrics.score && metrics.accuracy >= baseline.metrics.accuracy && size.growth < metrics.accuracy",
		"metrics.latency_p95 <= 1.2 * metrics.latency && metrics.latency_p95 / 2 < metrics.latency * metrics.accuracy",
		"metrics.latency_p95 - metrics.latency < quantity('20ms') && metrics.latency + metrics.latency_p95 > quantity('1us')",
		"metrics.latency_p95 / metrics.latency < 1.2 && size.compressed / baseline.size.compressed - 1 < size.growth * 1.1",
		"metrics.unitless * quantity('1ms') < quantity('100ms')",
		"size.compressed - baseline.size.compressed <= quantity('100MB') && metrics.gpu_memory > size.compressed",
		"(has(metrics.gone) ? metrics.gone : metrics.latency) < quantity('1s')",
		"(has(metrics.gone) ? quantity('1s') : metrics.latency) < quantity('1s')",
		"-metrics.latency < -quantity('1ms') && tests.failed / tests.total < quantity('10%')",
		"true || metrics.latency < 100", "!(false && metrics.latency < 100)", "true ? true : metrics.latency < 100", // not evaluated
	} {
		if outcome, err := compile(t, text).Evaluate(measured()); err != nil || !outcome.Holds {
			t.Errorf("%s = %+v, %v, want that it holds", text, outcome, err)
		}
	}
}

func TestMismatchOnTheSecondLine(t *testing.T) {
	r := compile(t, "metrics.accuracy > 0.9 && // \"größe\"\n  metrics[\"größe\"] < 1e9 || true")
	facts := rule.Facts{Metric: func(name string) (unit.Quantity, error) {
		if name == "accuracy" {
			return ratio(0.95), nil
		}
		return bytes(1), nil
	}}
	outcome, err := r.Evaluate(facts)
	var at *rule.Error
	if !errors.As(err, &at) {
		t.Fatalf("outcome %+v, error %v, want an *Error", outcome, err)
	}
	want := "line 2, column 20: metrics[\"größe\"] is a size (1B), compared with the plain number 1000000000"
	if at.Error() != want || at.Source() != "  metrics[\"größe\"] < 1e9 || true\n                   ^" {
		t.Errorf("got %v\n%s\nwant %s", err, at.Source(), want)
	}
	if len(outcome.Read) != 2 {
		t.Errorf("read %+v, want both metrics", outcome.Read)
	}
}
