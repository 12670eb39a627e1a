package testreport_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/testreport"
)

// samples returns the reports of testdata by name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/reports/*.*")
	if err != nil || len(paths) < 18 {
		t.Fatal(paths, err)
	}
	shapes, err := filepath.Glob("../../testdata/reports/shapes/*.*")
	if err != nil || len(shapes) < 18 {
		t.Fatal(shapes, err)
	}
	all := make(map[string][]byte)
	for _, path := range append(paths, shapes...) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if name, _ := filepath.Rel("../../testdata/reports", path); name != "README.md" {
			all[name] = data
		}
	}
	return all
}

// A report that was cut off anywhere is refused, or it says nothing but what
// the whole says: no value differs. Lines that are missing at the end of YAML,
// TOML, CSV and Prometheus text cannot be seen; then metrics are missing, which
// a gate refuses, or samples of a column are, of which those left are the first.
func TestReadFileOfACutReport(t *testing.T) {
	for name, data := range samples(t) {
		whole, err := testreport.ReadFile(name, bytes.NewReader(data), written)
		if err != nil {
			t.Fatal(err)
		}
		step := 1
		if testing.Short() || !slices.Contains([]string{".yaml", ".toml", ".csv", ".prom"}, filepath.Ext(name)) {
			step = max(1, len(data)/100)
		}
		end := len(bytes.TrimSpace(data))
		read := 0
		for n := 0; n < end; n += step {
			part, err := testreport.ReadFile(name, bytes.NewReader(data[:n]), written)
			if err != nil {
				if !strings.HasPrefix(err.Error(), `reading report "`+name+`": `) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s cut to %d bytes: %q is no sentence", name, n, err)
				}
				continue
			}
			read++
			for _, m := range part.Metrics {
				if !says(whole, part, m) {
					t.Errorf("%s cut to %d bytes has %+v, which the whole has not", name, n, m)
				}
			}
		}
		switch extension := filepath.Ext(name); {
		case read > 0 && !slices.Contains([]string{".yaml", ".toml", ".csv", ".prom", ".md", ".txt"}, extension):
			t.Errorf("%s: %d cuts were read", name, read)
		case read > 0:
			t.Logf("%s: %d of %d cuts were read, without a value of their own", name, read, end/step)
		}
	}
}

// says reports whether the whole report has the metric of its part. A table of
// one row has a value, of several rows samples: the row's are the first of them.
func says(whole, part testreport.Report, m testreport.Metric) bool {
	if m.Invalid != "" {
		return true
	}
	return slices.ContainsFunc(whole.Metrics, func(w testreport.Metric) bool {
		w.Source.SHA256 = part.SHA256
		if len(m.Samples) < len(w.Samples) {
			w.Samples = w.Samples[:len(m.Samples)]
		}
		if cmp.Equal(w, m) {
			return true
		}
		only := slices.Equal(m.Samples, w.Samples) && (w.Name == m.Name || slices.Contains(m.Aliases, w.Name))
		return only && (len(m.Samples) > 0 || m.Value == w.Value || part.Format == "csv" || part.Format == "nvidia-smi")
	})
}
