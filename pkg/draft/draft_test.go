package draft_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/draft"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/survey"
)

var update = flag.Bool("update", false, "write what is drafted into the layouts")

// wanted begins the name of what a layout expects, behind the project's files.
const wanted = "want: "

// layout makes the folder that an archive describes. Its comment may say where
// the project stands, and name files of testdata that are copied into it.
func layout(t *testing.T, archive *txtar.Archive) (dir string, at draft.Place) {
	t.Helper()
	dir, at = t.TempDir(), draft.Place{Folder: "project"}
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, wanted) {
			write(t, filepath.Join(dir, f.Name), f.Data)
		}
	}
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		from, to, _ := strings.Cut(rest, " ")
		switch source := filepath.Join("..", "..", "testdata", from); word {
		case "remote":
			at.Remote = rest
		case "commit":
			at.Commit = true
		case "branches":
			at.Branches = strings.Fields(rest)
		case "below":
			at.Below = rest
		case "copy":
			data, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, to), data)
		case "copydir":
			if err := os.CopyFS(filepath.Join(dir, to), os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir, at
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC) // none is older than another
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestLayouts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d layouts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir, at := layout(t, archive)
			got := drafted(t, dir, at)
			if *update {
				rewrite(t, file, archive, got)
			}
			want := make(map[string]string)
			for _, f := range archive.Files {
				if name, ok := strings.CutPrefix(f.Name, wanted); ok {
					want[name] = string(f.Data)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("drafted (-want +got), -update accepts:\n%s", diff)
			}
		})
	}
}

// drafted is what a folder is told: the files, or why there are none. Each file is
// read by whoever reads it later.
func drafted(t *testing.T, dir string, at draft.Place) map[string]string {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	seen, err := survey.Look(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	d, err := draft.New(seen, at)
	if err != nil {
		if !errors.Is(err, draft.ErrNothing) || len(hint.Of(err)) == 0 {
			t.Errorf("%v, hints %q; want ErrNothing and a hint", err, hint.Of(err))
		}
		return map[string]string{"error": err.Error() + "\n" + strings.Join(hint.Of(err), "\n") + "\n"}
	}
	c, err := config.Parse("ai-ship.yaml", []byte(d.Config), func(string) string { return "" })
	if err != nil {
		t.Errorf("the config cannot be read: %v\n%s", err, d.Config)
		return nil
	}
	for _, from := range append(append([]config.Copy{}, c.App...), c.Models...) {
		exists(t, dir, from.From)
	}
	for name, text := range map[string]string{"workflow": d.Workflow, "gitlab": d.GitLab} {
		var parsed any
		if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
			t.Errorf("the %s is no YAML: %v\n%s", name, err, text)
		}
	}
	return map[string]string{
		"ai-ship.yaml": d.Config, at.WorkflowFile(): d.Workflow, ".gitlab-ci.yml": d.GitLab,
		"said": strings.Join(d.Found, "\n") + "\n--\n" + strings.Join(d.Builds, "\n") + "\n--\n" + strings.Join(d.Todo, "\n") + "\n",
	}
}

// exists fails the test for a path that the config takes and that neither is
// there nor is built.
func exists(t *testing.T, dir, from string) {
	t.Helper()
	if strings.HasPrefix(from, "build/") || strings.ContainsAny(from, "*{") {
		return
	}
	if _, err := os.Stat(filepath.Join(dir, from)); errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the config takes %q, which is not there", from)
	}
}

func rewrite(t *testing.T, file string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	var kept []txtar.File
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, wanted) {
			kept = append(kept, f)
		}
	}
	for _, name := range []string{"ai-ship.yaml", ".github/workflows/ship.yml", ".github/workflows/ship-services-ranker.yml", ".gitlab-ci.yml", "said", "error"} {
		if text, ok := got[name]; ok {
			kept = append(kept, txtar.File{Name: wanted + name, Data: []byte(text)})
		}
	}
	archive.Files = kept
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
