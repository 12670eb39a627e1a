package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/report"
)

// grace is how long a stage may take to end after an interrupt. GitHub's runner
// kills a step 7.5 s after the first signal (actions/runner, ProcessInvoker.cs),
// and an embedded registry may take two of them.
const grace = 3 * time.Second

type runFlags struct {
	planFlags
	dryRun  bool
	json    bool
	out     string
	output  string
	load    bool
	jobs    int
	noCache bool
	scanDB  string
}

func (p Process) run() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Build, scan, gate, publish and tag the image",
		Long: `run takes the project from its files to its tags: it makes the plan, builds the
image, scans it, evaluates the gates on the test reports, the size and what was
found, pushes by digest, signs, and moves the tags last. A gate that refuses stops
it before anything is pushed.

With --output or --load the image goes to a file or to Docker instead of the
registry, and no tag moves. Reports are written to ai-ship-out/ in the project.` + "\n" + exitHelp(),
		Example: `  ai-ship run --dry-run
  ai-ship run --registry embedded
  ai-ship run --channel staging`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.ship(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.BoolVar(&f.dryRun, "dry-run", false, "stop after the gates; write nothing but the report")
	flags.BoolVar(&f.json, "json", false, "print the report as one JSON document on standard output")
	flags.StringVar(&f.out, "out", "", "`folder` for the report's files (default ai-ship-out in the project)")
	flags.StringVar(&f.output, "output", "", "write the image to oci:`DIR` or tar:FILE instead of a registry")
	flags.BoolVar(&f.load, "load", false, "load the image into the Docker daemon instead of a registry")
	flags.IntVar(&f.jobs, "jobs", 4, "`number` of uploads at once")
	flags.StringVar(&f.scanDB, "scan-db", "", "vulnerability `database` instead of the config's: a reference (embedded/NAME:TAG is the embedded registry's), folder or archive")
	flags.BoolVar(&f.noCache, "no-cache", false, "read every layer: no local cache, nothing reused from predecessors")
	cmd.MarkFlagsMutuallyExclusive("output", "load")
	return cmd
}

// ship is one run: wire, plan, execute, report.
func (p Process) ship(ctx context.Context, f runFlags) (err error) {
	to, err := f.destination()
	if err != nil {
		return misuse(err)
	}
	project, err := p.openProject(f.planFlags)
	if err != nil {
		return err
	}
	defer project.root.Close()
	ask, err := p.ask(project, f.planFlags)
	if err != nil {
		return err
	}
	if ask.Baseline, err = baseline(project.root, project.config.Gates.Baseline, ""); err != nil {
		return err
	}
	ask.Lenient, ask.Offline = f.dryRun, to.kind != toRegistry
	if f.scanDB != "" {
		project.config.Scan.DB = f.scanDB
	}
	notary := p.notary(project, f.registry)
	p.hideLogins(ctx, project.config.Image, project.config.Base)
	held := p.withhold(&ask, f, to)
	trusted, err := notary.predecessors(ctx, f.dryRun || to.kind != toRegistry || held != "")
	if err != nil {
		return err
	}
	if f.registry == embedded {
		stop, failed := f.embed(ctx, project, &ask)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	decided, err := p.makePlan(ctx, project, ask, trusted)
	if err != nil {
		return err
	}
	decided.Withheld = held
	if f.dryRun && !f.json {
		if err := decided.Text(p.Out); err != nil {
			return err
		}
		fmt.Fprintln(p.Out)
	}
	engines, finish, err := p.engines(f, project, to, &decided)
	if err != nil {
		return err
	}
	if err := notary.engines(ctx, &engines, to, held, trusted); err != nil {
		return errors.Join(err, finish())
	}
	past := notary.past(ctx, decided, trusted)
	return p.execute(ctx, f, project, to, decided, engines, past, finish)
}

// execute runs the pipeline and writes its report, also when it failed.
func (p Process) execute(ctx context.Context, f runFlags, project *project, to destination, decided plan.Plan, engines pipeline.Engines, past func() []report.Former, finish func() error) error {
	outcome, failed := await(ctx, decided, grace, func() (pipeline.Outcome, error) { return pipeline.Run(ctx, decided, engines) })
	failed = p.advise(errors.Join(failed, finish()))
	r, err := outcome.Report()
	failed = errors.Join(failed, err)
	about, err := madeOf(outcome)
	failed = errors.Join(failed, err)
	// The image of this run may be there already.
	r.History = slices.DeleteFunc(past(), func(f report.Former) bool { return f.Digest == r.Digest })
	r.DryRun = f.dryRun
	if f.dryRun {
		r.Tags = decided.Release.Names()
	}
	if failed == nil {
		r.Next = next(f, to, outcome)
	}
	return p.deliver(ctx, f, project, r, about, failed)
}

// withhold says why a run must push nothing, "" when it may. One that only reads
// does not need to know what the registry has, either.
func (p Process) withhold(ask *plan.Ask, f runFlags, to destination) string {
	if ask.Event.ReadOnly == "" || to.kind != toRegistry || f.registry == embedded || f.dryRun {
		return ""
	}
	ask.Lenient = true
	p.job.Annotate(ci.Annotation{Level: ci.Notice, Title: "ai-ship", Message: "Nothing is pushed: " + ask.Event.ReadOnly + ". The image is built, scanned and held to its gates."})
	return ask.Event.ReadOnly
}

// await waits for a pipeline, and for a while only once ctx has ended. A stage that does not end when it is told to must
// not keep the report from being written: a CI waits a few seconds.
func await(ctx context.Context, decided plan.Plan, patience time.Duration, run func() (pipeline.Outcome, error)) (pipeline.Outcome, error) {
	type ended struct {
		outcome pipeline.Outcome
		err     error
	}
	done := make(chan ended, 1)
	go func() {
		outcome, err := run()
		done <- ended{outcome, err}
	}()
	select {
	case e := <-done:
		return e.outcome, e.err
	case <-ctx.Done():
	}
	select {
	case e := <-done:
		return e.outcome, e.err
	case <-time.After(patience):
		return pipeline.Outcome{Plan: decided}, fmt.Errorf("a stage did not end in %s: %w", patience, context.Cause(ctx))
	}
}

// deliver writes a report of what ended with failed, and returns that.
func (p Process) deliver(ctx context.Context, f runFlags, project *project, r report.Report, about made, failed error) error {
	r.Exit, r.Generator = exitCode(ctx, failed), p.Version
	if failed != nil && !errors.Is(failed, pipeline.ErrRefused) {
		r.Passed, r.Error, r.Hints = false, failed.Error(), hint.Of(failed)
	}
	return errors.Join(failed, p.write(output{json: f.json, out: f.out, project: project.dir, made: about}, r))
}

// engines wires the stages. finish ends the progress display, and removes what
// was made for this run only.
func (p Process) engines(f runFlags, project *project, to destination, decided *plan.Plan) (e pipeline.Engines, finish func() error, err error) {
	e = pipeline.Engines{
		Version: p.Version,
		Project: project.root,
		Tracker: p.tracker(),
		Tagger:  release.Registry{Keychain: project.keys},
		Now:     time.Now,
		Watch:   p.job.Section,
	}
	if f.noCache {
		decided.Predecessors, decided.ReuseFrom = nil, nil
	} else if e.Cache, err = p.openCache(project, f.dryRun); err != nil {
		return e, nil, err
	}
	keep, err := p.keep(project, f.dryRun)
	if err != nil {
		return e, nil, err
	}
	if f.noCache {
		keep.memory = nil
	}
	scanning := scanner(project, decided.Scan, keep)
	e.Scanner, e.Pushed = scanning.all, scanning.pushed
	if f.dryRun {
		return e, keep.close, nil
	}
	show := p.progress()
	e.Publish = to.publisher(f.jobs, *decided, project.keys, show)
	return e, func() error { show.Close(); return keep.close() }, nil
}

// openCache opens the project's layer cache; a dry run, which writes nothing,
// does without one that is not there yet.
func (p Process) openCache(project *project, dryRun bool) (*build.Cache, error) {
	const dir = stateDir + "/cache"
	if !dryRun {
		if err := project.root.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making the cache folder: %w", err)
		}
	}
	root, err := project.root.OpenRoot(dir)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // a nil cache is an empty one: a slower run, not a failed one
	}
	key, ok, err := p.stateKey(project.dir)
	if err != nil || !ok {
		return nil, errors.Join(err, root.Close())
	}
	return build.OpenCache(root, key, time.Now)
}

// output is where a report goes.
type output struct {
	json    bool
	out     string // folder; "" is ai-ship-out in the project
	project string
	made    made
	written bool // the files are there
}

func (o output) folder() string {
	if o.out != "" || o.project == "" {
		return o.out
	}
	return filepath.Join(o.project, outDir)
}

// write puts the report where people and machines look for it.
func (p Process) write(to output, r report.Report) error {
	var err error
	if to.json {
		err = report.JSON(p.Out, r)
	} else {
		err = report.Text(p.Out, r, p.style())
	}
	files := report.WriteFiles(to.folder(), r)
	to.written = files == nil
	return errors.Join(err, files, p.tell(to, r))
}

// style follows the terminal and the conventions of no-color.org.
func (p Process) style() report.Style {
	color := p.OutWidth > 0 && p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb"
	return report.Style{Color: color || p.Getenv("CLICOLOR_FORCE") == "1", Width: p.OutWidth}
}
