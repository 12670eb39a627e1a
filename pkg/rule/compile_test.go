package rule_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/rule"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Limits of the package, as doc.go states them.
const (
	maxText  = 4 << 10 // bytes
	maxDepth = 100
)

func compile(t testing.TB, text string) *rule.Rule {
	t.Helper()
	r, err := rule.Compile(text)
	if err != nil {
		t.Fatalf("Compile(%q): %v", text, err)
	}
	return r
}

// TestErrors compiles every line of testdata/errors.txt that begins with "> "
// and compares what a user would see. \n in a rule is a line break.
func TestErrors(t *testing.T) {
	golden := filepath.Join("testdata", "errors.txt")
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(data)) {
		text, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> ")
		if !found {
			continue
		}
		got.WriteString("> " + text + "\n")
		_, err := rule.Compile(strings.ReplaceAll(text, `\n`, "\n"))
		var at *rule.Error
		if !errors.As(err, &at) {
			t.Errorf("Compile(%q) = %v, want an *Error", text, err)
			continue
		}
		got.WriteString(err.Error() + "\n")
		for line := range strings.Lines(at.Source()) {
			got.WriteString("  | " + strings.TrimSuffix(line, "\n") + "\n")
		}
		for _, advice := range hint.Of(err) {
			got.WriteString("hint: " + advice + "\n")
		}
		got.WriteString("\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(data), got.String()); diff != "" && !*update {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestUses(t *testing.T) {
	for _, tc := range []struct {
		text string
		want rule.Uses
	}{
		{"true", rule.Uses{}},
		{"tests.failed == 0", rule.Uses{Tests: true}},
		{"size.compressed < quantity('1GB')", rule.Uses{Size: true}},
		{"size.growth < 0.1", rule.Uses{Size: true, BaselineSize: true}},
		{"baseline.size.unpacked > quantity('0B')", rule.Uses{BaselineSize: true}},
		{`metrics.b > metrics.a && metrics["b"] < 2 || "c" in metrics`, rule.Uses{Metrics: []string{"b", "a", "c"}}},
		{`has(baseline.metrics["eval.f1"]) ? baseline["metrics"].f1 < metrics.f1 : true`,
			rule.Uses{Metrics: []string{"f1"}, Baseline: []string{"eval.f1", "f1"}}},
		{`metrics["baseline.metrics.x"] > metrics.metrics`, rule.Uses{Metrics: []string{"baseline.metrics.x", "metrics"}}},
	} {
		r := compile(t, tc.text)
		if diff := cmp.Diff(tc.want, r.Uses()); diff != "" {
			t.Errorf("Uses of %s (-want +got):\n%s", tc.text, diff)
		}
		if r.String() != tc.text {
			t.Errorf("String() = %q, want %q", r, tc.text)
		}
	}
}

func TestLimits(t *testing.T) {
	long := "metrics.a > 0" + strings.Repeat(" && metrics.a > 0", (maxText-13)/17)
	deep := strings.Repeat("(", maxDepth/2) + "metrics.a" + strings.Repeat(")", maxDepth/2) + " > 0"
	costly := strings.Repeat("1<2&&", maxText/5-1) + "1<2"
	chained := strings.Repeat("1"+strings.Repeat("+1", maxDepth-10)+">1&&", maxText/(2*maxDepth)) + "1<2"
	for _, text := range []string{long, deep, costly, chained, "1 > 0" + strings.Repeat(" ", maxText-5)} {
		outcome, err := compile(t, text).Evaluate(rule.Facts{Metric: one})
		if err != nil || !outcome.Holds {
			t.Errorf("%.40s… = %+v, %v, want that it holds", text, outcome, err)
		}
	}
	for text, want := range map[string]string{
		strings.Repeat("1", maxText+1):      "the rule has 4097 bytes; at most 4096 are read",
		"1 > 0 \xff":                        "the rule is not UTF-8 text",
		" \n\t":                             "the rule is empty; expected an expression such as metrics.accuracy >= 0.95",
		strings.Repeat("(", 2*maxDepth):     "the rule nests, or chains + - * /, more than 100 deep",
		strings.Repeat("1+", 500) + "1 > 0": "the rule nests, or chains + - * /, more than 100 deep",
		strings.Repeat("a?", 1000):          "the rule cannot be read",
		`metrics["` + strings.Repeat("x", 2000) + `"].y > 0`: "metrics." + strings.Repeat("x", 392) + "…",
	} {
		_, err := rule.Compile(text)
		if err == nil || err.Error() != "line 1, column 1: "+want && !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("Compile(%.40q…) = %v, want %s", text, err, want)
		}
	}
}

// What the parser is given is bounded, so its time is: the slowest shapes take
// a fraction of a second.
func TestHostileShapes(t *testing.T) {
	for _, part := range []string{"(", "[", "{", "!", "-", "-1-", "1+", "a?", "a?b:", "a.", "a[", "f(", "has(", "true||", "\"", "1<", "//", "\\", "`", "\n"} {
		begin := time.Now()
		_, err := rule.Compile(strings.Repeat(part, maxText/len(part)))
		if at := (*rule.Error)(nil); !errors.As(err, &at) {
			t.Errorf("%q repeated: %v, want an *Error", part, err)
		}
		if took := time.Since(begin); took > slowest {
			t.Errorf("%q repeated took %s", part, took)
		}
	}
}

func TestSourceOfALongLine(t *testing.T) {
	_, err := rule.Compile(strings.Repeat("1 < 2 && ", 40) + "size.x > 1 && " + strings.Repeat("1 < 2 && ", 40) + "true")
	var at *rule.Error
	if !errors.As(err, &at) {
		t.Fatalf("error %v, want an *Error", err)
	}
	line, caret, _ := strings.Cut(at.Source(), "\n")
	if len(line) != 100 || !strings.HasPrefix(line[strings.Index(caret, "^"):], "x > 1") {
		t.Errorf("Source() =\n%s", at.Source())
	}
}
