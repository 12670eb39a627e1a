package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/plan"
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
// the channel's image has too.
func (r *run) known(ctx context.Context, img *build.Image, findings *scan.Findings) error {
	policy := r.out.Plan.Gates.Scan
	if policy == nil {
		return nil
	}
	known, err := except(ctx, r.engines.Pushed, r.out.Plan.Current, img.Platform, policy.Vulnerabilities, findings)
	r.out.Known = cmp.Or(known, r.out.Known)
	return err
}

// except takes out of the gate what the image that a channel points to has too,
// and returns that image, "" for none. It is scanned now, with the same
// database, so that nobody's record of it has to be believed; if it cannot be,
// nothing is known to be old and the run fails.
func except(
	ctx context.Context, pushed Pushed, current *plan.Current, platform v1.Platform, policy *gate.Vulnerabilities, findings *scan.Findings,
) (string, error) {
	if policy == nil || !policy.OnlyNew || current == nil {
		return "", nil
	}
	before, err := pushed(ctx, current.Image, platform)
	if errors.Is(err, base.ErrPlatform) {
		findings.Skipped = append(findings.Skipped, scan.Skip{
			Reason: fmt.Sprintf("only-new: %s has no image for %s to compare with, so all of its vulnerabilities count", current.Channel, platform),
		})
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("scanning what %s points to, to tell what is new: %w", current.Channel, err)
	}
	for _, missing := range before.Incomplete {
		if missing.ID == "unverified-layer" {
			return "", fmt.Errorf("scanning what %s points to, to tell what is new: %s", current.Channel, missing.Detail)
		}
	}
	findings.Except(before.Vulnerabilities, scan.Ignored{By: current.Image.Name(), Reason: current.Channel + " has it already", Known: true})
	return current.Image.Name(), nil
}
