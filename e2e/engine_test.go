//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engine is a Docker engine: the machine's, or one of this run's own.
type engine struct {
	docker string // the client program
	host   string // DOCKER_HOST; "" is the client's default
	own    *server
	dir    string // of own
}

// startEngine takes the engine that answers, or else starts one in dir, which
// takes root.
func startEngine(dir string) (*engine, error) {
	e := &engine{host: os.Getenv("DOCKER_HOST")}
	var err error
	if e.docker, err = exec.LookPath("docker"); err != nil {
		return nil, fmt.Errorf("docker is not installed: %w", err)
	}
	refused := errors.New("DOCKER_HOST is another machine, which does not see this one's loopback")
	if e.host == "" || strings.HasPrefix(e.host, "unix://") {
		refused = e.answers()
	}
	if refused == nil {
		return e, nil
	}
	program, err := exec.LookPath("dockerd")
	switch {
	case err != nil:
		return nil, fmt.Errorf("no Docker engine answers (%w) and dockerd is not installed: %w", refused, err)
	case os.Geteuid() != 0:
		return nil, fmt.Errorf("no Docker engine answers (%w) and only root can start one", refused)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	e.dir = dir
	e.host = "unix://" + filepath.Join(dir, "docker.sock")
	// Without a bridge and a firewall the engine leaves the machine's network
	// alone; containers share the host's.
	e.own, err = start(exec.Command(program, "--host", e.host,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"),
		"--bridge=none", "--iptables=false", "--ip6tables=false"), filepath.Join(dir, "dockerd.log"))
	if err != nil {
		return nil, err
	}
	if err := e.own.until(2*startTime, func() bool { return e.answers() == nil }); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

func (e *engine) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := output(ctx, e.docker, e.args("version", "--format", "{{.Server.Version}}")...)
	return err
}

func (e *engine) args(args ...string) []string {
	if e.host == "" {
		return args
	}
	return append([]string{"--host", e.host}, args...)
}

func (e *engine) stop() error {
	if e == nil || e.own == nil {
		return nil
	}
	err := e.own.stop()
	// The engine leaves the host's network mounted here, so that the folder
	// could not be removed.
	mounts, globErr := filepath.Glob(filepath.Join(e.dir, "exec/netns/*"))
	for _, mount := range mounts {
		if wrong := syscall.Unmount(mount, syscall.MNT_DETACH); wrong != nil && !errors.Is(wrong, syscall.EINVAL) {
			err = errors.Join(err, fmt.Errorf("unmounting %q: %w", mount, wrong))
		}
	}
	return errors.Join(err, globErr)
}

// needEngine is the engine, or the end of the test.
func needEngine(t *testing.T) *engine {
	t.Helper()
	e, err := shared.engine()
	if err != nil {
		missing(t, err.Error())
	}
	return e
}

// run is a docker command that has to succeed.
func (e *engine) run(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, e.docker, e.args(args...)...)
}

// forget takes an image out of the engine when the test ends, so that the next
// test's pull is one.
func (e *engine) forget(t *testing.T, ref string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := output(context.Background(), e.docker, e.args("rmi", "--force", ref)...); err != nil {
			t.Log(err)
		}
	})
}

// pull fetches an image for the rest of the test.
func (e *engine) pull(t *testing.T, ref string) {
	t.Helper()
	e.run(t, "pull", "--quiet", ref)
	e.forget(t, ref)
}

// serve runs an image in the background until the test ends.
func (e *engine) serve(t *testing.T, args ...string) {
	t.Helper()
	id := e.run(t, append([]string{"run", "--detach", "--network", "host"}, args...)...)
	e.remove(t, id)
	t.Cleanup(func() {
		if t.Failed() {
			// The client splits what the container printed onto both streams.
			log, err := exec.Command(e.docker, e.args("logs", id)...).CombinedOutput()
			t.Logf("the container printed (%v):\n%s", err, log)
		}
	})
}

// remove takes a container out of the engine when the test ends.
func (e *engine) remove(t *testing.T, id string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := output(context.Background(), e.docker, e.args("rm", "--force", id)...); err != nil {
			t.Error(err)
		}
	})
}
