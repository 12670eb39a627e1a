package source_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/source"
)

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("git is not installed: %v", err)
	}
	cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCheckout(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := source.Find(dir); err != nil || c.Top != "" {
		t.Errorf("outside of any repository: %+v, %v", c, err)
	}
	for _, name := range []string{"same", "edited", "touched", "removed", "sub/edited", "short"} {
		put(t, filepath.Join(dir, name), "content of "+name)
	}
	gitIn(t, dir, "init", "-q")
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-qm", "first")
	gitIn(t, dir, "branch", "develop")
	gitIn(t, dir, "update-ref", "refs/remotes/origin/release/1", "HEAD")

	c, err := source.Find(filepath.Join(dir, "sub"))
	if err != nil || c.Top != dir || !slices.Equal(c.Branches, []string{"develop", "main", "release/1"}) {
		t.Errorf("found %+v, %v", c, err)
	}
	if changed, err := c.Changed(t.Context()); err != nil || len(changed) > 0 {
		t.Errorf("changed %q, %v in a fresh checkout", changed, err)
	}
	put(t, filepath.Join(dir, "edited"), "CONTENT of edited") // of the same size
	put(t, filepath.Join(dir, "sub/edited"), "CONTENT of sub/edited")
	put(t, filepath.Join(dir, "short"), "")
	put(t, filepath.Join(dir, "new"), "not tracked")
	later := time.Now().Add(time.Hour)
	for _, name := range []string{"touched", "edited", "sub/edited"} {
		if err := os.Chtimes(filepath.Join(dir, name), later, later); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "removed")); err != nil {
		t.Fatal(err)
	}
	changed, err := c.Changed(t.Context())
	if want := []string{"edited", "removed", "short", "sub/edited"}; err != nil || !slices.Equal(changed, want) {
		t.Errorf("changed %q, %v, want %q", changed, err, want)
	}

	linked := filepath.Join(t.TempDir(), "linked")
	gitIn(t, dir, "worktree", "add", "-q", linked, "develop")
	if c, err := source.Find(linked); err != nil || filepath.Base(c.Top) != "linked" || len(c.Branches) != 3 {
		t.Errorf("a linked worktree is %+v, %v", c, err)
	}
}
