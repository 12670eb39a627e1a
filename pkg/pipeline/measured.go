package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
)

// Tracker reads what a tracking server has measured.
type Tracker interface {
	// Knows says whether a reports: entry is a reference of the server's and no
	// pattern of files.
	Knows(entry string) bool
	Report(ctx context.Context, ref string) (testreport.Report, error)
}

// Measured is where the numbers of a policy's metrics stand.
type Measured struct {
	Project *os.Root
	Tracker Tracker  // may be nil
	Reports []string // patterns of files, and references that the tracker knows
	Policy  gate.Policy
}

// Read reads all reports, files first. Patterns that match nothing are no error
// where a gate will refuse for it, and say more.
func (m Measured) Read(ctx context.Context) ([]testreport.Report, error) {
	var patterns, refs []string
	for _, entry := range m.Reports {
		if m.Tracker != nil && m.Tracker.Knows(entry) {
			refs = append(refs, entry)
		} else {
			patterns = append(patterns, entry)
		}
	}
	var reports []testreport.Report
	if len(patterns) > 0 {
		var err error
		reports, err = testreport.Read(ctx, m.Project, patterns)
		gatesWill := errors.Is(err, testreport.ErrNoReport) && len(m.Policy.Metrics) > 0
		if err != nil && !gatesWill {
			return nil, fmt.Errorf("%w: %w", build.ErrInput, err)
		}
	}
	for _, ref := range refs {
		report, err := m.Tracker.Report(ctx, ref)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// Refusal is ErrRefused with the count of the gates that refused, or nil.
func Refusal(v gate.Verdict) error {
	if v.Passed {
		return nil
	}
	refused := 0
	for _, g := range v.Results {
		if !g.Passed {
			refused++
		}
	}
	return fmt.Errorf("%w: %d of %d gates did not pass", ErrRefused, refused, len(v.Results))
}
