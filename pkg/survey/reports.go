package survey

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/testreport"
)

// The limits of looking for reports. Reports of real tests stay far below.
const (
	maxReports = 100     // files that are read
	maxReport  = 8 << 20 // bytes of one
)

// reportFolder and reportFile are how reports are usually called.
var (
	reportFolder = regexp.MustCompile(`(?i)(^|/)(test[-_]?)?(reports?|results?|metrics|benchmarks?|\.benchmarks|eval(uation)?s?)(/|$)`)
	reportFile   = regexp.MustCompile(`(?i)^(junit|test-|tests?[-_.]|pytest|benchmark|bench[-_.]|coverage|metrics|eval|all_results|results|report|ctrf|k6|summary|locust|nvidia|mlperf)[^/]*\.(xml|json|csv|prom)$|_stats\.csv$`)
)

// reports are the files that are read as reports and measured something.
func (l *looker) reports(ctx context.Context, models []Model) []testreport.Report {
	var reports []testreport.Report
	for _, f := range l.files {
		if ctx.Err() != nil {
			break
		}
		if !reportable(f) || slices.ContainsFunc(models, func(m Model) bool { return m.Folder && path.Dir(m.Path) == path.Dir(f.path) }) {
			continue
		}
		if len(reports) == maxReports {
			l.leave("there are more than %d test reports; the rest was not read", maxReports)
			break
		}
		if r, ok := l.report(f.path); ok {
			reports = append(reports, r)
		}
	}
	return reports
}

func reportable(f file) bool {
	known := slices.Contains([]string{".xml", ".json", ".csv", ".prom"}, strings.ToLower(path.Ext(f.path)))
	return known && f.size <= maxReport && (reportFolder.MatchString(path.Dir(f.path)) || reportFile.MatchString(path.Base(f.path)))
}

func (l *looker) report(name string) (testreport.Report, bool) {
	f, err := l.root.Open(name)
	if err != nil {
		return testreport.Report{}, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return testreport.Report{}, false
	}
	r, err := testreport.ReadFile(name, f, info.ModTime())
	if err != nil {
		l.leave("%v", err)
		return testreport.Report{}, false
	}
	return r, true
}
