//go:build linux

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestLargeModelNeedsNeitherMemoryNorDisk(t *testing.T) {
	const (
		model   = 1 << 30  // bytes
		maxPeak = 64 << 20 // bytes beyond what the program takes to say its version
		maxDisk = 1 << 20  // bytes
	)
	r := startRegistry(t, account{})
	p := newProject(t, map[string]string{"ai-ship.yaml": `image: ghcr.io/acme/huge
base: scratch
version: 1.0.0
app: [src]
models: [weights.bin]
`, "src/main.py": "print()\n"})
	p.random(t, "weights.bin", model, 4)
	temp, home := t.TempDir(), t.TempDir()
	p.env = []string{"TMPDIR=" + temp, "HOME=" + home, "XDG_CACHE_HOME=" + home}

	got := p.ship(t, "--registry", r.host, "--channel", "staging")
	if sent := got.report.Transfer.Uploaded; sent < model || sent > model+maxDisk {
		t.Errorf("uploaded %d bytes of a model of %d", sent, model)
	}
	// The kernel counts what this process had at the fork, too: an upper bound.
	peak := (got.usage.Maxrss - p.idle(t)) << 10
	t.Logf("peak memory %d MiB, %d beyond an idle program's, %d KiB written to disk", got.usage.Maxrss>>10, peak>>20, got.usage.Oublock>>1)
	if peak >= maxPeak {
		t.Errorf("peak memory is %d MiB beyond an idle program's, want less than %d", peak>>20, maxPeak>>20)
	}
	// Blocks of 512 bytes, whichever file they went to, also a deleted one.
	if written := got.usage.Oublock << 9; written >= maxDisk {
		t.Errorf("wrote %d KiB to disk, want less than %d", written>>10, maxDisk>>10)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%s holds %v (%v), want nothing", temp, left, err)
	}
	// The key that seals what the project keeps is all that stays in the home.
	if left, err := filepath.Glob(filepath.Join(home, "*", "*")); err != nil || len(left) > 1 || len(left) == 1 && filepath.Base(left[0]) != "state.key" {
		t.Errorf("%s holds %v (%v), want a key at most", home, left, err)
	}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > maxDisk && path != p.path("weights.bin") {
			t.Errorf("%s has %d bytes", path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r.accepted(t, "acme/huge", "staging", true)
	p.again(t, got, "--registry", r.host, "--channel", "staging")
}

// idle is the peak memory, in KiB, of a program that does nothing: its pages
// and what the scanner's engine sets up when it is loaded.
func (p project) idle(t *testing.T) int64 {
	t.Helper()
	cmd := p.command(t, "version")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ai-ship version: %v\n%s", err, out)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
