package config

import (
	"fmt"
	"regexp"

	"github.com/org/ai-ship/pkg/unit"
)

var (
	stat    = regexp.MustCompile(`^(mean|median|min|max|p[1-9][0-9]?(\.[0-9]{1,3})?)$`)
	pointer = regexp.MustCompile(`^(/([^~/]|~[01])*)+$|^[a-z]+(\[[0-9]+\])?(/@?[a-z-]+(\[[0-9]+\])?)+$`)
	format  = regexp.MustCompile(`^[a-z0-9]+$`)
)

func (k *checker) gates() {
	g := k.config.Gates
	k.sizeLimit("gates.size.max", g.Size.Max, "such as 1.1GB", unit.Bytes)
	k.sizeLimit("gates.size.unpacked", g.Size.Unpacked, "such as 4GB", unit.Bytes)
	k.sizeLimit("gates.size.growth", g.Size.Growth, "such as 10% or 50MB", unit.Bytes, unit.Ratio)
	for i, m := range g.Metrics {
		k.metric(item("gates.metrics", i), m)
	}
	if g.Vulnerabilities != nil {
		k.need("gates.vulnerabilities.fail-on", "the lowest severity that refuses the image")
		k.oneOf("gates.vulnerabilities.fail-on", g.Vulnerabilities.FailOn, "critical", "high", "low", "medium")
		k.inside("gates.vulnerabilities.ignore-file", g.Vulnerabilities.IgnoreFile, g.Vulnerabilities.IgnoreFile)
	}
	if g.Models != nil {
		k.oneOf("gates.models.pickle", g.Models.Pickle, "allow", "deny")
		for i, f := range g.Models.Allow {
			k.match(item("gates.models.allow", i), f, format, "the name of a format in lower case", "such as safetensors, onnx or gguf")
		}
	}
	k.oneOf("gates.secrets", g.Secrets, "deny")
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
	low, high, regression := child(at, "min"), child(at, "max"), child(at, "regression")
	k.need(child(at, "name"), "the name of the metric in the reports")
	if !k.has(low) && !k.has(high) && !k.has(regression) {
		k.fail(at, "expected at least one of min, max and regression", "add min or max: a metric without a limit refuses nothing")
	}
	k.match(child(at, "stat"), m.Stat, stat, "mean, median, min, max or a percentile", "such as p95")
	k.match(child(at, "pointer"), m.Pointer, pointer, "a JSON pointer, which starts with /, or a place in XML as verdicts print it", "such as /results/0/accuracy (~ is written ~0 and / is ~1), or testsuite[1]/testcase[2]/@time")
	k.inside(child(at, "report"), m.Report, m.Report)
	k.metricUnits(at, m)
	switch {
	case m.Min != nil && m.Max != nil && k.ok(low) && k.ok(high) && m.Min.Unit == m.Max.Unit && m.Min.Value > m.Max.Value:
		k.fail(low, fmt.Sprintf("min %s is above max %s, so nothing would pass", clip(m.Min.Text), clip(m.Max.Text)), "swap them")
	case m.Regression != nil && k.ok(regression) && m.Regression.Value < 0:
		k.fail(regression, fmt.Sprintf("expected how much worse the value may be, found the negative %q", clip(m.Regression.Text)), "such as 1%")
	}
}

// metricUnits records a unit that is not known, and limits of one metric that
// are of different dimensions. A plain number fits any.
func (k *checker) metricUnits(at string, m MetricGate) {
	limits := []struct {
		key  string
		unit unit.Unit
	}{{key: "unit"}, {key: "min"}, {key: "max"}}
	if path := child(at, "unit"); k.ok(path) {
		q, err := unit.ParseUnit(m.Unit)
		if err != nil {
			k.fail(path, err.Error(), "such as s, ms, percent, ratio, B or MiB")
		}
		limits[0].unit = q.Unit
	}
	for i, l := range []*Limit{m.Min, m.Max} {
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
