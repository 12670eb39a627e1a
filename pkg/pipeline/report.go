package pipeline

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/testreport"
)

// Report is the outcome as it is written for people and machines. It reads no
// layer: what is not known yet, as after a refusal, stays empty.
func (o Outcome) Report() (report.Report, error) {
	r := report.Report{
		Passed:     o.Verdict.Passed,
		Repository: o.Plan.Target.Name(),
		Version:    o.Plan.Release.Version,
		Channel:    o.Plan.Release.Channel,
		Size:       report.Size{Compressed: o.Size.Compressed, Unpacked: o.Size.Unpacked},
		Transfer:   report.Transfer(o.Published.Transfer),
		Gates:      o.Verdict.Results,
		Findings:   o.Findings,
	}
	r.Base.Ref = o.Plan.Build.Base.Ref
	if d := o.Plan.Build.Base.Digest; d != (v1.Hash{}) {
		r.Base.Digest = d.String()
	}
	if o.Plan.Baseline != nil {
		r.Baseline = &report.Baseline{Ref: o.Plan.Baseline.Ref, Compressed: o.Plan.Baseline.Compressed}
	}
	if d := o.Published.Digest; d != nil {
		r.Image = d.Name()
	}
	for _, m := range o.Applied.Moved {
		r.Tags = append(r.Tags, m.Tag)
		r.Moves = append(r.Moves, report.Move(m))
	}
	o.signed(&r)
	r.Reports = Reports(o.Reports)
	for _, s := range o.Stages {
		r.Stages = append(r.Stages, report.Stage{Name: s.Name, Seconds: s.Took.Seconds(), Skipped: s.Skipped})
	}
	if o.Contents != nil {
		ref := ""
		if r.Baseline != nil {
			ref = r.Baseline.Ref
		}
		r.Contents = o.Contents.report(ref)
	}
	return r, o.describe(&r)
}

// signed adds who signed the digest, and what stands beside it.
func (o Outcome) signed(r *report.Report) {
	if !o.Proof.Signed() {
		return
	}
	by := o.Signed.By
	r.Signature = &report.Signature{Identity: by.Subject, Issuer: by.Issuer, Key: by.Key, Log: o.Signed.Signature.Log}
	for _, a := range o.Signed.Attestations {
		r.Attestations = append(r.Attestations, report.Attestation{Type: a.PredicateType, Digest: a.Digest})
	}
}

// Reports names the test reports that were read.
func Reports(read []testreport.Report) []report.TestReport {
	var all []report.TestReport
	for _, t := range read {
		all = append(all, report.TestReport{
			Path: t.Path, Format: t.Format, SHA256: t.SHA256, Tests: t.Tests, Failures: len(t.Failures),
		})
	}
	return all
}

// describe adds what the built images are made of.
func (o Outcome) describe(r *report.Report) error {
	if o.Product == nil {
		return nil
	}
	known := true
	for _, img := range o.Product.Images {
		r.Platforms = append(r.Platforms, img.Platform.String())
		known = known && img.Known()
		if err := o.layers(r, img); err != nil {
			return fmt.Errorf("describing the image for %s: %w", img.Platform, err)
		}
	}
	if !known {
		return nil
	}
	digest, err := o.Product.Artifact().Digest()
	r.Digest = digest.String()
	return err
}

func (o Outcome) layers(r *report.Report, img *build.Image) error {
	platform := ""
	if len(o.Product.Images) > 1 {
		platform = img.Platform.String()
	}
	base, err := img.Base()
	if err != nil {
		return err
	}
	for _, d := range base {
		r.Layers = append(r.Layers, report.Layer{
			Digest: d.Digest.String(), MediaType: string(d.MediaType), Size: d.Size,
			Kind: layer.KindBase, Origin: o.origin(d.Digest, report.Reused), Platform: platform,
		})
	}
	for _, l := range img.Own() {
		row := report.Layer{
			Unpacked: l.Unpacked(), Kind: l.Kind(), Name: l.Name(), Paths: len(l.Entries()), Platform: platform,
		}
		mediaType, err := l.MediaType()
		if err != nil {
			return err
		}
		row.MediaType = string(mediaType)
		row.Size, _ = l.PlainSize()
		row.Origin = report.Built
		if l.Known() {
			facts, err := l.Facts()
			if err != nil {
				return err
			}
			if row.Recipe, err = l.Recipe(); err != nil {
				return err
			}
			row.Digest, row.Size = facts.Digest.String(), facts.Size
			row.Origin = o.origin(facts.Digest, report.Built)
		}
		if l.Reused && row.Origin != report.Uploaded && row.Origin != report.Mounted {
			row.Origin = report.Reused
		}
		r.Layers = append(r.Layers, row)
	}
	return nil
}

// origin is how the blob came to its place, or otherwise when it was not moved
// anywhere.
func (o Outcome) origin(digest v1.Hash, otherwise report.Origin) report.Origin {
	if origin, ok := o.Published.Origins[digest]; ok {
		return report.Origin(origin)
	}
	return otherwise
}
