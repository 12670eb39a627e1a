package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The cases, in the order of the table.
const (
	bareFirst       = "bare HTTP upload"
	shipFirst       = "ai-ship"
	craneFirst      = "crane append"
	dockerFirst     = "docker build + push (classic)"
	dockerKitFirst  = "docker build + push (BuildKit)"
	buildahFirst    = "buildah bud + push"
	buildkitFirst   = "buildctl"
	orasFirst       = "oras push (no image)"
	shipChange      = "ai-ship, local cache, change"
	shipFresh       = "ai-ship, nothing on the machine, change"
	craneChange     = "crane append, change"
	dockerChange    = "docker build + push (classic), local cache, change"
	dockerKitChange = "docker build + push (BuildKit), local cache, change"
	buildkitChange  = "buildctl, local cache, change"
	buildkitFresh   = "buildctl, registry cache, change"
)

func cases() []string { return append(pushCases(), scanCases()...) }

func pushCases() []string {
	return []string{
		bareFirst, shipFirst, craneFirst, dockerFirst, dockerKitFirst, buildahFirst, buildkitFirst, orasFirst,
		shipChange, shipFresh, craneChange, dockerChange, dockerKitChange, buildkitChange, buildkitFresh,
	}
}

// result is a row of the table.
type result struct {
	runs []usage
	err  error  // why there are no runs, or fewer
	note string // what else a reader has to know
}

// lab runs the cases.
type lab struct {
	options
	data    dataset
	work    string // on the disk of everything else; deleted at the end
	log     io.Writer
	results map[string]*result
	changes int // code-only changes so far
	version int // of ai-ship's images
	load    string
}

// errNotAsked marks the cases that -only left out.
var errNotAsked = errors.New("not asked for")

func (l *lab) measureAll(ctx context.Context) {
	l.results = make(map[string]*result)
	for _, name := range cases() {
		l.results[name] = &result{err: errNotAsked}
	}
	text, _ := os.ReadFile("/proc/loadavg")
	l.load = strings.TrimSpace(string(text))
	l.ours(ctx)
	for range l.peerRuns {
		l.crane(ctx)
		l.oras(ctx)
		l.buildah(ctx)
		l.docker(ctx, dockerFirst, dockerChange, false)
		l.docker(ctx, dockerKitFirst, dockerKitChange, true)
		l.buildkit(ctx)
		l.buildkitRegistryCache(ctx)
	}
	l.scans(ctx)
}

// asked says whether any of the cases is to be run.
func (o options) asked(names ...string) bool {
	return len(o.only) == 0 || slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(o.only, func(part string) bool { return strings.Contains(name, part) })
	})
}

// keep adds a run to the case's row.
func (l *lab) keep(name string, u usage, err error) {
	r := l.results[name]
	if r.err == errNotAsked {
		r.err = nil
	}
	if err != nil {
		r.err = err
		fmt.Fprintf(l.log, "%s: %v\n", name, err)
		return
	}
	r.runs = append(r.runs, u)
	fmt.Fprintf(l.log, "%s: %.2f s, peak %.0f MiB, wrote %.1f MB, stored %.1f MB, others used %.0f%% of the CPUs\n",
		name, u.wall.Seconds(), mib(u.peak), mb(u.written), mb(u.stored), 100*u.others)
}

// fail notes the same reason for all the cases of a group that have none.
func (l *lab) fail(err error, names ...string) {
	for _, name := range names {
		if r := l.results[name]; len(r.runs) == 0 && (r.err == nil || r.err == errNotAsked) {
			l.keep(name, usage{}, err)
		}
	}
}

// group runs cases that share a registry, and notes why the rest of them did
// not run. It skips what was not asked for or is not installed.
func (l *lab) group(ctx context.Context, names, programs []string, f func(r *registry) error) {
	if ctx.Err() != nil || !l.asked(names...) {
		return
	}
	for _, p := range programs {
		if _, err := l.find(p); err != nil {
			l.fail(err, names...)
			return
		}
	}
	r, err := l.startRegistry(ctx)
	if err == nil {
		err = f(r)
		r.close()
	}
	if err != nil {
		l.fail(err, names...)
	}
}

// find looks a program up, first among those that -install built.
func (l *lab) find(program string) (string, error) {
	if own := filepath.Join(l.binDir(), program); executable(own) {
		return own, nil
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s is not installed", program)
	}
	return path, nil
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// change makes the next code-only change.
func (l *lab) change(project string) error {
	l.changes++
	return changeByte(project, l.changes)
}

// ours interleaves ai-ship with the bare upload, so that a slow minute of the
// disk hits both, and changes the code against the last registry.
func (l *lab) ours(ctx context.Context) {
	for i := range l.runs {
		l.group(ctx, []string{bareFirst}, nil, func(r *registry) error { return l.bare(ctx, r) })
		last := i == l.runs-1
		l.group(ctx, []string{shipFirst, shipChange, shipFresh}, nil, func(r *registry) error {
			if err := l.shipOnce(ctx, r, shipFirst, l.data.project, false); err != nil || !last {
				return err
			}
			for range l.runs {
				if err := l.shipOnce(ctx, r, shipChange, l.data.project, true); err != nil {
					return err
				}
				if err := l.shipOnce(ctx, r, shipFresh, l.data.copied, false); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func (l *lab) bare(ctx context.Context, r *registry) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{self, bareCommand, r.host}
	for _, s := range l.data.shards {
		args = append(args, s.Digest+"="+s.Path)
	}
	u, err := l.measure(ctx, r, job{steps: [][]string{args}})
	l.keep(bareFirst, u, err)
	return err
}

// shipOnce runs ai-ship with or without what it has learned on this machine.
// Every run but the first comes after a code-only change.
func (l *lab) shipOnce(ctx context.Context, r *registry, name, project string, cached bool) error {
	if !cached {
		if err := errors.Join(os.RemoveAll(filepath.Join(project, ".ai-ship")), os.RemoveAll(filepath.Join(project, "ai-ship-out"))); err != nil {
			return err
		}
	}
	if name != shipFirst {
		if err := l.change(project); err != nil {
			return err
		}
	}
	l.version++
	tmp, err := os.MkdirTemp(l.work, "tmp-")
	if err != nil {
		return err
	}
	u, err := l.measure(ctx, r, job{
		dir: project,
		env: []string{"REGISTRY=" + r.host, "TMPDIR=" + tmp, "DOCKER_CONFIG=" + tmp},
		steps: [][]string{{l.ship, "run", "-c", filepath.Join(project, "ai-ship.yaml"), "--channel", "staging",
			"--version", fmt.Sprintf("1.0.%d", l.version), "--jobs", fmt.Sprint(streams)}},
	})
	l.keep(name, u, err)
	return err
}
