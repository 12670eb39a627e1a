package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
)

// maxDocument bounds a report that is read back. Those of large images have
// some hundred KiB.
const maxDocument = 16 << 20 // bytes

// Read reads what JSON wrote. A document of a later schema, or one that is no
// report, is an error.
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
	case report.Schema == 0:
		return Report{}, hint.Wrap(errors.New("is no report of ai-ship: it has no schema"), "name the report.json that a run or `ai-ship gate` wrote")
	case report.Schema > Schema:
		return Report{}, hint.Wrap(fmt.Errorf("is a report of schema %d, expected at most %d", report.Schema, Schema), "use the version of ai-ship that wrote it, or a newer one")
	}
	return report, nil
}

// AsBaseline is the report as what later images are compared with; name is the
// file's.
func (r Report) AsBaseline(name string) gate.Baseline {
	return gate.Baseline{Ref: name, Compressed: r.Size.Compressed, Measurements: gate.Measurements(r.Gates)}
}
