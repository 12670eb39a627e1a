package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
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
	if got := names(t, dir); !slices.Equal(got, []string{"gates.xml", "report.html", "report.json", "summary.md"}) {
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

func TestWriteFilesOfAScan(t *testing.T) {
	dir := t.TempDir()
	r := infested()
	r.Findings.Documents = []scan.Document{
		{Name: "sbom.cdx.json", Data: []byte("amd64")}, {Name: "findings.sarif", Data: []byte("the engine's")},
		{Name: "sbom.cdx.json", Data: []byte("arm64")}, {Name: "sbom-2.cdx.json", Data: []byte("odd")}, {Name: "notes", Data: nil}, {Name: "notes", Data: nil},
	}
	if err := report.WriteFiles(dir, r); err != nil {
		t.Fatal(err)
	}
	want := []string{"findings.sarif", "gates.xml", "notes", "notes-2", "report.html", "report.json", "sbom-2-2.cdx.json", "sbom-2.cdx.json", "sbom.cdx.json", "summary.md"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files are %q", got)
	}
	for name, want := range map[string]string{"sbom.cdx.json": "amd64", "sbom-2.cdx.json": "arm64", "sbom-2-2.cdx.json": "odd", "findings.sarif": string(sarif(t, r))} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %.40q (%v)", name, got, err)
		}
	}
	// Of a run without a scan, the findings of an earlier one are not the findings.
	if err := report.WriteFiles(dir, shipped()); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names(t, dir), report.SARIFFile) {
		t.Error("the findings of an earlier run are still there")
	}
}

func TestWriteFilesChecksNames(t *testing.T) {
	const letters = "expected small letters, digits, dots and dashes"
	for name, want := range map[string]string{
		"":                       letters,
		".":                      letters,
		"..":                     letters,
		".hidden":                letters,
		"a/b":                    letters,
		"../a":                   letters,
		`a\b`:                    letters,
		"Report.json":            letters,
		"a b":                    letters,
		"a\n":                    letters,
		"a.":                     letters,
		"\x1b[2J":                letters,
		strings.Repeat("a", 101): letters,
		"report.json":            "is a file of the report",
		"summary.md":             "is a file of the report",
		"gates.xml":              "is a file of the report",
	} {
		dir := filepath.Join(t.TempDir(), "out")
		r := clear()
		r.Findings.Documents = []scan.Document{{Name: "fine.json"}, {Name: name}}
		err := report.WriteFiles(dir, r)
		if err == nil || !strings.HasPrefix(err.Error(), "naming document 1 of the scan: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%.20q: error is %v, want %s", name, err, want)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%.20q: something was written (%v)", name, err)
		}
	}
}
