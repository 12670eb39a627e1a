package trivy

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/result"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vex"
	xos "github.com/aquasecurity/trivy/pkg/x/os"

	"github.com/org/ai-ship/pkg/hint"
)

// suppress applies the ignore file and the VEX files as trivy does. What it
// takes out stays in the report as modified findings. No severity is dropped.
func (s *session) suppress(ctx context.Context, report *types.Report, rules *ignoreRules) error {
	all := result.FilterOptions{Severities: []dbtypes.Severity{
		dbtypes.SeverityUnknown, dbtypes.SeverityLow, dbtypes.SeverityMedium, dbtypes.SeverityHigh, dbtypes.SeverityCritical,
	}}
	for i := range report.Results {
		if err := result.FilterResult(ctx, &report.Results[i], rules.config, all); err != nil {
			return fmt.Errorf("applying ignore file %q: %w", rules.name, err)
		}
	}
	return s.applyVEX(ctx, report)
}

// applyVEX applies the VEX files, together, as trivy does. Trivy opens them by
// name, so it gets copies: what was read below the project's root counts.
func (s *session) applyVEX(ctx context.Context, report *types.Report) error {
	var sources []vex.Source
	names := make(map[string]string) // of the files, by their copies'
	for i, f := range s.VEX {
		name, err := copyVEX(f, i)
		if err == nil {
			err = guarded("reading it", func() error {
				_, err := vex.NewDocument(name, report)
				return err
			})
		}
		if err != nil {
			return hint.Wrap(fmt.Errorf("reading VEX file %q: %w", f.Name, err), "for an image, trivy takes OpenVEX and CSAF documents in JSON")
		}
		names[name] = f.Name
		sources = append(sources, vex.Source{Type: vex.TypeFile, FilePath: name})
	}
	if len(sources) == 0 {
		return nil
	}
	err := guarded("applying VEX files", func() error { return vex.Filter(ctx, report, vex.Options{Sources: sources}) })
	if err != nil {
		return err
	}
	for i := range report.Results {
		for j := range report.Results[i].ModifiedFindings {
			m := &report.Results[i].ModifiedFindings[j]
			m.Source = cmp.Or(names[m.Source], m.Source)
		}
	}
	return nil
}

// copyVEX writes the file to trivy's folder, which goes at the scan's end.
func copyVEX(f File, number int) (name string, err error) {
	data, err := f.read()
	if err != nil {
		return "", err
	}
	name = filepath.Join(xos.TempDir(), "vex-"+strconv.Itoa(number)+".json")
	return name, os.WriteFile(name, data, 0o600)
}
