package gate

import (
	"fmt"
	"time"

	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// tests returns the gate on the reports' tests, or nothing when no report has
// any. It needs no policy: a failed test refuses.
func tests(e Evidence) []Result {
	var failures []testreport.Failure
	var stale *testreport.Report
	ran := 0
	for i, report := range e.Reports {
		ran += report.Tests
		failures = append(failures, report.Failures...)
		if stale == nil && report.Tests > 0 && e.outdates(report.Modified) {
			stale = &e.Reports[i]
		}
	}
	if ran == 0 && len(failures) == 0 {
		return nil
	}
	failed := float64(len(failures))
	r := Result{Name: "tests", Check: CheckTests, Outcome: Refused, Value: &failed, Limit: &Limit{Op: "<=", Value: 0}, Required: true}
	switch {
	case len(failures) > 0:
		var names []string
		for _, f := range failures {
			names = append(names, short(f.Test))
		}
		r.Source = &failures[0].Source
		r.Reason = fmt.Sprintf("%d of %s failed: %s (%s); no failed test would have passed",
			len(failures), count(max(ran, len(failures)), "test"), list(names), place(*r.Source))
	case stale != nil:
		r.Source = &testreport.Source{File: stale.Path, SHA256: stale.SHA256}
		r.Reason = e.stale(stale.Path, stale.Modified) + "; run the tests again: a report newer than the model would have passed"
	default:
		r.Outcome = Passed
		r.Reason = count(ran, "test") + " passed"
	}
	return []Result{r}
}

// outdates reports whether the newest model is newer than a report.
func (e Evidence) outdates(report time.Time) bool {
	return !e.NewestModel.IsZero() && report.Before(e.NewestModel)
}

// stale says why a report of that time tells nothing about the model.
func (e Evidence) stale(file string, modified time.Time) string {
	report, model := times(modified, e.NewestModel)
	return fmt.Sprintf("%s was written at %s, before the model %s of %s", short(file), report, short(e.NewestModelPath), model)
}

func count(n int, noun string) string {
	return unit.Count(n, noun, noun+"s")
}
