package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/org/ai-ship/pkg/unit"
)

var (
	stat       = regexp.MustCompile(`^(mean|median|min|max|p[1-9][0-9]?(\.[0-9]{1,3})?)$`)
	pointer    = regexp.MustCompile(`^(/([^~/]|~[01])*)+$|^[a-z]+(\[[0-9]+\])?(/@?[a-z-]+(\[[0-9]+\])?)+$`)
	format     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	license    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]*$`)
	identifier = regexp.MustCompile(`^[a-z0-9]+([-.][a-z0-9]+)*$`)
)

func (k *checker) gates() {
	g := k.config.Gates
	k.sizeLimit("gates.size.max", g.Size.Max, "such as 1.1GB", unit.Bytes)
	k.sizeLimit("gates.size.unpacked", g.Size.Unpacked, "such as 4GB", unit.Bytes)
	k.sizeLimit("gates.size.growth", g.Size.Growth, "such as 10% or 50MB", unit.Bytes, unit.Ratio)
	k.sizeLimit("gates.size.warn", g.Size.Warn, "such as 900MB", unit.Bytes)
	k.below("gates.size.warn", g.Size.Warn, "max", g.Size.Max)
	for i, m := range g.Metrics {
		k.metric(item("gates.metrics", i), m)
	}
	for i, r := range g.Rules {
		k.rule(item("gates.rules", i), r)
	}
	k.inside("gates.baseline", g.Baseline, g.Baseline)
	k.findings(g)
}

// findings judges the gates on what scanners find.
func (k *checker) findings(g Gates) {
	if v := g.Vulnerabilities; v != nil {
		k.need("gates.vulnerabilities.fail-on", "the lowest severity that refuses the image")
		k.oneOf("gates.vulnerabilities.fail-on", v.FailOn, "critical", "high", "low", "medium")
		k.oneOf("gates.vulnerabilities.unknown", v.Unknown, "allow", "refuse", "warn")
		k.inside("gates.vulnerabilities.ignore-file", v.IgnoreFile, v.IgnoreFile)
		for i, f := range v.VEX {
			k.inside(item("gates.vulnerabilities.vex", i), f, f)
		}
	}
	if g.Models != nil {
		k.oneOf("gates.models.pickle", g.Models.Pickle, "allow", "deny")
		k.oneOf("gates.models.fail-on", g.Models.FailOn, "critical", "high", "low", "medium")
		for i, f := range g.Models.Allow {
			k.match(item("gates.models.allow", i), f, format, "the name of a format in lower case", "such as safetensors, onnx or gguf")
		}
	}
	if l := g.Licenses; l != nil {
		k.need("gates.licenses.deny", "the licences that refuse the image")
		if at := "gates.licenses.deny"; k.has(at) && k.ok(at) && len(l.Deny) == 0 {
			k.fail(at, "expected at least one licence or category, found none", "such as AGPL-3.0-only or forbidden; leave licenses out to allow all")
		}
		for i, id := range l.Deny {
			k.match(item("gates.licenses.deny", i), id, license, "an SPDX identifier or a category", "such as AGPL-3.0-only or forbidden")
		}
	}
	k.oneOf("gates.secrets", g.Secrets, "allow", "deny", "warn")
}

// sizeLimit records a limit that is negative or of none of the dimensions.
func (k *checker) sizeLimit(at string, l *Limit, hint string, dimensions ...unit.Unit) {
	if l == nil || !k.ok(at) {
		return
	}
	for _, u := range dimensions {
		if l.Unit == u && l.Value >= 0 {
			return
		}
	}
	what := "a size in bytes"
	if len(dimensions) > 1 {
		what = "a ratio or a size in bytes"
	}
	k.fail(at, fmt.Sprintf("expected %s, found %q", what, clip(l.Text)), hint)
}

func (k *checker) metric(at string, m MetricGate) {
	if k.bad[at] {
		return
	}
	k.need(child(at, "name"), "the name of the metric in the reports")
	if !slices.ContainsFunc([]string{"min", "max", "equals", "regression", "improvement"}, func(key string) bool { return k.has(child(at, key)) }) {
		k.fail(at, "expected at least one of min, max, equals, regression and improvement", "add min or max: a metric without a limit refuses nothing")
	}
	k.match(child(at, "stat"), m.Stat, stat, "mean, median, min, max or a percentile", "such as p95")
	k.match(child(at, "pointer"), m.Pointer, pointer, "a JSON pointer, which starts with /, or a place in XML as verdicts print it", "such as /results/0/accuracy (~ is written ~0 and / is ~1), or testsuite[1]/testcase[2]/@time")
	k.inside(child(at, "report"), m.Report, m.Report)
	k.oneOf(child(at, "better"), m.Better, "higher", "lower")
	k.oneOf(child(at, "level"), m.Level, "refuse", "warn")
	k.metricUnits(at, m)
	k.metricLimits(at, m)
	k.tolerances(at, m)
}

// metricLimits records limits that contradict each other.
func (k *checker) metricLimits(at string, m MetricGate) {
	low, high, warn := child(at, "min"), child(at, "max"), child(at, "warn")
	if m.Min != nil && m.Max != nil && k.ok(low) && k.ok(high) && m.Min.Unit == m.Max.Unit && m.Min.Value > m.Max.Value {
		k.fail(low, fmt.Sprintf("min %s is above max %s, so nothing would pass", clip(m.Min.Text), clip(m.Max.Text)), "swap them")
	}
	switch {
	case m.Warn == nil:
	case m.Min != nil && m.Max != nil:
		k.fail(warn, "warn needs one limit that it stands before, found min and max", "write two entries for the metric")
	case m.Min != nil:
		k.above(warn, m.Warn, "min", m.Min)
	default:
		k.below(warn, m.Warn, "max", m.Max)
	}
}

// below records a warning level that is not within its ceiling.
func (k *checker) below(at string, warn *Limit, key string, ceiling *Limit) {
	switch {
	case warn == nil || !k.ok(at):
	case ceiling == nil:
		k.fail(at, "warn needs a limit that it stands before, found none", "add "+key)
	case warn.Unit == ceiling.Unit && warn.Value > ceiling.Value:
		k.fail(at, fmt.Sprintf("warn %s is above %s %s, so it would never warn", clip(warn.Text), key, clip(ceiling.Text)), "lower it")
	}
}

// above records a warning level that is not within its floor.
func (k *checker) above(at string, warn *Limit, key string, floor *Limit) {
	if k.ok(at) && warn.Unit == floor.Unit && warn.Value < floor.Value {
		k.fail(at, fmt.Sprintf("warn %s is below %s %s, so it would never warn", clip(warn.Text), key, clip(floor.Text)), "raise it")
	}
}

// tolerances records differences to the baseline that mean nothing.
func (k *checker) tolerances(at string, m MetricGate) {
	for _, t := range []struct {
		key, what string
		limit     *Limit
	}{
		{"regression", "how much worse the value may be", m.Regression},
		{"improvement", "how much better the value must be", m.Improvement},
		{"slack", "a difference that never counts", m.Slack},
	} {
		if path := child(at, t.key); t.limit != nil && k.ok(path) && t.limit.Value < 0 {
			k.fail(path, fmt.Sprintf("expected %s, found the negative %q", t.what, clip(t.limit.Text)), "such as 1%")
		}
	}
	if path := child(at, "slack"); m.Slack != nil && k.ok(path) && m.Regression == nil && m.Improvement == nil {
		k.fail(path, "slack needs a comparison, found neither regression nor improvement", "add regression: auto")
	}
}

// rule records a rule that lacks something; its expression is the plan's to
// compile.
func (k *checker) rule(at string, r RuleGate) {
	if k.bad[at] {
		return
	}
	k.need(child(at, "name"), "what verdicts call the rule")
	k.need(child(at, "rule"), "an expression such as metrics.accuracy >= 0.95 && size.growth < 0.1")
	k.oneOf(child(at, "level"), r.Level, "refuse", "warn")
}

// metricUnits records a unit that is not known, and limits of one metric that
// are of different dimensions. A plain number fits any.
func (k *checker) metricUnits(at string, m MetricGate) {
	limits := []struct {
		key  string
		unit unit.Unit
	}{{key: "unit"}, {key: "min"}, {key: "max"}, {key: "equals"}, {key: "warn"}}
	if path := child(at, "unit"); k.ok(path) {
		q, err := unit.ParseUnit(m.Unit)
		if err != nil {
			k.fail(path, err.Error(), "such as s, ms, percent, ratio, B or MiB")
		}
		limits[0].unit = q.Unit
	}
	for i, l := range []*Limit{m.Min, m.Max, m.Equals, m.Warn} {
		if l != nil {
			limits[i+1].unit = l.Unit
		}
	}
	first := limits[0]
	for _, l := range limits[1:] {
		path := child(at, l.key)
		switch {
		case !k.ok(path) || l.unit == unit.None:
		case first.unit == unit.None:
			first = l
		case l.unit != first.unit:
			k.fail(path, fmt.Sprintf("%s is in %s but %s is in %s", l.key, l.unit, first.key, first.unit), "give both the same dimension")
		}
	}
}
