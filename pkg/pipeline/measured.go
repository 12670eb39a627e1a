package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	// Outside, when set, is the project's path, and the patterns are relative to
	// the working directory instead, inside the project or not.
	Outside string
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
	reports, err := m.files(ctx, patterns)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		report, err := m.Tracker.Report(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", build.ErrInput, err)
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (m Measured) files(ctx context.Context, patterns []string) ([]testreport.Report, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	root := m.Project
	var err error
	if m.Outside != "" {
		if root, patterns, err = m.rooted(patterns); err != nil {
			return nil, fmt.Errorf("%w: %w", build.ErrInput, err)
		}
		if root != m.Project {
			defer root.Close()
		}
	}
	reports, err := testreport.Read(ctx, root, patterns)
	gatesWill := errors.Is(err, testreport.ErrNoReport) && len(m.Policy.Metrics) > 0
	if err != nil && !gatesWill {
		return nil, fmt.Errorf("%w: %w", build.ErrInput, err)
	}
	return reports, nil
}

// rooted makes patterns of the working directory relative to the project, where
// the config's report: names them so, or, where one leads out of it, all to the
// file system's root.
func (m Measured) rooted(patterns []string) (*os.Root, []string, error) {
	project, err := filepath.Abs(m.Outside)
	if err != nil {
		return nil, nil, err
	}
	inside := make([]string, len(patterns))
	absolute := make([]string, len(patterns))
	local := true
	for i, p := range patterns {
		if absolute[i], err = filepath.Abs(p); err != nil {
			return nil, nil, err
		}
		rel, err := filepath.Rel(project, absolute[i])
		local = local && err == nil && filepath.IsLocal(rel)
		inside[i] = filepath.ToSlash(rel)
		absolute[i] = strings.TrimPrefix(filepath.ToSlash(absolute[i]), "/")
	}
	if local {
		return m.Project, inside, nil
	}
	root, err := os.OpenRoot("/")
	return root, absolute, err
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
