package cli_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/internal/faultproxy"
	"github.com/org/ai-ship/pkg/internal/runner"
	"github.com/org/ai-ship/pkg/report"
)

// killed is when a step has to have ended after the first signal: GitHub's
// runner waits 7.5 s.
const killed = 7 * time.Second

// TestInterruptedStepReports cancels steps of the real program as GitHub does, at
// each part of a run that waits for a registry which does not answer any more.
func TestInterruptedStepReports(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ai-ship")
	if out, err := exec.Command("go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("building ai-ship: %v\n%s", err, out)
	}
	for _, test := range []struct {
		name, method, path string
		stage              string // that the report has last
	}{
		{"before the plan", http.MethodGet, `/tags/list`, ""},
		{"before a blob", http.MethodPost, `/blobs/uploads`, "publish"},
		{"while a blob is sent", http.MethodPut, `/blobs/`, "publish"},
		{"while the image is named", http.MethodPut, `/manifests/sha256`, "publish"},
		{"while a tag moves", http.MethodPut, `/manifests/1\.0\.0`, "tag"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, r := newFolder(t), newFrontier(t)
			f.write("weights.bin", strings.Repeat("0123456789abcdef", 4<<20))
			f.write("ai-ship.yaml", "image: ghcr.io/acme/digits\nbase: scratch\nversion: 1.0.0\napp: [src]\nmodels: [weights.bin]\n")
			reached := make(chan struct{}, 100)
			r.breaks(faultproxy.Rule{
				Method: test.method, Path: regexp.MustCompile(test.path), Do: faultproxy.First(func() { reached <- struct{}{} }, faultproxy.Hold()),
			})
			done, took := f.cancelled(program, reached, "run", "--registry", r.host, "--channel", "staging")
			if done.Exit != 130 || took > killed {
				t.Errorf("exit %d after %s\n%s", done.Exit, took, strings.Join(done.Log, "\n"))
			}
			if !strings.Contains(done.Summary, "FAILED") || done.Outputs["exit"] != "130" || done.Outputs["passed"] != "false" || done.Open != 0 || len(done.Annotations) != 1 {
				t.Errorf("outputs %q, %d groups open, remarks %q, summary:\n%s", done.Outputs, done.Open, done.Annotations, done.Summary)
			}
			file, err := os.Open(filepath.Join(f.dir, "ai-ship-out", report.JSONFile))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			written, err := report.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			last := ""
			if n := len(written.Stages); n > 0 {
				last = written.Stages[n-1].Name
			}
			if written.Exit != 130 || written.Error == "" || last != test.stage {
				t.Errorf("the report has exit %d, error %q, stages %+v", written.Exit, written.Error, written.Stages)
			}
			if got := r.digest("staging"); got != "" {
				t.Errorf("staging points to %s", got)
			}
			t.Logf("ended %s after the signal", took.Round(time.Millisecond))
		})
	}
}

// cancelled runs a program as a step. It sends SIGINT and then SIGTERM when the
// registry is reached, and says how long the step took from there.
func (f folder) cancelled(program string, reached <-chan struct{}, args ...string) (runner.Result, time.Duration) {
	f.t.Helper()
	began := make(chan time.Time, 1)
	step := runner.Step{
		Workspace: f.dir, Temp: f.t.TempDir(), Env: onDevelop(),
		Started: func(process *os.Process) {
			go func() {
				select {
				case <-reached:
					time.Sleep(200 * time.Millisecond) // until it hangs
				case <-time.After(time.Minute):
					f.t.Error("the registry was not reached")
				}
				began <- time.Now()
				_ = process.Signal(syscall.SIGINT)
				time.Sleep(time.Second)
				_ = process.Signal(syscall.SIGTERM) // it may have ended
			}()
		},
	}
	done, err := runner.Run(f.t.Context(), append([]string{program}, args...), step)
	if err != nil {
		f.t.Fatal(err)
	}
	return done, time.Since(<-began)
}
