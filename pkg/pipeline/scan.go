package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/scan"
)

func (r *run) scan(ctx context.Context) error {
	if r.engines.Scanner == nil {
		return skip("this version of ai-ship has no scanner")
	}
	for _, img := range r.out.Product.Images {
		target, err := img.Target(r.out.Plan.Target.Tag(r.out.Plan.Release.Version).Name(), r.engines.Now())
		if err != nil {
			return err
		}
		began := r.engines.Now()
		findings, err := r.engines.Scanner.Scan(ctx, target)
		if err != nil {
			return err
		}
		if err := r.known(ctx, img, &findings); err != nil {
			return err
		}
		r.out.Scans = append(r.out.Scans, Scanned{Findings: findings, Began: began, Ended: r.engines.Now()})
		if len(r.out.Product.Images) > 1 {
			for i := range findings.Documents {
				findings.Documents[i].Name = strings.ReplaceAll(target.Platform, "/", "-") + "." + findings.Documents[i].Name
			}
		}
		r.out.Findings.Merge(findings)
	}
	return nil
}

// known takes out of the gate, where only new vulnerabilities count, those that
// the channel's image has too. That image is scanned now, with the same
// database, so that nobody's record of it has to be believed; if it cannot be,
// nothing is known to be old and the run fails.
func (r *run) known(ctx context.Context, img *build.Image, findings *scan.Findings) error {
	policy, current := r.out.Plan.Gates.Scan, r.out.Plan.Current
	if policy == nil || policy.Vulnerabilities == nil || !policy.Vulnerabilities.OnlyNew || current == nil {
		return nil
	}
	before, err := r.engines.Pushed(ctx, current.Image, img.Platform)
	if errors.Is(err, base.ErrPlatform) {
		findings.Skipped = append(findings.Skipped, scan.Skip{
			Reason: fmt.Sprintf("only-new: %s has no image for %s to compare with, so all of its vulnerabilities count", current.Channel, img.Platform),
		})
		return nil
	}
	if err != nil {
		return fmt.Errorf("scanning what %s points to, to tell what is new: %w", current.Channel, err)
	}
	for _, missing := range before.Incomplete {
		if missing.ID == "unverified-layer" {
			return fmt.Errorf("scanning what %s points to, to tell what is new: %s", current.Channel, missing.Detail)
		}
	}
	r.out.Known = current.Image.Name()
	findings.Except(before.Vulnerabilities, scan.Ignored{By: current.Image.Name(), Reason: current.Channel + " has it already", Known: true})
	return nil
}
