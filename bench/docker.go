package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// docker measures a fresh dockerd, without anything in it, then with what the
// first build left there.
func (l *lab) docker(ctx context.Context, first, change string, kit bool) {
	l.group(ctx, []string{first, change}, []string{"dockerd", "docker"}, func(r *registry) error {
		dir, err := os.MkdirTemp(l.work, "docker-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		socket := "unix://" + filepath.Join(dir, "sock")
		program, version, err := dockerClient(ctx, kit)
		if err != nil {
			return err
		}
		ready := func() bool { return exec.Command(program, "-H", socket, "version").Run() == nil }
		d, err := start(ctx, dir, ready, "dockerd", "-H", socket, "--data-root", filepath.Join(dir, "data"),
			"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"), "--iptables=false", "--bridge=none")
		if err != nil {
			return err
		}
		defer d.stop()
		image := r.host + "/bench/app:1"
		j := job{
			dir: l.data.project, daemons: []*daemon{d},
			env: []string{"DOCKER_BUILDKIT=" + map[bool]string{false: "0", true: "1"}[kit], "DOCKER_CONFIG=" + dir},
			steps: [][]string{
				{program, "-H", socket, "build", "--build-arg", "BASE=" + r.host + "/bench/base:1", "-t", image, "."},
				{program, "-H", socket, "push", image},
			},
		}
		l.results[first].note = version
		u, err := l.measure(ctx, r, j)
		if l.keep(first, u, err); err != nil {
			return err
		}
		if err := l.change(l.data.project); err != nil {
			return err
		}
		u, err = l.measure(ctx, r, j)
		l.keep(change, u, err)
		return err
	})
}

// dockerClient finds a client; for BuildKit, one that has it built in (before
// 23.0) or the buildx plugin.
func dockerClient(ctx context.Context, kit bool) (path, version string, err error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "docker")
		if !executable(path) {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			continue
		}
		version, _, _ := strings.Cut(strings.TrimPrefix(string(out), "Docker version "), ",")
		major, _, _ := strings.Cut(version, ".")
		builtIn := len(major) == 2 && major < "23"
		if !kit || builtIn || exec.CommandContext(ctx, path, "buildx", "version").Run() == nil {
			return path, "client " + version, nil
		}
	}
	return "", "", errors.New("no docker client has BuildKit: buildx is not installed")
}

// kit is a fresh buildkitd.
type kit struct {
	*daemon
	dir, socket, client string
}

func (l *lab) startKit(ctx context.Context) (*kit, error) {
	server, err := l.find("buildkitd")
	if err != nil {
		return nil, err
	}
	k := &kit{}
	if k.client, err = l.find("buildctl"); err != nil {
		return nil, err
	}
	if k.dir, err = os.MkdirTemp(l.work, "buildkit-"); err != nil {
		return nil, err
	}
	k.socket = "unix://" + filepath.Join(k.dir, "sock")
	ready := func() bool { return exec.Command(k.client, "--addr", k.socket, "debug", "workers").Run() == nil }
	k.daemon, err = start(ctx, k.dir, ready, server, "--root", filepath.Join(k.dir, "data"), "--addr", k.socket, "--containerd-worker=false")
	return k, err
}

func (k *kit) close() {
	k.stop()
	_ = os.RemoveAll(k.dir)
}

// build is one build that pushes, with BuildKit's defaults but for extra.
func (k *kit) build(l *lab, r *registry, extra ...string) job {
	args := []string{
		k.client, "--addr", k.socket, "build", "--progress", "plain", "--frontend", "dockerfile.v0",
		"--local", "context=.", "--local", "dockerfile=.", "--opt", "build-arg:BASE=" + r.host + "/bench/base:1",
		"--output", "type=image,name=" + r.host + "/bench/app:1,push=true",
	}
	return job{dir: l.data.project, daemons: []*daemon{k.daemon}, steps: [][]string{append(args, extra...)}}
}

var kitPrograms = []string{"buildkitd", "buildctl", "runc"}

func (l *lab) buildkit(ctx context.Context) {
	l.group(ctx, []string{buildkitFirst, buildkitChange}, kitPrograms, func(r *registry) error {
		k, err := l.startKit(ctx)
		if err != nil {
			return err
		}
		defer k.close()
		u, err := l.measure(ctx, r, k.build(l, r))
		if l.keep(buildkitFirst, u, err); err != nil {
			return err
		}
		if err := l.change(l.data.project); err != nil {
			return err
		}
		u, err = l.measure(ctx, r, k.build(l, r))
		l.keep(buildkitChange, u, err)
		return err
	})
}

// buildkitRegistryCache builds once with a cache exported to the registry, and
// measures the change on a buildkitd that has nothing else, as in CI.
func (l *lab) buildkitRegistryCache(ctx context.Context) {
	l.group(ctx, []string{buildkitFresh}, kitPrograms, func(r *registry) error {
		ref := "type=registry,ref=" + r.host + "/bench/cache:1"
		k, err := l.startKit(ctx)
		if err != nil {
			return err
		}
		_, err = l.measure(ctx, r, k.build(l, r, "--export-cache", ref+",mode=max"))
		k.close()
		if err != nil {
			return err
		}
		if err := l.change(l.data.project); err != nil {
			return err
		}
		if k, err = l.startKit(ctx); err != nil {
			return err
		}
		defer k.close()
		u, err := l.measure(ctx, r, k.build(l, r, "--import-cache", ref, "--export-cache", ref+",mode=max"))
		l.keep(buildkitFresh, u, err)
		return err
	})
}
