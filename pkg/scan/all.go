package scan

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// Func is a function as a Scanner.
type Func func(ctx context.Context, target Target) (Findings, error)

// Scan calls f.
func (f Func) Scan(ctx context.Context, target Target) (Findings, error) { return f(ctx, target) }

// All is several scanners as one: each sees the whole target, at the same time,
// and their findings are put together in the scanners' order. A secret that
// several find in one place counts once, as the first of them says.
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
	merged.Secrets = once(merged.Secrets)
	return merged, nil
}

// once leaves out secrets of a line that has one already.
func once(secrets []Finding) []Finding {
	type place struct {
		path string
		line int
	}
	seen := make(map[place]bool)
	var kept []Finding
	for _, s := range secrets {
		at := place{s.Path, s.Line}
		if s.Line > 0 && seen[at] {
			continue
		}
		seen[at] = true
		kept = append(kept, s)
	}
	return kept
}
