package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// crane appends two tars, model and code, the way that serves it best: after a
// change only the code's tar is made again. Its own time counts; tar's is noted.
func (l *lab) crane(ctx context.Context) {
	l.group(ctx, []string{craneFirst, craneChange}, []string{"crane", "tar"}, func(r *registry) error {
		program, err := l.find("crane")
		if err != nil {
			return err
		}
		dir, err := os.MkdirTemp(l.work, "crane-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		models, code := filepath.Join(dir, "models.tar"), filepath.Join(dir, "src.tar")
		begin := time.Now()
		if err := archive(ctx, l.data.project, models, "models"); err != nil {
			return err
		}
		if err := archive(ctx, l.data.project, code, "src"); err != nil {
			return err
		}
		l.results[craneFirst].note = fmt.Sprintf("its time alone; making the tars took %.1f s more and %.0f MB of disk",
			time.Since(begin).Seconds(), mb(l.data.bytes()))
		j := job{dir: dir, steps: [][]string{{program, "append", "-b", r.host + "/bench/base:1", "-f", models, "-f", code, "-t", r.host + "/bench/app:1"}}}
		u, err := l.measure(ctx, r, j)
		if l.keep(craneFirst, u, err); err != nil {
			return err
		}
		if err := l.change(l.data.project); err != nil {
			return err
		}
		if err := archive(ctx, l.data.project, code, "src"); err != nil {
			return err
		}
		u, err = l.measure(ctx, r, j)
		l.keep(craneChange, u, err)
		return err
	})
}

// oras pushes the files as they are. What it makes is an artifact that no
// container runtime starts; it is here because it, too, sends models.
func (l *lab) oras(ctx context.Context) {
	l.group(ctx, []string{orasFirst}, []string{"oras"}, func(r *registry) error {
		program, err := l.find("oras")
		if err != nil {
			return err
		}
		args := []string{program, "push", "--plain-http", "--no-tty", "--disable-path-validation", r.host + "/bench/app:1"}
		for _, s := range l.data.shards {
			args = append(args, filepath.Join("models", filepath.Base(s.Path)))
		}
		u, err := l.measure(ctx, r, job{dir: l.data.project, steps: [][]string{append(args, "src")}})
		l.results[orasFirst].note = "an artifact, not an image: no base, no config"
		l.keep(orasFirst, u, err)
		return err
	})
}

const trustAll = `{"default": [{"type": "insecureAcceptAnything"}]}`

func (l *lab) buildah(ctx context.Context) {
	l.group(ctx, []string{buildahFirst}, []string{"buildah"}, func(r *registry) error {
		program, err := l.find("buildah")
		if err != nil {
			return err
		}
		dir, err := os.MkdirTemp(l.work, "buildah-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		policy := filepath.Join(dir, "policy.json")
		if err := writeFile(policy, trustAll); err != nil {
			return err
		}
		global := []string{program, "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "overlay"}
		image := r.host + "/bench/app:1"
		build := append(append([]string{}, global...), "bud", "--isolation", "chroot", "--tls-verify=false", "--signature-policy", policy,
			"--build-arg", "BASE="+r.host+"/bench/base:1", "-t", image, ".")
		push := append(append([]string{}, global...), "push", "--tls-verify=false", "--signature-policy", policy, image)
		u, err := l.measure(ctx, r, job{dir: l.data.project, env: []string{"TMPDIR=" + dir}, steps: [][]string{build, push}})
		l.keep(buildahFirst, u, err)
		return err
	})
}
