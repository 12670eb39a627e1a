package sigstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	// settleTime is the mean pause between two looks at a list that other
	// writers may overwrite, with half of it as jitter on either side. 16
	// writers at once needed 23 to 42 writes together.
	settleTime = 200 * time.Millisecond
	// shortTime is added to the pause with each look where nobody overwrites.
	shortTime = 10 * time.Millisecond
	// stableLooks is how many looks in a row must find everything.
	stableLooks = 2
	// maxLooks ends it: about 12 s without a stable list.
	maxLooks = 60
)

// place is where entries are written and may get lost again.
type place[T any] interface {
	put(ctx context.Context, entries []T) error
	missing(ctx context.Context, entries []T) ([]T, error)
	kept() bool
}

// settle returns when all entries stay where they were written: it looks, and
// writes what is not there or what somebody else's write has undone. looks is
// how many in a row must find everything; one is enough where nothing is undone.
func settle[T any](ctx context.Context, where place[T], entries []T, looks int) error {
	stable := 0
	for look := range maxLooks {
		lost, err := where.missing(ctx, entries)
		if err != nil {
			return fmt.Errorf("reading back what was written: %w", err)
		}
		stable++
		if len(lost) > 0 {
			stable = 0
			if err := where.put(ctx, lost); err != nil {
				return err
			}
		}
		if stable >= looks || stable > 0 && where.kept() {
			return nil
		}
		if look == 0 && (looks == 1 || where.kept()) {
			continue
		}
		wait := settleTime/2 + rand.N(settleTime)
		if where.kept() { // nobody undoes it: the registry is only slow to list it
			wait = min(wait, time.Duration(look)*shortTime)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return hint.Wrap(fmt.Errorf("what was written could not be read back in %d tries", maxLooks),
		"other writers to this digest or the registry undo it; let one job at a time sign a digest")
}

// pause waits, and not beyond the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func sum(raw []byte) (v1.Hash, error) {
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	return digest, err
}
