package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/report"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestWriteFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "out")
	for _, r := range []report.Report{turnedDown(), shipped()} { // the second replaces the first
		if err := report.WriteFiles(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"gates.xml", "report.json", "summary.md"}) {
		t.Errorf("files are %q", got)
	}
	var want bytes.Buffer
	if err := report.JSON(&want, shipped()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, report.JSONFile))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("report.json is not what JSON writes (%v)", err)
	}
	info, err := os.Stat(filepath.Join(dir, report.SummaryFile))
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("summary.md: %v, %v", info.Mode(), err)
	}
}

func TestWriteFilesLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	// A folder in the file's place cannot be replaced by a file.
	if err := os.MkdirAll(filepath.Join(dir, report.JSONFile, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := report.WriteFiles(dir, shipped())
	if err == nil || !strings.HasPrefix(err.Error(), `writing "`+filepath.Join(dir, report.JSONFile)+`": rename `) {
		t.Errorf("error is %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"report.json"}) {
		t.Errorf("left behind: %q", got)
	}

	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err = report.WriteFiles(file, shipped())
	if err == nil || !strings.HasPrefix(err.Error(), "making the folder for reports: mkdir ") {
		t.Errorf("error is %v", err)
	}
}
