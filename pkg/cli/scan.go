package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
	"github.com/org/ai-ship/pkg/scan/leftover"
	"github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/scan/modelfile"
	"github.com/org/ai-ship/pkg/scan/trivy"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

// scanner wires the scanners of a plan. Model files and secrets are always
// looked for; packages when a gate is about them, since they cost a database.
func scanner(project *project, wanted plan.Scan, keep *kept) scanners {
	always := []scan.Scanner{modelfile.Scanner{Memory: keep.memory}, leftover.Scanner{Memory: keep.memory}}
	if !wanted.Packages {
		return scanners{all: described{scan.All(append(always, unasked{})...), keep.memory}}
	}
	packages := &packages{wanted: wanted, project: project, keep: keep}
	return scanners{
		all:    described{licensed{scan.All(append(always, packages)...), packages}, keep.memory},
		pushed: packages.pushed,
	}
}

// scanners are the scanners of a run.
type scanners struct {
	all    scan.Scanner
	pushed func(context.Context, name.Digest, v1.Platform) (scan.Findings, error) // nil when packages are not looked up
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
type described struct {
	scan.Scanner
	memory *memory.Memory
}

func (d described) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	findings, err := d.Scanner.Scan(ctx, target)
	if err == nil {
		err = bom.AddModels(ctx, &findings, target, d.memory)
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

// packages is the package scanner, which fetches its database when it is first
// needed. A pipeline scans one image after the other.
type packages struct {
	wanted  plan.Scan
	project *project
	keep    *kept
	store   *os.Root // of databases
	engine  *trivy.Engine
	note    string
}

func (s *packages) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	return s.look(ctx, func() (scan.Findings, error) { return s.engine.Scan(ctx, target) })
}

func (s *packages) look(ctx context.Context, scanning func() (scan.Findings, error)) (scan.Findings, error) {
	if s.engine == nil {
		if err := s.open(ctx); err != nil {
			return scan.Findings{}, err
		}
	}
	findings, err := scanning()
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
	store, err := s.keep.databases()
	if err != nil {
		return err
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
		DatabaseDir: db.Dir, Database: db.Database(), Memory: s.keep.memory, Secrets: true, Java: s.java,
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
	options := vulndb.Options{Kind: kind, Keychain: s.project.keys, MaxAge: wanted.MaxAge, Key: s.keep.key}
	if wanted.File == "" {
		return vulndb.Pull(ctx, wanted.Refs, s.store, options)
	}
	db, err := vulndb.Open(ctx, s.project.path(wanted.File), s.store, options)
	return db, input(err)
}

// input marks an error as the project's.
func input(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", build.ErrInput, err)
}
