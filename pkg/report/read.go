package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// maxDocument bounds a report that is read back. Those of large images have
// some hundred KiB.
const maxDocument = 16 << 20 // bytes

// Read reads what JSON wrote, of at most 16 MiB. A document of a later schema,
// or one that is no report, is an error, and so is a gate that no version can
// have written: what it says would be compared with, or be shown as a verdict.
func Read(r io.Reader) (Report, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return Report{}, err
	}
	if len(data) > maxDocument {
		return Report{}, fmt.Errorf("is larger than %d MiB", maxDocument>>20)
	}
	var report Report
	if err := json.Unmarshal(data, &report); err != nil {
		return Report{}, hint.Wrap(fmt.Errorf("is no report of ai-ship: %w", err), "name the report.json that a run or `ai-ship gate` wrote")
	}
	switch {
	case report.Schema < 1:
		return Report{}, hint.Wrap(errors.New("is no report of ai-ship: it has no schema"), "name the report.json that a run or `ai-ship gate` wrote")
	case report.Schema > Schema:
		return Report{}, hint.Wrap(fmt.Errorf("is a report of schema %d, expected at most %d", report.Schema, Schema), "use the version of ai-ship that wrote it, or a newer one")
	}
	for i, g := range report.Gates {
		if err := check(g); err != nil {
			return Report{}, fmt.Errorf("gates[%d] %w", i, err)
		}
	}
	return report, nil
}

func check(g gate.Result) error {
	switch g.Outcome {
	case "", gate.Passed, gate.Warned, gate.Refused: // "" in reports of the first version
	default:
		return fmt.Errorf("has the outcome %q, expected passed, warned or refused", clean(string(g.Outcome)))
	}
	switch g.Unit {
	case unit.None, unit.Seconds, unit.Bytes, unit.Ratio:
	default:
		return fmt.Errorf("has the unit %q, expected s, B, ratio or none", clean(string(g.Unit)))
	}
	if g.Samples < 0 || g.Runs < 0 || g.Noise < 0 {
		return errors.New("has a negative number of samples or runs, or a negative noise")
	}
	return nil
}

// AsBaseline is the report as what later images are compared with; name is the
// file's.
func (r Report) AsBaseline(name string) gate.Baseline {
	return gate.Baseline{Ref: name, Compressed: r.Size.Compressed, Measurements: gate.Measurements(r.Gates)}
}
