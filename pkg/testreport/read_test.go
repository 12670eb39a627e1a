package testreport_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/testreport"
)

// project writes files into a directory, which it returns with its root.
func project(t *testing.T, files map[string]string) (string, *os.Root) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return dir, root
}

func TestRead(t *testing.T) {
	_, root := project(t, map[string]string{
		"reports/b.xml":            `<testsuite><testcase name="a" time="1"/></testsuite>`,
		"reports/a.json":           `{"a": 1}`,
		"reports/deep/er/c.json":   `{"c": 1}`,
		"reports/dir.json/x.txt":   `no report`,
		"reports/other/notes.txt":  `no report`,
		"reports/[odd] name.json2": `{"o": 1}`,
	})
	for _, tc := range []struct{ patterns, want []string }{
		{nil, nil},
		{[]string{"reports/*.xml", "reports/*.json"}, []string{"reports/a.json", "reports/b.xml"}},
		{[]string{"reports/**/*.json", "./reports//a.json", "reports/{a,b}.*"}, []string{"reports/a.json", "reports/b.xml", "reports/deep/er/c.json"}},
		{[]string{`reports/\[odd\]*`}, []string{"reports/[odd] name.json2"}},
	} {
		reports, err := testreport.Read(t.Context(), root, tc.patterns)
		if err != nil {
			t.Fatalf("Read(%q): %v", tc.patterns, err)
		}
		var got []string
		for _, r := range reports {
			got = append(got, r.Path)
			if r.Modified.IsZero() || r.Metrics[0].Source.File != r.Path {
				t.Errorf("report %q: modified %v, source %v", r.Path, r.Modified, r.Metrics[0].Source)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("Read(%q) = %q, want %q", tc.patterns, got, tc.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	dir, root := project(t, map[string]string{
		"reports/a.json":     `{"a": 1}`,
		"reports/broken.xml": `<html/>`,
		"../secret.json":     `{"secret": 1}`,
		"../out/secret.json": `{"secret": 1}`,
	})
	for link, target := range map[string]string{"link.json": "../../secret.json", "out": "../../out", "dangling.json": "nothing"} {
		if err := os.Symlink(target, filepath.Join(dir, "reports", link)); err != nil {
			t.Skip(err)
		}
	}
	const outside = "path escapes from parent"
	for pattern, want := range map[string]string{
		"reports/*.txt":         `looking for reports "reports/*.txt": matches no file`,
		"reports":               `looking for reports "reports": matches no file`,
		"missing.json":          `looking for reports "missing.json": matches no file`,
		"":                      `looking for reports "": is empty; expected a path or a pattern such as reports/*.xml`,
		"/etc/*.json":           `looking for reports "/etc/*.json": is absolute; expected a path inside the project`,
		"../secret.json":        `looking for reports "../secret.json": has a ".." segment; expected a path inside the project`,
		"reports/../*.json":     `looking for reports "reports/../*.json": has a ".." segment; expected a path inside the project`,
		"{reports,..}/*.json":   `looking for reports "{reports,..}/*.json": has a ".." segment; expected a path inside the project`,
		"reports/[":             `looking for reports "reports/[": syntax error in pattern`,
		"reports/broken.xml":    `reading report "reports/broken.xml": line 1: is XML with root "html", expected testsuites, testsuite or coverage`,
		"reports/li*.json":      outside,
		"reports/link.json":     outside,
		"reports/out/*.json":    outside,
		"reports/out/secret.*":  outside,
		"reports/dangling.json": `looking for reports "reports/dangling.json": matches no file`,
	} {
		reports, err := testreport.Read(t.Context(), root, []string{"reports/a.json", pattern})
		if err == nil || !strings.Contains(err.Error(), want) || (want != outside && err.Error() != want) {
			t.Errorf("Read(%q): %v, want %s", pattern, err, want)
		}
		if reports != nil {
			t.Errorf("Read(%q) returns reports beside its error", pattern)
		}
		if is := errors.Is(err, testreport.ErrNoReport); is != strings.HasSuffix(want, "no file") || is != (len(hint.Of(err)) == 1) {
			t.Errorf("Read(%q): errors.Is ErrNoReport is %v, hints %q", pattern, is, hint.Of(err))
		}
	}
}

func TestReadReportsAllProblems(t *testing.T) {
	_, root := project(t, map[string]string{"a.json": "", "b.json": "x"})
	_, err := testreport.Read(t.Context(), root, []string{"*.json", "*.xml"})
	want := `looking for reports "*.xml": matches no file
reading report "a.json": is empty
reading report "b.json": holds text that begins with "x"; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log`
	if err == nil || err.Error() != want {
		t.Errorf("Read: %v\nwant %s", err, want)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	_, root := project(t, map[string]string{"a.json": `{"a": 1}`})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := testreport.Read(ctx, root, []string{"a.json"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v, want context.Canceled", err)
	}
}

func TestReadFileReportsReadErrors(t *testing.T) {
	_, err := testreport.ReadFile("a.json", failing{}, written)
	if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(err.Error(), `reading report "a.json": `) {
		t.Errorf("ReadFile: %v", err)
	}
}

// A body that was cut off on its way is no whole report, though it may be JSON.
func TestReadFileReportsCutStreams(t *testing.T) {
	_, err := testreport.ReadFile("a.json", io.MultiReader(strings.NewReader(`{"a": 1}`), iotest.ErrReader(io.ErrUnexpectedEOF)), written)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadFile: %v", err)
	}
}

// A file is refused by its size, before anything of it is read.
func TestReadRefusesLargeFiles(t *testing.T) {
	dir, root := project(t, map[string]string{"a.json": `{"a": 1}`})
	if err := os.Truncate(filepath.Join(dir, "a.json"), 1<<30); err != nil {
		t.Skip(err)
	}
	_, err := testreport.Read(t.Context(), root, []string{"a.json"})
	if want := `reading report "a.json": is larger than 32 MiB`; err == nil || err.Error() != want {
		t.Errorf("Read: %v, want %s", err, want)
	}
}

// Whatever the sizes of its parts, a stream is read whole.
func TestReadFileOfStreams(t *testing.T) {
	for _, size := range []int{1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 4<<20 + 1, testreport.MaxSize} {
		if testing.Short() && size > 1<<20 {
			continue
		}
		text := `{"a": 1}`
		text += strings.Repeat(" ", max(0, size-len(text)))
		report, err := testreport.ReadFile("a.json", iotest.DataErrReader(strings.NewReader(text)), written)
		if sum := sha256.Sum256([]byte(text)); err != nil || report.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%d bytes: %v, digest %s", size, err, report.SHA256)
		}
	}
}

// What a tool appended run after run is refused, with the way out.
func TestReadFileHintsAtSeveralRuns(t *testing.T) {
	_, err := testreport.ReadFile("a.json", strings.NewReader("{\"a\": 1}\n{\"a\": 2}\n"), written)
	if got := hint.Of(err); len(got) != 1 || !strings.Contains(got[0], "--append-result") {
		t.Errorf("ReadFile: %v, hints %q", err, got)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fs.ErrPermission }

// The verdict of the last run is no report of this one.
func TestReadLeavesOwnOutputsOut(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ai-ship-out/gates.xml": `<testsuite name="ai-ship.gates" tests="1"><testcase name="size"><failure/></testcase></testsuite>`,
		"reports/r.xml":         `<testsuite tests="1"><testcase name="a"/></testsuite>`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for pattern, want := range map[string]string{"**/*.xml": "reports/r.xml", "ai-ship-out/*.xml": "ai-ship-out/gates.xml"} {
		reports, err := testreport.Read(t.Context(), root, []string{pattern})
		if err != nil || len(reports) != 1 || reports[0].Path != want {
			t.Errorf("%s: %+v, %v, want %s alone", pattern, reports, err, want)
		}
	}
}
