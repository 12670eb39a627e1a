package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The cases of scanning an image, once with the dependencies in the app and
// once with them in the base.
const (
	scanApp      = "scan, dependencies in the app: "
	scanBase     = "scan, dependencies in the base: "
	scanShip     = "ai-ship run --dry-run"
	scanStage    = "its scan"
	scanAgain    = "its scan, again"
	scanTrivy    = "trivy image"
	scanTrivyFew = "trivy image --scanners vuln"
)

func scanCases() []string { return append(sceneCases(scanApp), sceneCases(scanBase)...) }

func sceneCases(scene string) []string {
	return []string{scene + scanShip, scene + scanStage, scene + scanAgain, scene + scanTrivy, scene + scanTrivyFew}
}

// scans measures both scenes. Ai-ship and trivy see the same image: ai-ship
// before it exists, trivy as a tarball, which ai-ship writes beforehand.
func (l *lab) scans(ctx context.Context) {
	for _, scene := range []string{scanApp, scanBase} {
		l.group(ctx, sceneCases(scene), nil, func(r *registry) error {
			s, err := openScene(ctx, l.options)
			if err != nil {
				return err
			}
			s.lab, s.name, s.registry = l, scene, r
			s.config = "app.yaml"
			if scene == scanBase {
				s.config = "base.yaml"
			}
			return s.run(ctx)
		})
	}
}

// run makes the tarball, which also fetches the database and fills the build's
// cache, and then measures by turns.
func (s *scene) run(ctx context.Context) error {
	tmp, err := os.MkdirTemp(s.work, "scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	archive := filepath.Join(tmp, "image.tar")
	mem := watchMemory()
	_, err = s.execute(ctx, mem, s.ship(tmp), s.command("--output", "tar:"+archive))
	if mem.stop(); err != nil {
		return fmt.Errorf("making the tarball: %w", err)
	}
	for range s.runs {
		if err := s.ours(ctx, tmp); err != nil {
			return err
		}
	}
	program, err := s.find("trivy")
	if err != nil {
		s.fail(err, s.name+scanTrivy, s.name+scanTrivyFew)
		return nil
	}
	cache := filepath.Join(tmp, "trivy")
	if err := os.CopyFS(filepath.Join(cache, "db"), os.DirFS(s.database)); err != nil {
		return err
	}
	for range s.peerRuns {
		for _, c := range []struct {
			name string
			more []string
		}{{scanTrivy, nil}, {scanTrivyFew, []string{"--scanners", "vuln"}}} {
			if err := os.RemoveAll(filepath.Join(cache, "fanal")); err != nil {
				return err
			}
			args := append([]string{program, "image", "--input", archive, "--cache-dir", cache, "--format", "json", "--output", filepath.Join(tmp, "trivy.json"),
				"--skip-db-update", "--skip-java-db-update", "--offline-scan", "--skip-version-check", "--disable-telemetry"}, c.more...)
			u, err := s.measure(ctx, s.registry, job{dir: tmp, env: []string{"TMPDIR=" + tmp}, steps: [][]string{args}})
			s.keep(s.name+c.name, u, err)
		}
	}
	return nil
}

// ours scans with what earlier runs know of the build, but not of the scan, and
// once more with that. The scan's own time is the report's.
func (s *scene) ours(ctx context.Context, tmp string) error {
	if err := os.RemoveAll(filepath.Join(s.project, ".ai-ship", "scan", "results")); err != nil {
		return err
	}
	j := s.ship(tmp)
	j.steps = [][]string{s.command("--dry-run")}
	for _, stage := range []string{scanStage, scanAgain} {
		begin := time.Now()
		u, err := s.measure(ctx, s.registry, j)
		if err != nil {
			s.keep(s.name+stage, u, err)
			return err
		}
		u.written -= kept(filepath.Join(s.project, ".ai-ship"), begin) + kept(filepath.Join(s.project, "ai-ship-out"), begin)
		if stage == scanStage {
			s.keep(s.name+scanShip, u, nil)
		}
		u.wall, err = scanTime(filepath.Join(s.project, "ai-ship-out", "report.json"))
		s.keep(s.name+stage, u, err)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) ship(tmp string) job {
	return job{dir: s.project, env: []string{"TMPDIR=" + tmp, "DOCKER_CONFIG=" + tmp}}
}

func (s *scene) command(more ...string) []string {
	return append([]string{s.options.ship, "run", "-c", filepath.Join(s.project, s.config)}, more...)
}

// kept is the disk space of the files below dir that were written since begin.
func kept(dir string, begin time.Time) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(begin) {
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				n += stat.Blocks * 512
			}
		}
		return nil
	})
	return n
}

// scanTime is how long the stage took, by the report.
func scanTime(report string) (time.Duration, error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return 0, err
	}
	var r struct {
		Stages []struct {
			Name    string
			Seconds float64
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return 0, err
	}
	for _, s := range r.Stages {
		if s.Name == "scan" {
			return time.Duration(s.Seconds * float64(time.Second)), nil
		}
	}
	return 0, errors.New("the report has no stage named scan")
}
