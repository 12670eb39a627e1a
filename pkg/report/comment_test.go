package report_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

func comment(t testing.TB, now report.Report, before *report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Comment(&b, now, before, ""); err != nil {
		t.Fatal(err)
	}
	if b.Len() > report.MaxComment {
		t.Errorf("a comment of %d bytes", b.Len())
	}
	return b.String()
}

// formerly is the report on the channel's image: faster, with one secret more
// and other vulnerabilities.
func formerly() report.Report {
	r := shipped()
	r.Digest, r.Version = digest("a"), "1.1.0"
	r.Gates = append(history()[4].Gates, onFindings(gate.CheckLicenses, 0, "licenses: none"), result("recall", "", 0.9, "ratio", ">=", 0.8))
	f := evilFindings()
	f.Vulnerabilities = f.Vulnerabilities[1:]
	f.Vulnerabilities[1].Version = "2.30.0" // the same, in an older package
	f.Secrets = append(f.Secrets, scan.Finding{ID: "github-token", Severity: scan.High, Path: "app/.netrc", Title: "a GitHub token ghp_…"})
	r.Findings = f
	return r
}

func TestComments(t *testing.T) {
	before := formerly()
	same := formerly()
	same.Baseline = &report.Baseline{Ref: "ghcr.io/acme/digits:staging@" + digest("a"), Compressed: same.Size.Compressed}
	alone := turnedDown()
	alone.Baseline = nil
	for name, c := range map[string]struct {
		now    report.Report
		before *report.Report
	}{
		"changed": {storied(), &before}, "same": {same, &before}, "first": {alone, nil}, "history": {storied(), nil}, "grown": {grown(), nil}, "failed": {broken(), nil},
	} {
		golden(t, filepath.Join("testdata", "comment-"+name+".md"), []byte(comment(t, c.now, c.before)))
	}
}

func TestCommentLeavesNoiseOut(t *testing.T) {
	now, before := shipped(), shipped()
	value := func(r *report.Report, v float64) {
		r.Gates[1].Value, r.Gates[1].Samples, r.Gates[1].Noise = number(v), 100, 0.002
	}
	value(&before, 0.080)
	value(&now, 0.084)
	if got := comment(t, now, &before); strings.Contains(got, "inference") {
		t.Errorf("noise is told as news:\n%s", got)
	}
	value(&now, 0.096)
	if got := comment(t, now, &before); !strings.Contains(got, `| passed | inference\_time p95 max | 80ms | 96ms | +20% |`) {
		t.Errorf("news is not told:\n%s", got)
	}
}

func TestMarker(t *testing.T) {
	a, b := report.Marker("ghcr.io/acme/a"), report.Marker("--> @acme")
	if a == b || a != report.Marker("ghcr.io/acme/a") || !strings.HasPrefix(a, "<!-- ai-ship:") || strings.Count(b, ">") != 1 {
		t.Errorf("markers are %q and %q", a, b)
	}
}

func TestCommentIsCut(t *testing.T) {
	now, before := storied(), formerly()
	for i := range 500 {
		g := now.Gates[0]
		g.Name, g.Reason = fmt.Sprintf("metric_%d", i), strings.Repeat("@<|", 300)
		now.Gates = append(now.Gates, g)
		f := scan.Finding{ID: fmt.Sprintf("CVE-%d", i), Severity: scan.High, Package: "p", Title: strings.Repeat("|", 400)}
		now.Findings.Vulnerabilities = append(now.Findings.Vulnerabilities, f)
		f.ID += "-gone"
		before.Findings.Secrets = append(before.Findings.Secrets, f)
		now.Contents.Layers = append(now.Contents.Layers, report.Part{Name: strings.Repeat("|", 400), State: "changed"})
	}
	now.Error = strings.Repeat(strings.Repeat("é", 400)+"\n", 400)
	now.Version = strings.Repeat("<", 1000)
	if got := comment(t, now, &before); strings.Count(got, "*Cut here: ") != 6 {
		t.Errorf("%d notices, want 6", strings.Count(got, "*Cut here: "))
	}
}
