//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	require  = "require" // what AI_SHIP_E2E says where nothing may be skipped
	cacheDir = "ai-ship-e2e"
	crane    = "github.com/google/go-containerregistry/cmd/crane"
	// ours and crane are compiled in this time, also with no build cache.
	buildTime = 20 * time.Minute
)

// machine is what the tests share: programs built once, and servers that are
// started by the first test that asks. TestMain makes and ends it.
type machine struct {
	dir    string // for all of this run; others may enter it
	repo   string // the checkout
	engine func() (*engine, error)
	debian func() (debian, error)
	peers  peers
}

// shared is set once, before any test.
var shared *machine

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "ai-ship-e2e-")
	if err != nil {
		return complain(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			code = max(code, complain(err))
		}
	}()
	if shared, err = newMachine(dir); err != nil {
		return complain(err)
	}
	var running *engine
	shared.engine = sync.OnceValues(func() (_ *engine, err error) {
		running, err = startEngine(filepath.Join(dir, "engine"))
		return running, err
	})
	shared.debian = sync.OnceValues(func() (debian, error) { return makeDebian(shared) })
	defer func() {
		if err := running.stop(); err != nil {
			code = max(code, complain(err))
		}
	}()
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
	return 1
}

// database is the archive of the fixture database.
func (m *machine) database() string { return filepath.Join(m.dir, "trivy-db.tar.gz") }

func newMachine(dir string) (*machine, error) {
	// MkdirTemp lets only its owner in, but one test runs as somebody else.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	repo, err := filepath.Abs("..")
	if err != nil {
		return nil, err
	}
	m := &machine{dir: dir, repo: repo, peers: peers{built: make(map[string]error)}}
	if err := m.compile("", ".", "./testdata/digits/serve", "./testdata/digits/evaluate", "./testdata/vulndb/publish", crane); err != nil {
		return nil, err
	}
	// The example's gates need a vulnerability database; tests bring a small one.
	cmd := exec.Command(m.program("publish"), "-advisories", filepath.Join(repo, "testdata", "vulndb"), "-out", m.database())
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making the vulnerability database: %w\n%s", err, out)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if err := m.compile(arch, "./e2e/testdata/hello"); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// compile builds commands into bin, or into bin/arch for another architecture.
func (m *machine) compile(arch string, packages ...string) error {
	return m.compileIn(m.repo, m.program(arch), arch, packages...)
}

// compileIn builds commands of the module in dir into the folder out.
func (m *machine) compileIn(dir, out, arch string, packages ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	// -s -w halve the files, which the tests copy about.
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out + "/"}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if arch != "" {
		cmd.Env = append(cmd.Env, "GOARCH="+arch)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s in %s: %w\n%s", strings.Join(packages, ", "), dir, err, said)
	}
	return nil
}

// program is the path of a command that compile has built.
func (m *machine) program(names ...string) string {
	return filepath.Join(append([]string{m.dir, "bin"}, names...)...)
}

// missing ends the test: skipped, or failed where AI_SHIP_E2E=require.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("AI_SHIP_E2E") == require {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// need is the path of a program that has to be installed.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, fmt.Sprintf("%s is not installed: %v", name, err))
	}
	return path
}

// must runs a program that has to succeed and returns what it printed.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// output is standard output; an error has the other stream in it.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// server is a process that runs until it is stopped.
type server struct {
	name string
	cmd  *exec.Cmd
	log  string // file with all that it printed
	done chan struct{}
}

// start runs cmd as a server that also ends when this process is killed.
func start(cmd *exec.Cmd, log string) (*server, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{name: filepath.Base(cmd.Path), cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(s.done)
	}()
	return s, nil
}

// until waits for ready, and fails when the process ends before.
func (s *server) until(within time.Duration, ready func() bool) error {
	deadline := time.After(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-s.done:
			return fmt.Errorf("%s ended: %s", s.name, s.tail())
		case <-deadline:
			return fmt.Errorf("%s was not ready within %s: %s", s.name, within, s.tail())
		case <-tick.C:
		}
	}
	return nil
}

func (s *server) tail() string {
	const length = 2000 // bytes
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-length):])
}

// stop asks the process to end, and ends it when it does not within 20 s.
func (s *server) stop() error {
	const patience = 20 * time.Second
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return nil //nolint:nilerr // it ended by itself
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("stopping %s: it went on for %s; killing it: %w", s.name, patience, s.cmd.Process.Kill())
	}
}
