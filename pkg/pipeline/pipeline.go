package pipeline

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/publish"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/testreport"
)

// ErrRefused is returned when a required gate did not pass. Nothing has been
// pushed then.
var ErrRefused = errors.New("refused")

// ignoreDays is how long a refusal proposes to ignore a finding.
const ignoreDays = 30

// IgnoreUntil is the day that a refusal of now proposes to ignore a finding until.
func IgnoreUntil(now time.Time) string {
	return now.UTC().AddDate(0, 0, ignoreDays).Format(time.DateOnly)
}

// Names of the stages, as reports and StageError have them.
const (
	StageBuild   = "build"
	StageScan    = "scan"
	StageGate    = "gate"
	StagePublish = "publish"
	StageSign    = "sign"
	StageTag     = "tag"
)

// StageError says which stage an error comes from.
type StageError struct {
	Stage string
	Err   error
}

func (e *StageError) Error() string { return e.Stage + ": " + e.Err.Error() }
func (e *StageError) Unwrap() error { return e.Err }

// Publisher is where the image goes: it makes the artifact be there by its
// digest, and reports what had to move. A Published without Digest is nothing
// that tags could point to.
type Publisher func(context.Context, publish.Artifact) (Published, error)

// Pushed scans one platform of a registry's image for vulnerabilities, with the
// database of the run; base.ErrPlatform when it has none of the platform.
type Pushed func(ctx context.Context, image name.Digest, platform v1.Platform) (scan.Findings, error)

// Published is an artifact in its place.
type Published struct {
	Digest   *name.Digest // nil when the place is no registry
	Transfer publish.Transfer
	Origins  map[v1.Hash]publish.Origin // of blobs, by digest
}

// Tagger moves tags on the strength of a proof.
type Tagger interface {
	Apply(ctx context.Context, proof sign.Proof, tags []string) (release.Applied, error)
}

// Channels moves a channel and records it.
type Channels interface {
	Move(ctx context.Context, proof sign.Proof, wish release.Wish) (release.Move, error)
}

// Engines do the stages' work.
type Engines struct {
	Version string // of ai-ship
	Project *os.Root
	Cache   *build.Cache // may be nil
	Tracker Tracker      // may be nil when the plan's reports are all files
	Scanner scan.Scanner // nil: the stage is skipped and says so
	Pushed  Pushed       // may be nil when no gate is only about new vulnerabilities
	Publish Publisher    // nil: a dry run ends after the gates
	Signer  sign.Signer  // nil: the stage is skipped and says so
	// Verify returns what reads back what the signer of this identity wrote, and
	// Channels what moves channels with it; neither is nil when Signer is not.
	Verify   func(sign.Identity) (sign.Verifier, error)
	Channels func(sign.Verifier) Channels
	Tagger   Tagger
	Now      func() time.Time
	// Watch is told when a stage begins, and calls what it returns when it has
	// ended. May be nil.
	Watch func(stage string) (ended func())
}

// Outcome is what is known at the end of a run, however it ended. Later stages'
// fields are zero when an earlier one stopped.
type Outcome struct {
	Plan      plan.Plan
	Product   *build.Product
	Size      gate.ImageSize
	Findings  scan.Findings
	Scans     []Scanned // one an image
	Known     string    // image whose vulnerabilities are no news; "" for none
	Contents  *Contents
	Reports   []testreport.Report
	Verdict   gate.Verdict
	Published Published
	Signed    sign.Written
	Proof     sign.Proof
	Applied   release.Applied
	Stages    []Stage // in order
}

// Scanned is what was found in one platform's image, and when.
type Scanned struct {
	Findings     scan.Findings
	Began, Ended time.Time
}

// Stage is one stage's time, or why it did not run.
type Stage struct {
	Name    string
	Took    time.Duration
	Skipped string
}

// Run takes a plan to a tag. The error, if any, is a StageError.
func Run(ctx context.Context, p plan.Plan, e Engines) (Outcome, error) {
	r := run{engines: e, out: Outcome{Plan: p}, began: e.Now()}
	err := errors.Join(
		r.stages(ctx),
		r.remember(),
	)
	return r.out, err
}

// Scan builds and scans, and evaluates the gates on what was found alone.
// Nothing is published. The error, if any, is a StageError.
func Scan(ctx context.Context, p plan.Plan, e Engines) (Outcome, error) {
	p.Gates, p.Reports = gate.Policy{Scan: p.Gates.Scan}, nil
	r := run{engines: e, out: Outcome{Plan: p}}
	err := r.judged(ctx)
	return r.out, err
}

type run struct {
	engines Engines
	out     Outcome
	began   time.Time
	own     sign.Verifier // of what this run has signed
}

// stages is the product, in one sentence.
func (r *run) stages(ctx context.Context) error {
	if err := r.judged(ctx); err != nil {
		return err
	}
	if err := r.stage(ctx, StagePublish, r.publish); err != nil {
		return err
	}
	if err := r.stage(ctx, StageSign, r.sign); err != nil {
		return err
	}
	return r.stage(ctx, StageTag, r.tag)
}

// judged builds and scans, and evaluates the gates.
func (r *run) judged(ctx context.Context) error {
	if err := r.stage(ctx, StageBuild, r.build); err != nil {
		return err
	}
	if err := r.stage(ctx, StageScan, r.scan); err != nil {
		return err
	}
	return r.stage(ctx, StageGate, r.gate)
}

// skip is returned by a stage that has nothing to do.
type skip string

func (s skip) Error() string { return string(s) }

func (r *run) stage(ctx context.Context, name string, do func(context.Context) error) error {
	if r.engines.Watch != nil {
		defer r.engines.Watch(name)()
	}
	start := r.engines.Now()
	err := do(ctx)
	s := Stage{Name: name, Took: r.engines.Now().Sub(start)}
	var why skip
	if errors.As(err, &why) {
		s.Skipped, err = string(why), nil
	}
	r.out.Stages = append(r.out.Stages, s)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return &StageError{Stage: name, Err: err}
	}
	return nil
}

func (r *run) build(ctx context.Context) (err error) {
	known := build.Known{Predecessors: r.out.Plan.Predecessors, Cache: r.engines.Cache}
	spec := r.out.Plan.Build
	spec.ModelDigests = r.engines.Signer != nil
	if r.out.Product, err = build.Files(ctx, r.engines.Project, spec, known); err != nil {
		return err
	}
	if r.out.Size.Compressed, err = r.out.Product.Compressed(); err != nil {
		return err
	}
	// Unpacking the base costs a download, which only a gate is worth.
	if r.out.Plan.Gates.Size.Unpacked != nil {
		r.out.Size.Unpacked, err = r.out.Product.Unpacked(ctx)
	}
	return err
}

func (r *run) gate(ctx context.Context) (err error) {
	p := r.out.Plan
	evidence := Measured{Project: r.engines.Project, Tracker: r.engines.Tracker, Reports: p.Reports, Policy: p.Gates}
	if r.out.Reports, err = evidence.Read(ctx); err != nil {
		return err
	}
	r.out.Verdict = gate.Evaluate(p.Gates, gate.Evidence{
		Size: r.out.Size, Baseline: p.Baseline, Reports: r.out.Reports, Findings: r.out.Findings, Known: r.out.Known,
		NewestModel: r.out.Product.ModelModified, NewestModelPath: r.out.Product.NewestModel,
		IgnoreUntil: IgnoreUntil(r.engines.Now()),
	})
	if err := r.explain(ctx); err != nil {
		return err
	}
	if err := r.describe(performance(r.out.Verdict)); err != nil {
		return err
	}
	if err := Refusal(r.out.Verdict); err != nil {
		return err
	}
	return r.record()
}

// record lets the image say what was measured of it, for the next one to be
// compared with.
func (r *run) record() error {
	if len(r.out.Verdict.Record) == 0 || r.engines.Signer != nil { // the signed verdict says it
		return nil
	}
	text, err := gate.EncodeRecord(r.out.Verdict.Record)
	if err != nil {
		return err
	}
	r.out.Product = r.out.Product.Annotated(map[string]string{gate.RecordAnnotation: text})
	return nil
}

func (r *run) publish(ctx context.Context) (err error) {
	if r.engines.Publish == nil {
		return skip("dry run")
	}
	if why := r.out.Plan.Withheld; why != "" {
		return skip(why)
	}
	r.out.Published, err = r.engines.Publish(ctx, r.out.Product.Artifact())
	return err
}

// remember keeps what was learned about layers for the next run, also when
// this one failed; a dry run writes nothing.
func (r *run) remember() error {
	if r.out.Product == nil || r.engines.Publish == nil {
		return nil
	}
	r.out.Product.Remember()
	return r.engines.Cache.Save()
}
