package trivy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	xos "github.com/aquasecurity/trivy/pkg/x/os"

	"github.com/org/ai-ship/pkg/scan/sqlite"
)

// rpms is an analyzer that finds nothing: it fails where an RPM database is
// damaged. Trivy's reader takes a page of it that it cannot read for the end of
// the list of packages.
type rpms struct{}

func (rpms) Type() analyzer.Type { return "ai-ship-rpm" }
func (rpms) Version() int        { return 1 }

func (rpms) Required(name string, _ fs.FileInfo) bool { return path.Base(name) == "rpmdb.sqlite" }

func (rpms) Analyze(ctx context.Context, input analyzer.AnalysisInput) (_ *analyzer.AnalysisResult, err error) {
	f, err := os.CreateTemp(xos.TempDir(), "rpm-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = io.Copy(f, input.Content)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(f.Name())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := sqlite.Check(ctx, db); err != nil {
		return nil, fmt.Errorf("checking RPM database: it %w", err)
	}
	return nil, nil //nolint:nilnil // what trivy's own return when they found nothing
}
