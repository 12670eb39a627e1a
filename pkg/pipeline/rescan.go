package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
)

// Rescan is a channel's demand that what is moved onto it was scanned of late.
// An image whose scan is older is scanned again, from the SBOM that is attested
// on it.
type Rescan struct {
	MaxAge   time.Duration
	Policy   gate.Scan     // whose gate on vulnerabilities judges what is found
	Verifier sign.Verifier // of what stands beside a platform's image
	Signer   sign.Signer   // of the new statements
	Current  *plan.Current // what the channel points to, for only-new; nil for nothing
	Images   func(context.Context, name.Digest) ([]PushedImage, error)
	Packages func(context.Context, scan.Target, []byte) (scan.Findings, error) // of an SBOM
	Pushed   Pushed                                                            // may be nil when Policy is not only about new ones
	Now      func() time.Time
}

// PushedImage is one platform's image in a registry.
type PushedImage struct {
	Digest   name.Digest
	Platform v1.Platform
	Target   scan.Target // without what model layers hold
}

// Check holds the demand against what is verified about an image or an index,
// of which each platform's image counts. New statements are attested when all
// images that had to be scanned passed; after a refusal, which is ErrRefused with
// the gates' sentences, nothing is, so that the next attempt scans again. An image
// without a verified SBOM is sign.ErrUnproven.
func (r Rescan) Check(ctx context.Context, evidence sign.Evidence) error {
	images, err := r.Images(ctx, evidence.Subject)
	if err != nil {
		return fmt.Errorf("looking for the images of %s: %w", evidence.Subject, err)
	}
	if len(images) == 0 {
		return fmt.Errorf("looking for the images of %s: found none", evidence.Subject)
	}
	type said struct {
		about      name.Digest
		statements []sign.Statement
	}
	whole := said{about: evidence.Subject}
	var parts []said // of an index
	for _, image := range images {
		about := evidence
		if image.Digest != evidence.Subject {
			proof, err := sign.Prove(ctx, r.Verifier, image.Digest, nil)
			if err != nil {
				return fmt.Errorf("the image for %s: %w", image.Platform, err)
			}
			about = proof.Evidence()
		}
		statement, err := r.image(ctx, image, about)
		if err != nil {
			return fmt.Errorf("the image for %s: %w", image.Platform, err)
		}
		if statement == nil {
			continue
		}
		whole.statements = append(whole.statements, *statement)
		if image.Digest != evidence.Subject {
			parts = append(parts, said{image.Digest, []sign.Statement{*statement}})
		}
	}
	if len(whole.statements) == 0 {
		return nil
	}
	for _, s := range append([]said{whole}, parts...) { // an image's own last: it is what makes the scan young
		if _, err := r.Signer.Attest(ctx, s.about, s.statements); err != nil {
			return fmt.Errorf("attesting the new scan of %s: %w", s.about, err)
		}
	}
	return nil
}

// image is the statement of a new scan, or nil when the last one is young.
func (r Rescan) image(ctx context.Context, image PushedImage, evidence sign.Evidence) (*sign.Statement, error) {
	began := r.Now()
	last := attest.LastScan(evidence, began)
	if !last.IsZero() && began.Sub(last) < r.MaxAge {
		return nil, nil //nolint:nilnil // nothing new is to be said, as documented
	}
	bill, err := attest.LastBill(evidence)
	if err != nil {
		return nil, err
	}
	if bill == nil {
		return nil, hint.Wrap(fmt.Errorf("%s is %w: its last scan is %s, and it has no statement %s by %s to be scanned from",
			image.Digest, sign.ErrUnproven, ago(last, began), attest.SBOM, evidence.Trusts),
			"ship it again with gates.vulnerabilities, which attests an SBOM")
	}
	findings, err := r.Packages(ctx, image.Target, bill)
	if err != nil {
		return nil, fmt.Errorf("scanning its SBOM: %w", err)
	}
	known, err := except(ctx, r.Pushed, r.Current, image.Platform, r.Policy.Vulnerabilities, &findings)
	if err != nil {
		return nil, err
	}
	verdict := gate.Evaluate(gate.Policy{Scan: &gate.Scan{Vulnerabilities: r.Policy.Vulnerabilities, Accept: r.Policy.Accept, Published: true}},
		gate.Evidence{Findings: findings, Known: known, IgnoreUntil: IgnoreUntil(began)})
	if !verdict.Passed {
		return nil, fmt.Errorf("%w: its last scan is %s and a new one says: %s", ErrRefused, ago(last, began), strings.Join(gate.Reasons(verdict.Results), "; "))
	}
	s, err := scanned(Scanned{Findings: findings, Began: began, Ended: r.Now()}, attest.Run{}).Statement()
	return &s, err
}

// ago says how long ago a scan was.
func ago(last, now time.Time) string {
	if last.IsZero() {
		return "unknown"
	}
	return now.Sub(last).Round(time.Second).String() + " old"
}
