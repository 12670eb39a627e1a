package modelfile_test

import (
	"cmp"
	"encoding/json/v2"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/modelfile"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const models = "../../../testdata/models"

// TestBenignFiles scans what real packages wrote as one image: each file is
// exactly what it is known to be (testdata/benign.txt; numbers of parameters as
// the packages count them, testdata/models/parameters.json), and the policy that
// holds without being written refuses none but plain pickles.
func TestBenignFiles(t *testing.T) {
	files := benignFiles(t)
	found, err := modelfile.Scanner{}.Scan(t.Context(), scan.Target{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	counts := parameters(t)
	const least = 60
	counted := 0
	var lines []string
	for _, m := range found.Inventory {
		own := of(found, m)
		refused := refusal(own)
		if (refused != "") != plainPickle(m) {
			t.Errorf("%s (%s): refused by %q", m.Path, m.Format, refused)
		}
		if want, ok := counts[m.Path]; ok && want != m.Parameters {
			t.Errorf("%s: %d parameters, the package that reads it counts %d", m.Path, m.Parameters, want)
		}
		delete(counts, m.Path)
		if m.Format != "json" && refused == "" && !strings.HasSuffix(m.Path, "/fingerprint.pb") {
			counted++
		}
		lines = append(lines, line(m, own))
	}
	for path := range counts {
		t.Errorf("%s is no model file", path)
	}
	for _, f := range found.Models {
		if f.Severity >= scan.High {
			t.Errorf("%s: %s %s", f.Path, f.ID, f.Calls)
		}
	}
	for _, i := range found.Incomplete {
		if !strings.HasSuffix(i.Path, ".joblib") {
			t.Errorf("%s: %s", i.Path, i.Detail)
		}
	}
	for _, name := range []string{"xgboost.json", "xgboost.ubj", "lightgbm.txt", "catboost.cbm", "catboost.json"} {
		name = "exports/" + name
		if !slices.ContainsFunc(files, func(f scan.File) bool { return f.Path == name }) ||
			slices.ContainsFunc(found.Inventory, func(m scan.Model) bool { return m.Path == name }) {
			t.Errorf("%s is not there, or is known, against docs/scan.md", name)
		}
	}
	t.Logf("%d benign model files pass, of %d that are known and %d in all", counted, len(found.Inventory), len(files))
	if counted < least {
		t.Errorf("%d benign model files, want %d", counted, least)
	}
	golden(t, "testdata/benign.txt", strings.Join(lines, "\n")+"\n")
}

// benignFiles are the files of testdata/models but the ones that are named for
// what they do.
func benignFiles(t *testing.T) []scan.File {
	t.Helper()
	var files []scan.File
	err := filepath.WalkDir(models, func(path string, entry fs.DirEntry, err error) error {
		// pickled.pkl is tensors by plain pickle: storages that are pickles in bytes.
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "evil") || entry.Name() == "pickled.pkl" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(models, path)
		if err != nil || !strings.Contains(name, string(filepath.Separator)) {
			return err
		}
		files = append(files, scan.File{Path: filepath.ToSlash(name), Size: info.Size(),
			Open: func() (scan.Content, error) { return os.Open(path) }})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// parameters are the numbers that the packages count.
func parameters(t *testing.T) map[string]int64 {
	t.Helper()
	text, err := os.ReadFile(models + "/parameters.json")
	if err != nil {
		t.Fatal(err)
	}
	var counts map[string]int64
	if err := json.Unmarshal(text, &counts); err != nil || len(counts) < 40 {
		t.Fatalf("%d counts: %v", len(counts), err)
	}
	return counts
}

// of is what was found in m alone.
func of(all scan.Findings, m scan.Model) scan.Findings {
	own := scan.Findings{Ran: true, Inventory: []scan.Model{m}}
	for _, f := range all.Models {
		if f.Path == m.Path || strings.HasPrefix(f.Path, m.Path+"!") {
			own.Models = append(own.Models, f)
		}
	}
	for _, i := range all.Incomplete {
		if i.Path == m.Path {
			own.Incomplete = append(own.Incomplete, i)
		}
	}
	return own
}

// refusal is why the policy that holds without being written refuses; empty when
// it does not.
func refusal(f scan.Findings) string {
	verdict := gate.Evaluate(gate.Policy{Scan: &gate.Scan{Models: gate.Models{FailOn: scan.High}}}, gate.Evidence{Findings: f})
	for _, r := range verdict.Results {
		if r.Outcome == gate.Refused {
			return r.Reason
		}
	}
	return ""
}

// plainPickle reports whether m is refused for being what it is. joblib's xz and
// lzma are not unpacked.
func plainPickle(m scan.Model) bool {
	return m.Format == "pickle" || m.Format == "joblib" || m.Format == "archive" && strings.HasSuffix(m.Path, ".joblib")
}

// line is what is known of a file: format, framework, version, architecture,
// dtypes, parameters, quantisation, licence and its worst risk, "-" where there
// is none.
func line(m scan.Model, own scan.Findings) string {
	worst := "-"
	if len(own.Models) > 0 {
		f := slices.MaxFunc(own.Models, func(a, b scan.Finding) int { return cmp.Compare(a.Severity, b.Severity) })
		worst = f.Severity.String() + " " + f.ID
	}
	fields := []string{m.Path, m.Format, m.Framework, m.Version, m.Architecture, strings.Join(m.Dtypes, " "), fmt.Sprint(m.Parameters), m.Quantisation, m.License, worst}
	for i, f := range fields {
		fields[i] = cmp.Or(f, "-")
	}
	return strings.Join(fields, " | ")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update:\n%s", path, diff)
	}
}
