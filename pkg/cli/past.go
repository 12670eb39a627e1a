package cli

import (
	"context"
	"time"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/sign"
)

const (
	maxPast  = 10 // moves of a channel that reports look back
	pastTime = 20 * time.Second
)

// past begins to read what the channel's images were like, beside the run, and
// returns what waits for it. Without signatures nothing says so. What cannot be
// read costs a report its history and no run its result.
func (n *notary) past(ctx context.Context, decided plan.Plan, trusted sign.Verifier) func() []report.Former {
	if n.signing == nil || trusted == nil || decided.Current == nil {
		return func() []report.Former { return nil }
	}
	read := make(chan []report.Former, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, pastTime)
		defer cancel()
		m := release.Mover{Registry: release.Registry{Keychain: n.keys}, Verifier: trusted}
		images, err := m.Recent(ctx, decided.Current.Image.Context(), decided.Current.Channel, maxPast)
		if err != nil {
			images = nil
		}
		read <- former(images)
	}()
	return func() []report.Former { return <-read }
}

// former are the images that have a verdict, without what says the same at
// length: reasons and measurements.
func former(images []release.Former) []report.Former {
	var all []report.Former
	for _, image := range images {
		judged := attest.LastVerdict(image.Evidence)
		if judged.EvaluatedOn.IsZero() {
			continue
		}
		for i := range judged.Gates {
			judged.Gates[i].Reason, judged.Gates[i].Histogram = "", nil
		}
		all = append(all, report.Former{Digest: image.Digest, Version: judged.Version, At: judged.EvaluatedOn, Compressed: judged.Size.Compressed, Gates: judged.Gates})
	}
	return all
}
