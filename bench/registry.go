package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a server may take to answer for the first time.
const patience = 30 * time.Second

// daemon is a server process that belongs to one case.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// start runs a server with its output in a file, and waits until ready.
func start(ctx context.Context, dir string, ready func() bool, args ...string) (*daemon, error) {
	d := &daemon{log: filepath.Join(dir, filepath.Base(args[0])+".log"), done: make(chan struct{})}
	out, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	d.cmd = exec.Command(args[0], args[1:]...)
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.Dir = out, out, dir
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = d.cmd.Wait(); close(d.done) }()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ctx.Done():
		case <-d.done:
		default:
			if time.Now().Before(deadline) {
				continue
			}
		}
		d.stop()
		text, _ := os.ReadFile(d.log)
		return nil, fmt.Errorf("starting %s: not ready: %s", filepath.Base(args[0]), lastLine(text))
	}
	return d, nil
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// stop ends the server in its own way, or else by force.
func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		<-d.done
	}
}

// registry is a fresh docker-registry that holds the base and nothing else.
type registry struct {
	*daemon
	dir  string
	host string // 127.0.0.1:port
}

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: %s}
http: {addr: %s}
`

func (l *lab) startRegistry(ctx context.Context) (*registry, error) {
	dir, err := os.MkdirTemp(l.work, "registry-")
	if err != nil {
		return nil, err
	}
	r := &registry{dir: dir}
	if r.host, err = freeAddress(); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yml")
	if err := writeFile(config, fmt.Sprintf(registryConfig, filepath.Join(dir, "data"), r.host)); err != nil {
		return nil, err
	}
	ready := func() bool {
		res, err := http.Get("http://" + r.host + "/v2/")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	if r.daemon, err = start(ctx, dir, ready, "docker-registry", "serve", config); err != nil {
		return nil, err
	}
	if err := l.data.pushBase(ctx, r.host); err != nil {
		r.close()
		return nil, fmt.Errorf("pushing the base: %w", err)
	}
	return r, nil
}

// close ends the registry and deletes what it stored.
func (r *registry) close() {
	r.stop()
	_ = os.RemoveAll(r.dir)
}

// stored is the sum of all blobs, in bytes.
func (r *registry) stored() (n int64) {
	_ = filepath.WalkDir(filepath.Join(r.dir, "data"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == "data" && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

func freeAddress() (string, error) {
	s, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer s.Close()
	return s.Addr().String(), nil
}
