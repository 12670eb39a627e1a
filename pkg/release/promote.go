package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign"
)

// ErrNotReady says that an image has not been where, or as long as, a channel
// demands.
var ErrNotReady = errors.New("not ready")

// ErrNothingBefore says that a channel's history has no image to go back to.
var ErrNothingBefore = errors.New("there is nothing to go back to")

// Promotion is an image that a channel is to be moved onto, and what the
// channel demands of it.
type Promotion struct {
	Wish
	Subject name.Digest
	Demands []sign.Demand
	After   string        // channel that the image must have been in; "" for none
	Soak    time.Duration // how long ago it must have come there
	// Check is asked last, about what was verified, before anything is moved; nil
	// accepts all.
	Check func(context.Context, sign.Evidence) error
}

// Promoted is a move and the proof that it rests on.
type Promoted struct {
	Move
	Proof   sign.Proof
	Skipped []Skipped // of a rollback: newer images that it did not go to
}

// Skipped is an image that a rollback passed over, and why.
type Skipped struct {
	Digest string
	Reason string
}

// Promote moves a channel onto an image that is proven, has been where the
// channel demands, and is not older than what the channel has. Errors:
// sign.ErrUnproven, ErrNotReady, those of Check and those of Move.
func (m Mover) Promote(ctx context.Context, p Promotion) (Promoted, error) {
	proof, err := sign.Prove(ctx, m.Verifier, p.Subject, p.Demands)
	if err != nil {
		return Promoted{}, explain(err, p.Subject.Context())
	}
	if err := m.ready(ctx, p); err != nil {
		return Promoted{}, err
	}
	if p.Check != nil {
		if err := p.Check(ctx, proof.Evidence()); err != nil {
			return Promoted{}, fmt.Errorf("promoting to %q: %w", p.Channel, err)
		}
	}
	p.Action = Promote
	move, err := m.Move(ctx, proof, p.Wish)
	return Promoted{Move: move, Proof: proof}, err
}

// ready holds the image against the order of the channels and the soak.
func (m Mover) ready(ctx context.Context, p Promotion) error {
	if p.After == "" {
		return nil
	}
	h, err := m.History(ctx, p.Subject.Context(), p.After)
	if err != nil {
		return err
	}
	entry := h.Find(p.Subject.DigestStr())
	if entry == nil {
		return hint.Wrap(
			fmt.Errorf("promoting to %q: the image is %w, it was never in %q (no signed record says so)", p.Channel, ErrNotReady, p.After),
			"ai-ship promote --to "+p.After+" "+p.Subject.Name())
	}
	if age := m.Now().Sub(entry.Record.At); age < p.Soak {
		return hint.Wrap(
			fmt.Errorf("promoting to %q: the image is %w, it came to %q %s ago and must have been there for %s",
				p.Channel, ErrNotReady, p.After, age.Round(time.Second), p.Soak),
			"try again at "+entry.Record.At.Add(p.Soak).UTC().Format(time.RFC3339))
	}
	return nil
}

// Rollback moves a channel back: onto the digest that is asked for, or else
// onto the newest image that the channel pointed to before and that can still
// be proven. The image must be in the channel's history. Errors:
// ErrNothingBefore, sign.ErrUnproven, and those of Move.
func (m Mover) Rollback(ctx context.Context, repo name.Repository, wish Wish, to string, demands []sign.Demand) (Promoted, error) {
	h, err := m.History(ctx, repo, wish.Channel)
	if err != nil {
		return Promoted{}, err
	}
	wish.Action = Rollback
	var passed []Skipped
	for _, entry := range h.Before() {
		if to != "" && entry.Digest != to {
			continue
		}
		proof, err := sign.Prove(ctx, m.Verifier, repo.Digest(entry.Digest), demands)
		if errors.Is(err, sign.ErrUnproven) && to == "" {
			passed = append(passed, Skipped{Digest: entry.Digest, Reason: err.Error()})
			continue
		}
		if err != nil {
			return Promoted{}, explain(err, repo)
		}
		move, err := m.Move(ctx, proof, wish)
		return Promoted{Move: move, Proof: proof, Skipped: passed}, err
	}
	return Promoted{}, h.nothing(to, passed)
}

// nothing says why there is no image to go back to.
func (h *History) nothing(to string, passed []Skipped) error {
	what := ErrNothingBefore
	var reasons []string
	for _, s := range passed {
		reasons = append(reasons, s.Reason)
	}
	switch {
	case to != "" && to == h.Current:
		return fmt.Errorf("rolling %q back to %s: it points there now", h.Channel, to)
	case to != "":
		return hint.Wrap(fmt.Errorf("rolling %q back to %s: %w: no signed record says that the channel was ever there", h.Channel, to, what),
			"ai-ship history "+h.Channel)
	case len(reasons) > 0:
		return fmt.Errorf("rolling %q back: %w: %s", h.Channel, what, strings.Join(reasons, "; "))
	}
	return fmt.Errorf("rolling %q back: %w: its history has %d moves", h.Channel, what, len(h.Entries))
}
