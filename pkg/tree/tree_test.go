package tree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/tree"
)

// project lays out files; a value that begins with "-> " makes a symlink, and
// one that is "pipe" a named pipe.
func project(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch target, link := strings.CutPrefix(text, "-> "); {
		case link:
			err = os.Symlink(target, path)
		case text == "pipe":
			err = syscall.Mkfifo(path, 0o644)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func TestFiles(t *testing.T) {
	files := map[string]string{
		"src/main.py":               "x",
		"src/pkg/a.py":              "x",
		"src/pkg/__pycache__/a.pyc": "x",
		"src/.env":                  "SECRET=1",
		"src/link.py":               "-> main.py",
		"src/pkg/up.py":             "-> ../main.py",
		"models/a.safetensors":      "x",
		"models/b.safetensors":      "x",
		"models/deep/c.safetensors": "x",
		"models/config.json":        "{}",
		"hub/blobs/123":             "x",
		"hub/snapshots/1/w.bin":     "-> ../../blobs/123",
		".git/config":               "x",
		"docs/x.md":                 "x",
	}
	for _, tc := range []struct {
		name   string
		copy   tree.Copy
		ignore string
		want   []string
	}{
		{"directory", tree.Copy{From: "src", To: "/app"}, "",
			[]string{"app/link.py -> main.py", "app/main.py", "app/pkg/a.py", "app/pkg/up.py -> ../main.py"}},
		{"file", tree.Copy{From: "src/main.py", To: "/app"}, "", []string{"app/main.py"}},
		{"file into the root", tree.Copy{From: "src/main.py", To: "/"}, "", []string{"main.py"}},
		{"named link", tree.Copy{From: "src/link.py", To: "/app"}, "", []string{"app/link.py"}},
		{"glob", tree.Copy{From: "models/*.safetensors", To: "/m"}, "", []string{"m/a.safetensors", "m/b.safetensors"}},
		{"deep glob", tree.Copy{From: "models/**/*.safetensors", To: "/m"}, "",
			[]string{"m/a.safetensors", "m/b.safetensors", "m/deep/c.safetensors"}},
		{"whole project", tree.Copy{From: ".", To: "/app"}, "hub\nsrc\nmodels", []string{"app/docs/x.md"}},
		{"ignored", tree.Copy{From: "src", To: "/app"}, "src/pkg\n**/link.py", []string{"app/main.py"}},
		{"taken back", tree.Copy{From: "src", To: "/app"}, "src/*\n!src/.env", []string{"app/.env"}},
		{"models are not ignored", tree.Copy{From: "models", To: "/m", Model: true}, "models",
			[]string{"m/a.safetensors", "m/b.safetensors", "m/config.json", "m/deep/c.safetensors"}},
		{"model links are followed", tree.Copy{From: "hub/snapshots/1", To: "/m", Model: true}, "", []string{"m/w.bin"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files[".dockerignore"] = tc.ignore
			tr, err := tree.New(project(t, files))
			if err != nil {
				t.Fatal(err)
			}
			got, err := tr.Files(tc.copy)
			if err != nil {
				t.Fatal(err)
			}
			var paths []string
			for _, f := range got {
				p := f.Path
				if f.Mode&fs.ModeSymlink != 0 {
					p += " -> " + f.Link
				}
				paths = append(paths, p)
			}
			if diff := cmp.Diff(tc.want, paths); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesRefuses(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"up/a/b/top": "-> ../..", "up/a/b/out": "-> top/../passwd",
		"src/main.py": "x", "src/sub/out.py": "-> ../../secret.py", "secret.py": "x",
		"abs/link": "-> " + outside, "pipes/p": "pipe", "door": "-> " + filepath.Dir(outside), "ignored/x": "x",
		".aishipignore": "ignored",
	}
	for _, tc := range []struct {
		from, want, hint string
		model            bool
	}{
		{"../x", "expected a path inside the project", "without ..", false},
		{"/etc/passwd", "expected a path inside the project", "without ..", false},
		{"src/../../x", "expected a path inside the project", "without ..", false},
		{"none", "no such file", "check the spelling", false},
		{"none/*.bin", "no file found", "check the spelling", false},
		{"src", `"src/sub/out.py" is a symlink to "../../secret.py"`, "copy the file itself", false},
		{"up", `"up/a/b/out" is a symlink to "top/../passwd"`, "copy the file itself", false}, // a/b/top is up itself
		{"abs", `outside of what is copied`, "copy the file itself", false},
		{"abs/link", "escapes from parent", "leads out of the project", false},
		{"abs", "escapes from parent", "leads out of the project", true},
		{"door/secret", "escapes from parent", "leads out of the project", false},
		{"pipes", "not a regular file", "", false},
		{"ignored", "all 1 of its files are left out", "!pattern", false},
	} {
		t.Run(tc.from, func(t *testing.T) {
			tr, err := tree.New(project(t, files))
			if err != nil {
				t.Fatal(err)
			}
			_, err = tr.Files(tree.Copy{From: tc.from, To: "/app", Model: tc.model})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.from) {
				t.Fatalf("Files: %v, want %q", err, tc.want)
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, tc.hint) {
				t.Errorf("hints %q, want %q", hints, tc.hint)
			}
		})
	}
}

func TestNewRefusesBadIgnoreFiles(t *testing.T) {
	for name, text := range map[string]string{
		"bad pattern": "a[",
		"too large":   strings.Repeat("x\n", 1<<19) + "x",
		"outside":     "-> /etc/passwd",
	} {
		if _, err := tree.New(project(t, map[string]string{".aishipignore": text})); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
