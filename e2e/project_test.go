//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/org/ai-ship/pkg/scan"
)

// document is the part of report.json that the tests look at.
type document struct {
	Passed bool
	Exit   int
	Error  string
	Hints  []string
	Image  string
	Digest string
	Tags   []string
	Layers []struct {
		Digest, MediaType, Kind, Origin, Platform string
		Size                                      int64
	}
	Transfer struct{ Uploaded, Mounted, Skipped, Read int64 }
	Gates    []struct {
		Name, Reason string
		Value        float64
		Passed       bool
		Source       struct{ File, Pointer string }
	}
	Findings scan.Findings
	Next     []string
}

// project is a folder with ai-ship.yaml.
type project struct {
	dir string
	env []string // beside the little that every run gets
	cmd func(*exec.Cmd)
}

// newProject writes files, by their path in the project, ai-ship.yaml too.
func newProject(t *testing.T, files map[string]string) project {
	t.Helper()
	p := project{dir: t.TempDir()}
	for path, content := range files {
		p.write(t, path, content)
	}
	return p
}

func (p project) path(name string) string { return filepath.Join(p.dir, name) }

func (p project) write(t *testing.T, path, content string) {
	t.Helper()
	writeFile(t, p.path(path), content)
}

// random writes a file of random bytes, 1 MiB at a time: the test's own memory
// counts towards the peak of the processes it starts.
func (p project) random(t *testing.T, path string, size int64, seed byte) {
	t.Helper()
	writeFile(t, p.path(path), "")
	file, err := os.Create(p.path(path))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	source := rand.NewChaCha8([32]byte{seed})
	block := make([]byte, 1<<20)
	for ; size > 0; size -= int64(len(block)) {
		block = block[:min(size, int64(len(block)))]
		_, _ = source.Read(block) // never fails
		if _, err := file.Write(block); err != nil {
			t.Fatal(err)
		}
	}
}

// result is how one run of ai-ship ended.
type result struct {
	code           int
	stdout, stderr string
	usage          *syscall.Rusage
	report         document
}

// command is ai-ship in an environment that does not depend on who runs the
// test: no CI, no home, no credentials.
func (p project) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shared.program("ai-ship"), args...)
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "AI_SHIP_SCAN_DB=" + shared.database()}, p.env...)
	if p.cmd != nil {
		p.cmd(cmd)
	}
	return cmd
}

// run is `ai-ship run` on the project, which may fail.
func (p project) run(t *testing.T, args ...string) result {
	t.Helper()
	cmd := p.command(t, append([]string{"run", "-c", p.path("ai-ship.yaml"), "--json"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	r := result{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	r.usage, _ = cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r.report); err != nil {
			t.Fatalf("the report on standard output: %v\n%s", err, stdout.String())
		}
	}
	return r
}

// ship is a run that has to succeed.
func (p project) ship(t *testing.T, args ...string) result {
	t.Helper()
	r := p.run(t, args...)
	if r.code != 0 || !r.report.Passed {
		t.Fatalf("ai-ship run %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stderr, r.stdout)
	}
	return r
}

// again is a second run of what was shipped: it moves nothing.
func (p project) again(t *testing.T, first result, args ...string) {
	t.Helper()
	second := p.ship(t, args...)
	if second.report.Digest != first.report.Digest || second.report.Transfer.Uploaded != 0 {
		t.Errorf("the second run uploaded %d bytes of %s, want none of %s",
			second.report.Transfer.Uploaded, second.report.Digest, first.report.Digest)
	}
	for _, l := range second.report.Layers {
		if l.Origin == "built" || l.Origin == "uploaded" {
			t.Errorf("the second run's %s layer %s is %s", l.Kind, l.Digest, l.Origin)
		}
	}
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
