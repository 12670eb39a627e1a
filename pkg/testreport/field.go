package testreport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// field is what the name of a report's field says about its value.
type field struct {
	name string // without the suffixes
	stat string
	one  unit.Quantity // what 1 stands for; 1 of unit.None where the name does not say
	// count is Metric.Count, which no name says but the report's format may.
	count int
}

// parseField takes one unit and one statistic off the end of a name, in either
// order, as long as something remains. A statistic may also be the last segment
// of a dotted path: latency_ms.p95. A rate (items_per_s) keeps its name.
func parseField(name string) field {
	f := field{name: name, one: unit.Quantity{Value: 1}}
	for range 2 {
		cut := strings.LastIndexAny(f.name, "_.")
		if cut <= 0 {
			break
		}
		rest, suffix, dotted := f.name[:cut], f.name[cut+1:], f.name[cut] == '.'
		if strings.HasSuffix(rest, ".") || strings.HasSuffix(rest, "_") || strings.HasSuffix(rest, "_per") {
			break
		}
		if one, ok := suffixUnit(suffix); ok && !dotted && f.one.Unit == unit.None {
			f.name, f.one = rest, one
		} else if stat, err := ParseStat(suffix); err == nil && f.stat == "" {
			f.name, f.stat = rest, stat
		} else {
			break
		}
	}
	return f
}

// suffixUnit knows the units that field names end in. It leaves out those
// that are ordinary words there: _m, _h, _b, and _min, which is a statistic.
func suffixUnit(s string) (unit.Quantity, bool) {
	switch s {
	case "ns", "us", "ms", "s", "sec", "seconds", "milliseconds", "microseconds", "nanoseconds",
		"percent", "pct", "ratio", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib":
		one, err := unit.ParseUnit(s)
		return one, err == nil
	}
	return unit.Quantity{}, false
}

// metric reads one value. It returns false for text that is neither a number
// nor one of the words that stand where a number should.
func (f field) metric(text string) (Metric, bool) {
	m := Metric{Name: f.name, Stat: f.stat, Unit: f.one.Unit, Count: f.count}
	text = strings.TrimSpace(text)
	if word, ok := notANumber(text); ok {
		m.Invalid = word
		return m, true
	}
	q, err := unit.Parse(text)
	switch {
	case errors.Is(err, unit.ErrRange):
		m.Invalid = "out of range"
		return m, true
	case err != nil:
		return Metric{}, false
	case q.Unit == unit.None:
		q = f.one.Times(q.Value)
	case f.one.Unit != unit.None && f.one.Unit != q.Unit:
		m.Invalid = fmt.Sprintf("%q in a field whose name says %s", text, f.one.Unit)
		return m, true
	}
	if !q.Finite() {
		m.Invalid = "out of range"
		return m, true
	}
	m.Value, m.Unit = q.Value, q.Unit
	return m, true
}

// notANumber returns what to call text that says there is no number.
func notANumber(text string) (string, bool) {
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case "":
		if text != "" {
			return "", false
		}
		return "empty", true
	case "nan", "inf", "infinity", "n/a", "na", "none", "null":
		return text, true
	}
	return "", false
}
