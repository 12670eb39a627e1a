package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
	"github.com/org/ai-ship/pkg/scan/leftover"
	"github.com/org/ai-ship/pkg/scan/modelfile"
	"github.com/org/ai-ship/pkg/scan/trivy"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

// scanner wires the scanners of a plan. Model files and secrets are always
// looked for; packages when a gate is about them, since they cost a database.
func (p Process) scanner(project *project, wanted plan.Scan, dryRun bool) (s scanners, err error) {
	always := []scan.Scanner{modelfile.Scanner{}, scan.Func(leftover.Scan)}
	if !wanted.Packages {
		return scanners{all: described{scan.All(append(always, unasked{})...)}, done: func() error { return nil }}, nil
	}
	keep, remove, err := scanFolder(project, dryRun)
	if err != nil {
		return scanners{}, err
	}
	packages := &packages{wanted: wanted, project: project, keep: keep}
	return scanners{
		all:    described{licensed{scan.All(append(always, packages)...), packages}},
		pushed: packages.pushed,
		done:   func() error { return errors.Join(packages.close(), remove()) },
	}, nil
}

// scanners are the scanners of a run.
type scanners struct {
	all    scan.Scanner
	pushed func(context.Context, name.Digest, v1.Platform) (scan.Findings, error) // nil when packages are not looked up
	done   func() error                                                           // removes what was made for the scan alone
}

// licensed adds the licences of models, which the package scanner does not see.
type licensed struct {
	scan.Scanner
	packages *packages
}

func (l licensed) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	findings, err := l.Scanner.Scan(ctx, target)
	if err != nil {
		return scan.Findings{}, err
	}
	own, err := l.packages.engine.Licenses(ctx, findings.Inventory)
	findings.Licenses = append(findings.Licenses, own...)
	return findings, input(err)
}

// described adds the models to the SBOM.
type described struct{ scan.Scanner }

func (d described) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	findings, err := d.Scanner.Scan(ctx, target)
	if err == nil {
		err = bom.AddModels(ctx, &findings, target.Files)
	}
	return findings, err
}

// unasked says that nobody asked for the packages.
type unasked struct{}

func (unasked) Scan(context.Context, scan.Target) (scan.Findings, error) {
	return scan.Findings{Ran: true, Skipped: []scan.Skip{{
		Reason: "packages were not looked up: gates.vulnerabilities is not set",
	}}}, nil
}

// scanFolder is where the database and the layers' results are kept: in the
// project, or, for a dry run of one that has no such folder yet, for this run
// only.
func scanFolder(project *project, dryRun bool) (dir string, remove func() error, err error) {
	const kept = stateDir + "/scan"
	if _, err := project.root.Stat(kept); err != nil && dryRun {
		dir, err := os.MkdirTemp("", "ai-ship-scan-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := project.root.MkdirAll(kept, 0o755); err != nil {
		return "", nil, fmt.Errorf("making the scan's folder: %w", err)
	}
	return filepath.Join(project.dir, filepath.FromSlash(kept)), func() error { return nil }, nil
}

// packages is the package scanner, which fetches its database when it is first
// needed. A pipeline scans one image after the other.
type packages struct {
	wanted  plan.Scan
	project *project
	keep    string // folder
	store   *os.Root
	engine  *trivy.Engine
	note    string
}

func (s *packages) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	if s.engine == nil {
		if err := s.open(ctx); err != nil {
			return scan.Findings{}, err
		}
	}
	findings, err := s.engine.Scan(ctx, target)
	if err != nil {
		// The network's errors are known by themselves; the others are about the
		// ignore file, VEX, the database or the base.
		return scan.Findings{}, input(err)
	}
	if s.note != "" {
		findings.Skipped = append(findings.Skipped, scan.Skip{Reason: s.note})
	}
	return findings, nil
}

// pushed scans one platform of an image in a registry.
func (s *packages) pushed(ctx context.Context, image name.Digest, platform v1.Platform) (scan.Findings, error) {
	opened, err := base.Open(ctx, image.Name(), base.Options{Keychain: s.project.keys})
	if err != nil {
		return scan.Findings{}, err
	}
	img, err := opened.Image(platform)
	if err != nil {
		return scan.Findings{}, err
	}
	target, skipped, err := build.Published(img, image.Name(), platform)
	if err != nil {
		return scan.Findings{}, err
	}
	findings, err := s.Scan(ctx, target)
	findings.Skipped = append(findings.Skipped, skipped...)
	return findings, err
}

func (s *packages) open(ctx context.Context) error {
	dir := filepath.Join(s.keep, "db")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the database's folder: %w", err)
	}
	store, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the database's folder: %w", err)
	}
	s.store = store
	db, err := s.database(ctx, vulndb.Advisories, s.wanted.Database)
	if err != nil {
		return err
	}
	var vex []trivy.File
	for _, name := range s.wanted.VEX {
		vex = append(vex, trivy.File{Root: s.project.root, Name: name})
	}
	s.note = db.Note
	s.engine = trivy.New(trivy.Options{
		DatabaseDir: db.Dir, Database: db.Database(), CacheDir: filepath.Join(s.keep, "layers"), Secrets: true, Java: s.java,
		Ignore: trivy.File{Root: s.project.root, Name: s.wanted.IgnoreFile}, VEX: vex, Now: time.Now,
	})
	return nil
}

// java brings the database that names Java archives.
func (s *packages) java(ctx context.Context) (trivy.Java, error) {
	db, err := s.database(ctx, vulndb.Java, s.wanted.Java)
	return trivy.Java{Dir: db.Dir, Digest: db.Digest, Note: db.Note}, err
}

// database brings a database into the store, which must be open.
func (s *packages) database(ctx context.Context, kind vulndb.Kind, wanted plan.Database) (vulndb.DB, error) {
	options := vulndb.Options{Kind: kind, Keychain: s.project.keys, MaxAge: wanted.MaxAge}
	if wanted.File == "" {
		return vulndb.Pull(ctx, wanted.Refs, s.store, options)
	}
	file := filepath.FromSlash(wanted.File)
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.project.dir, file)
	}
	db, err := vulndb.Open(ctx, file, s.store, options)
	return db, input(err)
}

// input marks an error as the project's.
func input(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", build.ErrInput, err)
}

func (s *packages) close() error {
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}
