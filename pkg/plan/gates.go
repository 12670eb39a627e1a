package plan

import (
	"fmt"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/rule"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/unit"
)

// Policy is the config's gates as they are evaluated. What is wrong with them is
// ErrConfig.
func Policy(c *config.Config) (gate.Policy, error) {
	g := c.Gates
	p := gate.Policy{Size: gate.Size{
		Max: quantity(g.Size.Max), Warn: quantity(g.Size.Warn),
		Unpacked: quantity(g.Size.Unpacked), Growth: quantity(g.Size.Growth),
	}}
	p.Scan = scanPolicy(c)
	for i, m := range g.Metrics {
		limit, err := metric(m)
		if err != nil {
			return gate.Policy{}, fmt.Errorf("%w: gates.metrics[%d]: %w", ErrConfig, i, err)
		}
		p.Metrics = append(p.Metrics, limit)
	}
	for i, r := range g.Rules {
		compiled, err := rule.Compile(r.Rule)
		if err != nil {
			return gate.Policy{}, fmt.Errorf("%w: gates.rules[%d].rule: %w", ErrConfig, i, err)
		}
		p.Rules = append(p.Rules, gate.Rule{Name: r.Name, Expression: compiled, Warning: r.Level == "warn"})
	}
	return p, nil
}

// scanPolicy is the gates on findings. Those on models and secrets hold without
// being written.
func scanPolicy(c *config.Config) *gate.Scan {
	g := c.Gates
	p := &gate.Scan{Secrets: choice(g.Secrets), Accept: c.Scan.Accept}
	if m := g.Models; m != nil {
		p.Models = gate.Models{Allow: m.Allow, Pickles: m.Pickle == "allow", FailOn: severity(m.FailOn)}
	}
	if l := g.Licenses; l != nil {
		p.Licenses = &gate.Licenses{Deny: l.Deny}
	}
	if v := g.Vulnerabilities; v != nil {
		p.Vulnerabilities = &gate.Vulnerabilities{FailOn: severity(v.FailOn), Unknown: choice(v.Unknown), IgnoreUnfixed: v.IgnoreUnfixed, OnlyNew: v.OnlyNew, IgnoreFile: v.IgnoreFile}
	}
	return p
}

// choice is the config's word; deny is the gate's refuse.
func choice(word string) gate.Choice {
	switch word {
	case "warn":
		return gate.Warn
	case "allow":
		return gate.Allow
	}
	return gate.Refuse
}

// severity is the config's word, which has been checked.
func severity(word string) scan.Severity {
	var s scan.Severity
	if s.UnmarshalText([]byte(word)) != nil {
		return scan.High
	}
	return s
}

func metric(m config.MetricGate) (gate.Metric, error) {
	limit := gate.Metric{
		Name: m.Name, Stat: m.Stat, Where: m.Where, Report: m.Report, Pointer: m.Pointer,
		Min: quantity(m.Min), Max: quantity(m.Max), Equals: quantity(m.Equals), Warn: quantity(m.Warn),
		Regression: quantity(m.Regression), Improvement: quantity(m.Improvement), Slack: quantity(m.Slack),
		Better: gate.Better(m.Better), Samples: m.Samples, Runs: m.Runs,
		Required: m.Required == nil || *m.Required, Warning: m.Level == "warn",
	}
	if m.Regression != nil && m.Regression.Text == config.Auto {
		limit.Regression = new(gate.DefaultRegression())
	}
	if m.Unit != "" {
		u, err := unit.ParseUnit(m.Unit)
		if err != nil {
			return gate.Metric{}, err
		}
		limit.Unit = u
	}
	return limit, nil
}

func quantity(l *config.Limit) *unit.Quantity {
	if l == nil {
		return nil
	}
	return &l.Quantity
}
