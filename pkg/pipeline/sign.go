package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan/bom"
	"github.com/org/ai-ship/pkg/sign"
)

// sign signs the images and then the index over them, reads all of it back, and
// makes the proof of that.
func (r *run) sign(ctx context.Context) error {
	top := r.out.Published.Digest
	if top == nil {
		return skip("nothing was pushed to a registry")
	}
	if r.engines.Signer == nil {
		why := "sign is not set in ai-ship.yaml"
		r.out.Proof = sign.Unsigned(*top, why)
		return skip(why)
	}
	if err := r.weigh(); err != nil {
		return err
	}
	if r.out.Product.Index != nil {
		for i, img := range r.out.Product.Images {
			digest, err := img.Digest()
			if err != nil {
				return err
			}
			if _, _, err := r.prove(ctx, top.Context().Digest(digest.String()), i, i+1); err != nil {
				return fmt.Errorf("signing the image for %s: %w", img.Platform, err)
			}
		}
	}
	var err error
	r.out.Signed, r.out.Proof, err = r.prove(ctx, *top, 0, len(r.out.Product.Images))
	return err
}

// prove signs a digest with the statements about the images from one to
// another, and verifies what stands beside it then.
func (r *run) prove(ctx context.Context, digest name.Digest, from, to int) (sign.Written, sign.Proof, error) {
	statements, err := r.statements(from, to)
	if err != nil {
		return sign.Written{}, sign.Proof{}, err
	}
	written, err := r.engines.Signer.Sign(ctx, digest, statements)
	if err != nil {
		return sign.Written{}, sign.Proof{}, err
	}
	if r.own, err = r.engines.Verify(written.By); err != nil {
		return sign.Written{}, sign.Proof{}, err
	}
	var require []string
	for _, s := range statements {
		require = append(require, s.PredicateType)
	}
	proof, err := sign.Prove(ctx, r.own, digest, attest.Demands(require, nil))
	return written, proof, err
}

// statements are what is said about the images from one to another.
func (r *run) statements(from, to int) ([]sign.Statement, error) {
	about := r.out.Plan.Run
	about.Tool, about.Started, about.Finished = r.engines.Version, r.began, r.engines.Now()
	judgement := attest.Judgement{
		Run: about, Version: r.out.Plan.Release.Version, Verdict: r.out.Verdict, Size: r.out.Size, Baseline: r.out.Plan.Baseline,
	}
	for _, t := range r.out.Reports {
		judgement.Reports = append(judgement.Reports, attest.Report{Path: t.Path, Format: t.Format, SHA256: t.SHA256})
	}
	built, err := provenance(r.out.Product.Images[from:to], attest.Built{
		Run: about, Version: judgement.Version, Reports: judgement.Reports,
		Base: attest.Base{Ref: r.out.Plan.Build.Base.Ref, Digest: r.out.Plan.Build.Base.Digest},
	})
	if err != nil {
		return nil, err
	}
	makers := []func() (sign.Statement, error){judgement.Statement, judgement.TestResult, built.Statement}
	for _, s := range r.out.Scans[min(from, len(r.out.Scans)):min(to, len(r.out.Scans))] {
		makers = append(makers, s.statements(about)...)
	}
	files, err := models(r.out.Product.Images[from:to])
	if err != nil {
		return nil, err
	}
	makers = append(makers, files...)
	var all []sign.Statement
	for _, make := range makers {
		s, err := make()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// statements are the image's vulnerabilities and its SBOM, where packages were
// looked up.
func (s Scanned) statements(about attest.Run) []func() (sign.Statement, error) {
	if s.Findings.Database == nil {
		return nil
	}
	all := []func() (sign.Statement, error){scanned(s, about).Statement}
	for _, d := range s.Findings.Documents {
		if strings.HasSuffix(d.Name, bom.Name) {
			all = append(all, func() (sign.Statement, error) { return attest.Bill(d.Data) })
		}
	}
	return all
}

// scanned is a scan as it is attested.
func scanned(s Scanned, about attest.Run) attest.Scanned {
	about.Started, about.Finished = s.Began, s.Ended
	return attest.Scanned{Run: about, Scanner: "pkg:github/aquasecurity/trivy", Version: s.Findings.Engine, Findings: s.Findings}
}

// provenance adds what the images are made of.
func provenance(images []*build.Image, built attest.Built) (attest.Built, error) {
	seen := make(map[string]bool)
	for _, img := range images {
		built.Platforms = append(built.Platforms, img.Platform.String())
		for _, l := range img.Own() {
			facts, err := l.Facts()
			if err != nil {
				return built, err
			}
			recipe, err := l.Recipe()
			if err != nil {
				return built, err
			}
			if seen[recipe] {
				continue
			}
			seen[recipe] = true
			built.Layers = append(built.Layers, attest.Layer{Name: l.Name(), Kind: string(l.Kind()), Digest: facts.Digest, Recipe: recipe})
		}
	}
	return built, nil
}

// tag moves the version's tags, and then the channels: with a record of each
// move when there is a signer, and plainly when there is none.
func (r *run) tag(ctx context.Context) error {
	plan := r.out.Plan
	switch {
	case r.out.Published.Digest == nil:
		return skip("nothing was pushed to a registry")
	case len(plan.Release.Tags) == 0:
		return skip(plan.Release.Why)
	}
	var plainly, recorded []string
	for _, tag := range plan.Release.Tags {
		if tag.Kind == release.KindChannel && r.engines.Signer != nil {
			recorded = append(recorded, tag.Name)
		} else {
			plainly = append(plainly, tag.Name)
		}
	}
	var err error
	if r.out.Applied, err = r.engines.Tagger.Apply(ctx, r.out.Proof, plainly); err != nil {
		return err
	}
	for _, channel := range recorded {
		move, err := r.engines.Channels(r.own).Move(ctx, r.out.Proof, release.Wish{
			Channel: channel, Action: release.Ship, Version: plan.Release.Version, Run: plan.Run.URL,
		})
		if err != nil {
			return err
		}
		r.out.Applied.Moved = append(r.out.Applied.Moved, move)
	}
	return nil
}
