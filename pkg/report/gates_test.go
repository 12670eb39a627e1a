package report_test

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/unit"
)

func TestGateRows(t *testing.T) {
	runs := gate.Result{Name: "latency", Value: number(0.9), Unit: unit.Seconds, Passed: true, Runs: 3, Samples: 3, Spread: &gate.Spread{Min: 0.8, Max: 1.25}}
	same := runs
	same.Spread = &gate.Spread{Min: 0.076, Max: 0.095}
	odd := runs
	odd.Spread = nil
	for _, tc := range []struct {
		name string
		g    gate.Result
		want string
	}{
		{"two units", runs, "latency 900ms passed median of 3, 800ms–1.25s"},
		{"one unit", same, "latency 900ms passed median of 3, 76–95ms"},
		{"runs without a spread", odd, "latency 900ms passed median of 3"},
		{"samples", gate.Result{Name: "a", Value: number(1), Passed: true, Samples: 40}, "a 1 passed 40"},
		{"baseline", gate.Result{Name: "a", Value: number(2), Baseline: number(1), Passed: true}, "a 1 2 passed"},
		{"equals", gate.Result{Name: "a", Value: number(2), Limit: &gate.Limit{Op: "==", Value: 2}, Passed: true}, "a 2 = 2 passed"},
		{"labels", gate.Result{Name: "f1", Where: map[string]string{"split": "", "class": "3"}, Passed: true}, "f1{class=3,split=} – passed"},
		{"tests", gate.Result{Name: "tests", Check: gate.CheckTests, Value: number(2), Limit: &gate.Limit{Op: "<="}}, "tests 2 failed ≤ 0 REFUSED"},
		{"stale", gate.Result{Name: "a", Value: number(1), Limit: &gate.Limit{Op: "<=", Value: 2}, Margin: number(0.5)}, "a 1 ≤ 2 REFUSED"},
		{"warned and stale", gate.Result{Name: "a", Value: number(1), Limit: &gate.Limit{Op: "<=", Value: 2}, Margin: number(0.5), Passed: true, Outcome: gate.Warned}, "a 1 ≤ 2 █████░░░░░ +50% warned"},
	} {
		if got := strings.Join(strings.Fields(gateLine(t, tc.g)), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestGateRowsTellChecksApart(t *testing.T) {
	low := gate.Result{Name: "drift", Check: gate.CheckMin, Passed: true}
	high, other := low, low
	high.Check, other.Stat = gate.CheckMax, "p95"
	got := text(t, report.Report{Gates: []gate.Result{low, high, other}}, report.Style{})
	for _, want := range []string{"\ndrift  min ", "\ndrift  max ", "\ndrift         p95 "} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%s", want, got)
		}
	}
	if got := text(t, shipped(), report.Style{}); strings.Contains(got, "CHECK") || strings.Contains(got, "BASELINE") || strings.Contains(got, "SAMPLES") {
		t.Errorf("columns that nobody needs:\n%s", got)
	}
}

func TestRulesShowTheirExpression(t *testing.T) {
	g := gate.Result{Name: "worth it", Check: gate.CheckRule, Rule: "a > 1", Reason: "the rule worth it cannot be evaluated: no a; a rule that holds would have passed"}
	want := "REFUSED   worth it: the rule worth it cannot be evaluated: no a; a rule that holds would have passed (the rule is a > 1)\n"
	if got := text(t, report.Report{Gates: []gate.Result{g}}, report.Style{}); !strings.Contains(got, want) {
		t.Errorf("want %q in:\n%s", want, got)
	}
}

// What a narrow terminal has no room for goes before the names are cut.
func TestNarrowTables(t *testing.T) {
	for width, want := range map[int]string{
		0:   "GATE CHECK STAT BASELINE VALUE LIMIT MARGIN VERDICT SAMPLES",
		100: "GATE CHECK STAT BASELINE VALUE LIMIT MARGIN VERDICT",
		80:  "GATE CHECK STAT BASELINE VALUE LIMIT MARGIN VERDICT",
		75:  "GATE CHECK STAT VALUE LIMIT MARGIN VERDICT",
		60:  "GATE CHECK STAT VALUE LIMIT VERDICT",
	} {
		got := text(t, cautioned(), report.Style{Width: width})
		if head := strings.Join(strings.Fields(strings.Split(got, "\n")[2]), " "); head != want {
			t.Errorf("at %d: %q, want %q", width, head, want)
		}
		if bar := strings.Contains(got, "█"); bar != (width == 0 || width == 100) {
			t.Errorf("at %d: bar %v", width, bar)
		}
	}
}
