package scan

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// All is several scanners as one: each sees the whole target, at the same time,
// and their findings are put together in the scanners' order.
func All(scanners ...Scanner) Scanner { return all(scanners) }

type all []Scanner

func (a all) Scan(ctx context.Context, target Target) (Findings, error) {
	parts := make([]Findings, len(a))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range a {
		group.Go(func() (err error) {
			parts[i], err = s.Scan(ctx, target)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Findings{}, fmt.Errorf("scanning %s: %w", target.Platform, err)
	}
	var merged Findings
	for _, part := range parts {
		merged.Merge(part)
	}
	return merged, nil
}
