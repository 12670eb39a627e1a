package gate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/org/ai-ship/pkg/unit"
)

// Review holds what an image's gates measured when it was built against a
// policy of today: it returns what that policy refuses, nil for nothing. A gate
// that the policy has and that was not evaluated then refuses. Growth and
// comparisons with a baseline are not asked again: they were about the image
// that the channel had then.
func Review(policy Policy, results []Result, size ImageSize) []Result {
	policy.Size.Growth = nil
	var refused []Result
	add := func(r Result) {
		if r.Outcome == Refused {
			refused = append(refused, r)
		}
	}
	for _, r := range sizes(policy.Size, Evidence{Size: size}) {
		add(r)
	}
	for _, check := range policy.Scan.checks() {
		add(evaluated(results, string(check), func(r Result) bool { return r.Check == check }))
	}
	for _, m := range policy.Metrics {
		if m.Warning {
			continue
		}
		for _, b := range m.bounds() {
			add(m.review(b, results))
		}
	}
	for _, rule := range policy.Rules {
		if !rule.Warning {
			text := rule.Expression.String()
			add(evaluated(results, rule.Name, func(r Result) bool { return r.Check == CheckRule && r.Rule == text }))
		}
	}
	return refused
}

// checks are the gates on findings that refuse.
func (p *Scan) checks() []Check {
	if p == nil {
		return nil
	}
	checks := []Check{CheckModels, CheckSecrets, CheckScan}
	if p.Vulnerabilities != nil {
		checks = append(checks, CheckVulnerabilities)
	}
	return checks
}

// evaluated is the result that is looked for, or a refusal when the gate was
// not evaluated.
func evaluated(results []Result, name string, is func(Result) bool) Result {
	if i := slices.IndexFunc(results, is); i >= 0 {
		return results[i]
	}
	return Result{Name: name, Outcome: Refused, Required: true,
		Reason: fmt.Sprintf("the gate %s was not evaluated when the image was built; one that passed would have passed", short(name))}
}

// review holds what was measured against a limit.
func (m Metric) review(b bound, results []Result) Result {
	r := m.result(b.check)
	r.Unit, r.Limit = b.limit.Unit, b.result()
	i := slices.IndexFunc(results, func(found Result) bool {
		return found.Value != nil && found.Source != nil && found.Name == r.Name && (m.Stat == "" || found.Stat == m.Stat) &&
			maps.Equal(found.Where, m.Where) && found.Report == m.Report && found.Pointer == m.Pointer && comparable(found.Unit, b.limit.Unit)
	})
	switch {
	case i < 0 && !m.Required:
		r.Outcome = Passed
	case i < 0:
		r.Reason = fmt.Sprintf("%s was not measured when the image was built; %s", m, b.wish())
	default:
		r.Value, r.Source = results[i].Value, results[i].Source
		value := unit.Quantity{Value: *r.Value, Unit: results[i].Unit}
		r.Reason = fmt.Sprintf("%s was %s when the image was built, %s; %s", m, b.show(value), b.compare(value.Value), b.wish())
		if b.holds(value.Value) {
			r.Outcome = Passed
		}
	}
	return r
}

// Merge puts measurements together, once each; the first of two counts.
func Merge(lists ...[]Measurement) []Measurement {
	var v Verdict
	for _, list := range lists {
		v.record(list...)
	}
	return v.Record
}
