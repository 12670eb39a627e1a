package rule_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/unit"
)

const slowest = 5 * time.Second // of one compilation, on a busy machine

// FuzzRule compiles any text and evaluates what compiles: nothing panics, every
// refusal has its place, nothing holds once a wrong value was read, only what
// Uses names is looked up, and equal facts give equal outcomes.
func FuzzRule(f *testing.F) {
	data, err := os.ReadFile("testdata/errors.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if text, found := strings.CutPrefix(line, "> "); found {
			f.Add(text, 1.0, int64(1))
		}
	}
	f.Add("metrics.accuracy >= 0.95 && size.growth < 0.1", 0.96, int64(1e9))
	f.Add("!(metrics.a > 1 || baseline.metrics.b < 2) ? has(metrics.c) : tests.total / 0 == 1", math.NaN(), int64(-1))
	f.Add("!has(baseline.size.unpacked) || -metrics.x * 2 <= quantity('100ms')", math.Inf(-1), int64(0))
	f.Add("metrics.latency < 100 || metrics.gpu * 2 - metrics.ratio > quantity('2GB')", 0.092, int64(1e9))
	f.Fuzz(func(t *testing.T, text string, value float64, size int64) {
		begin := time.Now()
		r, err := rule.Compile(text)
		if took := time.Since(begin); took > slowest {
			t.Errorf("Compile(%q) took %s", text, took)
		}
		if err != nil {
			at := (*rule.Error)(nil)
			if !errors.As(err, &at) {
				t.Fatalf("Compile(%q) = %v, want an *Error", text, err)
			}
			if line, _, _ := strings.Cut(at.Source(), "\n"); at.Line < 1 || at.Column < 1 || len([]rune(line)) > 100 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Fatalf("Compile(%q): %+v\n%s", text, at, at.Source())
			}
			return
		}
		uses := r.Uses()
		var read int
		lookup := func(names []string) func(string) (unit.Quantity, error) {
			return func(name string) (unit.Quantity, error) {
				if !slices.Contains(names, name) {
					t.Errorf("%q looks up %q, which Uses does not name", text, name)
				}
				read++
				if len(name)%2 == 0 {
					return unit.Quantity{}, rule.ErrAbsent
				}
				return unit.Quantity{Value: value, Unit: unitOf(name)}, nil
			}
		}
		facts := rule.Facts{
			Metric: lookup(uses.Metrics), Baseline: lookup(uses.Baseline),
			Size: rule.Size{Compressed: size, Unpacked: size / 2}, BaselineSize: rule.Size{Compressed: 1 << 30},
			Tests: rule.Tests{Total: int(size), Failed: 1},
		}
		first, err := r.Evaluate(facts)
		if read > len(uses.Metrics)+len(uses.Baseline) {
			t.Errorf("%q looks up %d values", text, read)
		}
		if err != nil && first.Holds || err == nil && !first.Holds && verdict(first, err) != "not" {
			t.Errorf("%q = %+v, %v", text, first, err)
		}
		if at := (*rule.Error)(nil); errors.As(err, &at) && (at.Line < 1 || at.Column < 1 || at.Message == "" || !strings.Contains(at.Source(), "^")) {
			t.Errorf("%q: %+v has no place", text, at)
		}
		for _, reading := range first.Read {
			if !reading.Value.Finite() {
				t.Errorf("%q read %+v", text, reading)
			}
		}
		if odd := read - countAbsent(first.Absent); odd > 0 && (math.IsNaN(value) || math.IsInf(value, 0)) && err == nil {
			t.Errorf("%q read %v and has no error", text, value)
		}
		second, again := r.Evaluate(facts)
		if diff := cmp.Diff(first, second); diff != "" || (err == nil) != (again == nil) || err != nil && err.Error() != again.Error() {
			t.Errorf("%q: two evaluations differ: %v, %v\n%s", text, err, again, diff)
		}
	})
}

// unitOf is the unit of the metric in the fuzz test: what its first letter
// says, or none.
func unitOf(name string) unit.Unit {
	switch name[0] {
	case 's', 'l':
		return unit.Seconds
	case 'm', 'g':
		return unit.Bytes
	case 'r':
		return unit.Ratio
	}
	return unit.None
}

// countAbsent counts the absent metrics.
func countAbsent(names []string) int {
	count := 0
	for _, name := range names {
		if strings.HasPrefix(name, "metrics") || strings.HasPrefix(name, "baseline.metrics") {
			count++
		}
	}
	return count
}
