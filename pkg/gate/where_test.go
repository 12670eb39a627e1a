package gate_test

import (
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func TestWhere(t *testing.T) {
	f1 := func(value float64, pointer string, pairs ...string) testreport.Metric {
		return testreport.Metric{Name: "f1", Value: value, Labels: labels(pairs...), Source: testreport.Source{Pointer: pointer}}
	}
	r := metrics("r.json", f1(0.9, "/all"), f1(0.8, "/dog", "class=dog"), f1(0.7, "/cat", "class=cat"), f1(0.6, "/old", "class=dog", "split=old"))
	parts := metrics("p.json", f1(0.8, "/dog", "class=dog"), f1(0.7, "/cat", "class=cat"), f1(0.7, "/cat2", "class=cat"))
	where := func(pairs ...string) gate.Metric {
		m := gate.Metric{Name: "f1", Min: limit(t, "0.5"), Where: map[string]string{}}
		for _, l := range labels(pairs...) {
			m.Where[l.Name] = l.Value
		}
		return m
	}
	judge(t, []judgement{
		{"the name alone is the whole", where(), one(r), nil, gate.Passed, "f1 is 0.9, at or above the floor of 0.5 (r.json, /all)"},
		{"one label", where("class=cat"), one(r), nil, gate.Passed, "f1{class=cat} is 0.7, at or above the floor of 0.5 (r.json, /cat)"},
		{"twice the same", where("class=cat"), one(parts), nil, gate.Passed, "f1{class=cat} is 0.7, at or above the floor of 0.5 (p.json, /cat)"},
		{"without the label", where("class="), one(r), nil, gate.Passed, "f1{class=} is 0.9, at or above the floor of 0.5 (r.json, /all)"},
		{"one with and one without", where("class=dog", "split="), one(r), nil, gate.Passed,
			"f1{class=dog,split=} is 0.8, at or above the floor of 0.5 (r.json, /dog)"},
		{"two that fit", where("class=dog"), one(r), nil, gate.Refused,
			"f1{class=dog} is ambiguous: r.json#/dog=0.8{class=dog}, r.json#/old=0.6{class=dog,split=old}; set where:, report: or pointer: to choose one; 0.5 or more would have passed"},
		{"parts without a whole", where(), one(parts), nil, gate.Refused,
			"f1 is ambiguous: p.json#/dog=0.8{class=dog}, p.json#/cat=0.7{class=cat}, p.json#/cat2=0.7{class=cat}; set where:, report: or pointer: to choose one; 0.5 or more would have passed"},
		{"no such value", where("class=bird"), one(r), nil, gate.Refused,
			"f1{class=bird} was not measured (there is {class=dog}, {class=cat}, {class=dog,split=old}); 0.5 or more would have passed"},
		{"no labels there", where("class=dog"), one(metrics("w.json", f1(0.9, "/f1"))), nil, gate.Refused,
			"f1{class=dog} was not measured (there it has no labels); 0.5 or more would have passed"},
		{"a place with other labels", gate.Metric{Name: "f1", Pointer: "/dog", Where: map[string]string{"class": "cat"}, Min: limit(t, "0.5")}, one(r), nil, gate.Refused,
			"f1{class=cat} was not measured (there is {class=dog}); 0.5 or more would have passed"},
		{"a place with its labels", gate.Metric{Name: "dogs", Pointer: "/dog", Where: map[string]string{"class": "dog"}, Min: limit(t, "0.5")}, one(r), nil, gate.Passed,
			"dogs{class=dog} is 0.8, at or above the floor of 0.5 (r.json, /dog)"},
		{"a whole here and parts there", where(), one(metrics("a.json", f1(0.4, "/f1")), parts), nil, gate.Refused,
			"f1 is ambiguous: a.json#/f1=0.4, p.json#/dog=0.8{class=dog}, p.json#/cat=0.7{class=cat}, p.json#/cat2=0.7{class=cat}; " +
				"set where:, report: or pointer: to choose one, or runs: to take the median of several runs; 0.5 or more would have passed"},
	})
}

// A part never stands for the whole, whatever the statistics are.
func TestPartsNeverStandForTheWhole(t *testing.T) {
	latency := func(value float64, stat, pointer string, pairs ...string) testreport.Metric {
		return testreport.Metric{Name: "latency", Stat: stat, Unit: unit.Seconds, Value: value, Labels: labels(pairs...), Source: testreport.Source{Pointer: pointer}}
	}
	fast := latency(0, "", "/fast", "path=/fast")
	fast.Samples = []float64{0.01, 0.01}
	p95 := gate.Metric{Name: "latency", Stat: "p95", Max: limit(t, "100ms")}
	judge(t, []judgement{
		{"samples of a part", p95, one(metrics("r.json", latency(0.5, "p95", "/p95"), fast)), nil, gate.Refused,
			"latency p95 is 500ms, above the ceiling of 100ms (r.json, /p95); 100ms or less would have passed"},
		{"samples of one part of two", p95, one(metrics("r.json", fast, latency(0.5, "p95", "/slow", "path=/slow"))), nil, gate.Refused,
			"latency is ambiguous: r.json#/fast=10ms{path=/fast}, r.json#/slow=500ms{path=/slow}; set where:, report: or pointer: to choose one; 100ms or less would have passed"},
		{"the statistic of a part", p95, one(metrics("r.json", latency(0.5, "mean", "/mean"), latency(0.01, "p95", "/part", "path=/fast"))), nil, gate.Refused,
			"latency has no p95, only mean (r.json, /mean); 100ms or less would have passed"},
	})
}

func TestAliasesThatCollide(t *testing.T) {
	named := testreport.Metric{Name: "latency", Unit: unit.Seconds, Value: 0.05, Source: testreport.Source{Pointer: "/a"}}
	alias := testreport.Metric{Name: "other", Aliases: []string{"latency"}, Unit: unit.Seconds, Value: 0.5, Source: testreport.Source{Pointer: "/b"}}
	twice := testreport.Metric{Name: "latency", Aliases: []string{"latency", "latency"}, Unit: unit.Seconds, Value: 0.05, Source: testreport.Source{Pointer: "/a"}}
	p99 := testreport.Metric{Name: "other", Stat: "p99", Aliases: []string{"latency"}, Unit: unit.Seconds, Value: 0.5, Source: testreport.Source{Pointer: "/b"}}
	mean := testreport.Metric{Name: "latency", Stat: "mean", Unit: unit.Seconds, Value: 0.05, Source: testreport.Source{Pointer: "/a"}}
	m := gate.Metric{Name: "latency", Max: limit(t, "100ms")}
	judge(t, []judgement{
		{"a name and another's alias", m, one(metrics("r.json", named, alias)), nil, gate.Refused,
			"latency is ambiguous: r.json#/a=50ms, r.json#/b=500ms; set report: or pointer: to choose one; 100ms or less would have passed"},
		{"its own alias", m, one(metrics("r.json", twice)), nil, gate.Passed, "latency is 50ms, at or below the ceiling of 100ms (r.json, /a)"},
		{"an alias of another statistic", m, one(metrics("r.json", mean, p99)), nil, gate.Refused,
			"latency is there as mean, p99 only (r.json, /a): write stat: mean or stat: p99; 100ms or less would have passed"},
	})
}
