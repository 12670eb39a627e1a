package gate

import (
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

// direction tells whether more is better: as the policy says, else by its one
// limit, else by the name that everybody uses, else times and sizes are costs.
// ok is false when nothing of this tells.
func (m Metric) direction(u unit.Unit) (higher, ok bool) {
	switch {
	case m.Better != "":
		return m.Better == HigherIsBetter, true
	case (m.Min == nil) != (m.Max == nil):
		return m.Min != nil, true
	}
	switch m.last() {
	case "accuracy", "f1", "precision", "recall", "auc", "roc_auc", "bleu", "throughput", "tokens_per_second", "coverage":
		return true, true
	case "loss", "perplexity", "wer", "cer", "mae", "mse", "rmse", "error_rate":
		return false, true
	}
	return false, u == unit.Seconds || u == unit.Bytes
}

// last is the last part of a dotted name.
func (m Metric) last() string { return m.Name[strings.LastIndexAny(m.Name, "./")+1:] }

// percentage reports whether a number without unit can only be in percent: it
// is of something that is never above 1, and is. Held against a limit of 0.95 it
// would pass whatever it is.
func (m Metric) percentage(v unit.Quantity) bool {
	switch m.last() {
	case "accuracy", "f1", "precision", "recall", "auc", "roc_auc", "coverage", "error_rate":
		return v.Unit == unit.None && v.Value > 1
	}
	return false
}
