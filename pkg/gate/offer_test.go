package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// text prints an offer as its gate.
func text(o gate.Offer) string {
	text := o.String()
	switch {
	case o.Problem != "":
		return text + ": " + o.Problem
	case o.Min != nil:
		text += " min " + o.Min.Precise()
	default:
		text += " max " + o.Max.Precise()
	}
	if o.Report != "" {
		text += " in " + o.Report
	}
	if o.Pointer != "" {
		text += " at " + o.Pointer
	}
	if o.Guess {
		text += ", a guess"
	}
	return text
}

func TestOffers(t *testing.T) {
	a := read(t, "a.json", `{"accuracy": 0.96666, "latency_ms": [10, 20, 30.5], "sizes": [1, 2, 4], "one": [7], "n": 123456, "loss": NaN, "f1": 97, "change": -0.12345}`)
	b := read(t, "b.json", `{"accuracy": 0.9, "latency_p99_ms": 31.2345, "zero": 0, "little": 5e-324, "wait_ms": -1}`)
	c := metrics("c.json", testreport.Metric{Name: "f", Value: 1}, testreport.Metric{Name: "f", Value: 0.5, Labels: labels("class=dog"), Source: testreport.Source{Pointer: "/dog"}},
		testreport.Metric{Name: "f", Value: 0.25, Labels: labels("class=dog"), Source: testreport.Source{Pointer: "/dog2"}},
		testreport.Metric{Name: "f", Value: 0.125, Labels: labels("class=cat"), Source: testreport.Source{Pointer: "/cat"}})
	var got []string
	for _, o := range gate.Offers([]testreport.Report{c, b, a}) {
		got = append(got, text(o))
	}
	want := []string{
		"accuracy min 0.966 in a.json",
		"latency p95 max 29.5ms",
		"sizes median max 2, a guess",
		"one max 7, a guess",
		"n max 124000, a guess",
		"loss: loss is no number but NaN (a.json, /loss)",
		"f1: f1 is 97, which is no ratio (a.json, /f1): write unit: percent if the report counts so",
		"change max -0.123, a guess",
		"accuracy min 0.9 in b.json",
		"latency p99 max 31.3ms in b.json",
		"zero max 0, a guess",
		"little max 4.94065645841e-324, a guess",
		"wait: wait is -1ms, and a time cannot be negative (b.json, /wait_ms)",
		"f max 1, a guess",
		"f max 0.5 in c.json at /dog, a guess",
		"f max 0.25 in c.json at /dog2, a guess",
		"f{class=cat} max 0.125, a guess",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
}

// keeps holds a policy of everything that is offered against the reports that
// offered it: it must pass.
func keeps(t *testing.T, reports []testreport.Report) (offers, problems int) {
	t.Helper()
	var policy gate.Policy
	for _, o := range gate.Offers(reports) {
		if o.Problem != "" {
			problems++
			if o.Min != nil || o.Max != nil {
				t.Errorf("%s has a problem and a limit", text(o))
			}
			continue
		}
		offers++
		if (o.Min == nil) == (o.Max == nil) {
			t.Errorf("%s has no limit, or two", o.String())
		}
		policy.Metrics = append(policy.Metrics, o.Metric)
	}
	for _, r := range gate.Evaluate(policy, gate.Evidence{Reports: reports}).Results {
		if r.Check != gate.CheckTests && r.Outcome != gate.Passed {
			t.Errorf("%s", r.Reason)
		}
	}
	return offers, problems
}

func TestOffersOfTheSamplesPass(t *testing.T) {
	var paths []string
	for _, folder := range []string{"", "shapes/"} {
		some, err := filepath.Glob("../../testdata/reports/" + folder + "*.*")
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, some...)
	}
	var all []testreport.Report
	for _, path := range paths {
		if filepath.Base(path) == "README.md" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		report, err := testreport.ReadFile(filepath.ToSlash(strings.TrimPrefix(path, "../../testdata/reports/")), strings.NewReader(string(data)), noon)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if offers, problems := keeps(t, []testreport.Report{report}); offers+problems == 0 && report.Tests == 0 {
			t.Errorf("%s offers nothing", path)
		}
		all = append(all, report)
	}
	offers, problems := keeps(t, all)
	t.Logf("%d reports together: %d offers, %d problems", len(all), offers, problems)
	if len(all) < 40 || offers < 500 || problems > offers/10 {
		t.Errorf("%d reports have %d offers and %d problems", len(all), offers, problems)
	}
}

func TestRandomOffersPass(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	offers := 0
	for range 500 {
		var reports []testreport.Report
		for i := range 1 + r.IntN(4) {
			report := random(r, fmt.Sprintf("%d.json", i))
			for j := range report.Metrics {
				report.Metrics[j].Value *= math.Exp(100 * r.NormFloat64())
			}
			reports = append(reports, report)
		}
		some, _ := keeps(t, reports)
		offers += some
	}
	if offers < 2000 {
		t.Errorf("the property saw %d offers only", offers)
	}
}

// A value of no dimension is offered in its own, whatever it is.
func TestOffersKeepTheUnit(t *testing.T) {
	for _, u := range []unit.Unit{unit.None, unit.Seconds, unit.Bytes, unit.Ratio} {
		for _, v := range []float64{0, 1, 0.1, 999, 1000, 1001, 1e-7, 123456789, math.MaxFloat64, math.SmallestNonzeroFloat64} {
			offers := gate.Offers([]testreport.Report{metrics("r.json", testreport.Metric{Name: "x", Value: v, Unit: u})})
			if len(offers) != 1 || offers[0].Max == nil || offers[0].Max.Unit != u || offers[0].Max.Value < v || offers[0].Max.Value > v*1.01 {
				t.Errorf("%v %s is offered as %+v", v, u, offers)
			}
		}
	}
}
