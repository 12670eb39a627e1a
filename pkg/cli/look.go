package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/leftover"
)

// scanFlags are those of ai-ship scan.
type scanFlags struct {
	runFlags
	failOn   string
	platform string
}

// withoutConfig are the gates that an image of a registry is held to where no
// config says otherwise.
const withoutConfig = "gates: {vulnerabilities: {fail-on: high}}\n"

func (p Process) scan() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan [REF]",
		Short: "Scan the image, or one of a registry, and evaluate the gates on findings",
		Long: `scan builds the image in memory, scans it, and evaluates the gates on what was
found alone. Nothing is pushed. What it found is printed and written to
ai-ship-out/ in the project, with the SBOMs.

With REF, an image of a registry (or oci:DIR or tar:FILE of the project), it looks
at that instead: at packages, and for secrets. Layers that hold models by their
annotation are not pulled, so that no gate speaks of models. Without a config it
refuses vulnerabilities of severity high or above.` + "\n" + exitHelp(),
		Example: `  ai-ship scan
  ai-ship scan --fail-on critical --json
  ai-ship scan ghcr.io/acme/digits:production`,
		Args: atMostOne("a reference of an image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.failOn != "" && !slices.Contains([]string{"low", "medium", "high", "critical"}, f.failOn) {
				return misuse(fmt.Errorf("--fail-on: found %q, expected low, medium, high or critical", f.failOn))
			}
			if len(args) == 1 {
				return p.scanPushed(cmd.Context(), f, args[0], cmd.Flags().Changed("config"))
			}
			return p.scanProject(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.failOn, "fail-on", "", "lowest `severity` of vulnerabilities that refuses, instead of the config's")
	flags.StringVar(&f.platform, "platform", "", "`platform` of REF (default linux/amd64, or the only one)")
	flags.StringVar(&f.scanDB, "scan-db", "", "vulnerability `database` instead of the config's, as run takes it")
	flags.BoolVar(&f.json, "json", false, "print the report as one JSON document on standard output")
	flags.StringVar(&f.out, "out", "", "`folder` for the report's files (default ai-ship-out in the project)")
	return cmd
}

// apply lets flags win over the config.
func (f scanFlags) apply(c *config.Config) {
	if f.scanDB != "" {
		c.Scan.DB = f.scanDB
	}
	switch v := c.Gates.Vulnerabilities; {
	case f.failOn == "":
	case v == nil:
		c.Gates.Vulnerabilities = &config.Vulnerability{FailOn: f.failOn, Unknown: "warn"}
	default:
		v.FailOn = f.failOn
	}
}

// scanProject scans what a run would push.
func (p Process) scanProject(ctx context.Context, f scanFlags) (err error) {
	project, err := p.openProject(f.planFlags)
	if err != nil {
		return err
	}
	defer project.root.Close()
	ask, err := p.ask(project, f.planFlags)
	if err != nil {
		return err
	}
	p.hideLogins(ctx, project.config.Image, project.config.Base)
	f.apply(project.config)
	v := project.config.Gates.Vulnerabilities
	ask.Lenient, ask.Offline = true, v == nil || !v.OnlyNew
	if f.registry == embedded {
		f.dryRun = true // a registry that is not there yet is not made
		stop, failed := f.embed(ctx, project, &ask)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	trusted, err := p.notary(project, f.registry).predecessors(ctx, true)
	if err != nil {
		return err
	}
	decided, err := p.makePlan(ctx, project, ask, trusted)
	if err != nil {
		return err
	}
	keep, err := p.keep(project, !decided.Scan.Packages)
	if err != nil {
		return err
	}
	scanning := scanner(project, decided.Scan, keep)
	engines := pipeline.Engines{Project: project.root, Scanner: scanning.all, Pushed: scanning.pushed, Now: time.Now, Watch: p.job.Section}
	if engines.Cache, err = p.openCache(project, true); err != nil {
		return errors.Join(err, keep.close())
	}
	outcome, failed := pipeline.Scan(ctx, decided, engines)
	r, err := outcome.Report()
	r.DryRun = true
	return p.deliver(ctx, f.runFlags, project, r, made{}, p.advise(errors.Join(failed, keep.close(), err)))
}

// scanPushed scans an image that was pushed before.
func (p Process) scanPushed(ctx context.Context, f scanFlags, ref string, named bool) (err error) {
	project, err := p.gatesOf(f, ref, named)
	if err != nil {
		return err
	}
	defer project.root.Close()
	p.hideLogins(ctx, ref)
	f.apply(project.config)
	policy, err := plan.Policy(project.config)
	if err != nil {
		return err
	}
	policy.Scan.Published = true
	wanted, err := plan.Scanning(project.config, "")
	if err != nil {
		return misuse(err)
	}
	img, target, skipped, err := f.open(ctx, project, ref)
	if err != nil {
		return err
	}
	keep, err := p.keep(project, !project.has || !wanted.Packages)
	if err != nil {
		return err
	}
	scanner := scan.Scanner(unasked{})
	if wanted.Packages {
		scanner = &packages{wanted: wanted, project: project, keep: keep}
	}
	start := time.Now()
	findings, failed := scan.All(leftover.Scanner{}, scanner).Scan(ctx, target)
	failed = errors.Join(failed, keep.close())
	findings.Skipped = append(findings.Skipped, skipped...)
	r := report.Report{
		DryRun: true, Repository: img.Ref, Digest: img.Digest.String(), Platforms: []string{target.Platform}, Findings: findings,
		Stages: []report.Stage{{Name: pipeline.StageScan, Seconds: time.Since(start).Seconds()}},
	}
	if failed == nil {
		verdict := gate.Evaluate(gate.Policy{Scan: policy.Scan}, gate.Evidence{Findings: findings, IgnoreUntil: pipeline.IgnoreUntil(start)})
		r.Passed, r.Gates = verdict.Passed, verdict.Results
		failed = pipeline.Refusal(verdict)
	}
	return p.deliver(ctx, f.runFlags, project, r, made{}, p.advise(failed))
}

// gatesOf is the project with its config's gates, or with withoutConfig where
// there is no config and none was named. The caller closes its root.
func (p Process) gatesOf(f scanFlags, ref string, named bool) (*project, error) {
	dir, file := filepath.Dir(f.config), filepath.Base(f.config)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, misuse(fmt.Errorf("opening the project: %w", err))
	}
	pr := &project{dir: dir, root: root, has: true}
	if pr.config, err = readGates(root, file, p.Getenv); !named && errors.Is(err, fs.ErrNotExist) {
		pr.has = false
		pr.config, err = config.ParseGates(file, []byte(withoutConfig), p.Getenv)
	}
	if err == nil {
		pr.keys, err = p.keychain(f.registry, pr.config.Image, ref)
	}
	if err != nil {
		root.Close()
		return nil, misuse(err)
	}
	return pr, nil
}

// open finds the image behind a reference.
func (f scanFlags) open(ctx context.Context, project *project, ref string) (base.Base, scan.Target, []scan.Skip, error) {
	none := func(err error) (base.Base, scan.Target, []scan.Skip, error) {
		return base.Base{}, scan.Target{}, nil, err
	}
	img, err := base.Open(ctx, ref, base.Options{Project: project.root, Keychain: project.keys})
	if err != nil {
		return none(err)
	}
	platform := f.platform
	if all := img.Platforms(); platform == "" && len(all) == 1 {
		platform = all[0]
	} else if platform == "" {
		platform = "linux/amd64"
	}
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return none(misuse(fmt.Errorf("--platform: %w", err)))
	}
	one, err := img.Image(*wanted)
	if err != nil {
		return none(err)
	}
	target, skipped, err := build.Published(one, img.Ref, *wanted)
	return img, target, skipped, err
}
