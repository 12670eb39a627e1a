package report_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update:\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	writers := map[string]func(io.Writer, report.Report) error{
		"json": report.JSON,
		"md":   report.Markdown,
		"xml":  report.JUnit,
		"txt": func(w io.Writer, r report.Report) error {
			return report.Text(w, r, report.Style{Width: 100})
		},
	}
	for name, r := range fixtures() {
		for ext, write := range writers {
			t.Run(name+"."+ext, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got, r); err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join("testdata", name+"."+ext), got.Bytes())
			})
		}
		if r.Findings.Ran {
			golden(t, filepath.Join("testdata", name+".sarif"), sarif(t, r))
		}
	}
}

func TestTextColour(t *testing.T) {
	var got bytes.Buffer
	if err := report.Text(&got, turnedDown(), report.Style{Color: true, Width: 60}); err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "refused-narrow-colour.txt"), got.Bytes())
}
