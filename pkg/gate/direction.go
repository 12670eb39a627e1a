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
	name := m.Name[strings.LastIndexAny(m.Name, "./")+1:]
	switch name {
	case "accuracy", "f1", "precision", "recall", "auc", "roc_auc", "bleu", "throughput", "tokens_per_second", "coverage":
		return true, true
	case "loss", "perplexity", "wer", "cer", "mae", "mse", "rmse", "error_rate":
		return false, true
	}
	return false, u == unit.Seconds || u == unit.Bytes
}
