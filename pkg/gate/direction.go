package gate

import (
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

// Better says in which direction a metric improves.
type Better string

// The directions. The zero value leaves it to the limits, the name and the unit.
const (
	LowerIsBetter  Better = "lower"
	HigherIsBetter Better = "higher"
)

// direction tells whether more is better: as the policy says, else by the name
// that everybody uses, else by its one limit, else times and sizes are costs.
// ok is false when nothing of this tells.
func (m Metric) direction(u unit.Unit) (higher, ok bool) {
	if m.Better != "" {
		return m.Better == HigherIsBetter, true
	}
	switch last(m.Name) {
	case "accuracy", "f1", "precision", "recall", "auc", "roc_auc", "bleu", "throughput", "tokens_per_second", "coverage":
		return true, true
	case "loss", "perplexity", "wer", "cer", "mae", "mse", "rmse", "error_rate",
		"latency", "inference_time", "time_to_first_token", "gpu_memory":
		return false, true
	}
	if (m.Min == nil) != (m.Max == nil) {
		return m.Min != nil, true
	}
	return false, u == unit.Seconds || u == unit.Bytes
}

// last is the last part of a dotted name.
func last(name string) string { return name[strings.LastIndexAny(name, "./")+1:] }

// share reports whether the gate, or what it found under that name, is about
// something that is never below 0 and never above 1.
func (m Metric) share(found string) bool {
	for _, name := range []string{m.Name, found} {
		switch last(name) {
		case "accuracy", "f1", "precision", "recall", "auc", "roc_auc", "coverage", "error_rate":
			return true
		}
	}
	return false
}

// inPercent reports whether a share is one of 100: held against 0.95 it would pass
// whatever it is.
func inPercent(v float64, u unit.Unit) bool { return u == unit.None && v > 1+rounding }

// noShare says why a value cannot be the share that it is said to be, or not in
// the limit's terms; "" if it can.
func (m Metric) noShare(v unit.Quantity, w want, place string) string {
	switch {
	case (v.Unit == unit.None || v.Unit == unit.Ratio) && v.Value < 0:
		return fmt.Sprintf("%s is %s, and cannot be negative (%s)", m.label(), v, place)
	case v.Unit == unit.Ratio && v.Value > 1+rounding:
		return fmt.Sprintf("%s is %s, and cannot be more than 1 (%s)", m.label(), v, place)
	case w.compared:
		return ""
	case inPercent(v.Value, v.Unit) && (w.limit == nil || w.limit.Value <= 1):
		return fmt.Sprintf("%s is %s, which is no ratio (%s): write unit: percent if the report counts so", m.label(), v, place)
	case v.Unit == unit.Ratio && w.limit != nil && inPercent(w.limit.Value, w.limit.Unit):
		return fmt.Sprintf("%s is %s, a ratio, but its limit %s is none (%s): write %s%%", m.label(), v, w.limit.Precise(), place, w.limit.Precise())
	}
	return ""
}
