package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/sign"
)

// Entry is one move in a channel's history.
type Entry struct {
	Claim     Claim
	Digest    string        // of the image, sha256:HEX
	Record    Record        // zero when there is a Problem
	By        sign.Identity // who signed the record
	Overtaken bool          // a newer image was there first: the channel never pointed here
	Problem   string        // why the move does not count; "" when a signed record stands behind it
}

// History is what a channel pointed to.
type History struct {
	Channel string
	Current string  // digest that it points to now; "" for nothing
	Entries []Entry // the oldest first
	// Problems are what is wrong with the chain as a whole.
	Problems []string
}

// History reads a channel's history and checks it: every claim has a record
// that the verifier accepts, each record follows one before it, and the channel
// points to the newest. An error is the registry's.
func (m Mover) History(ctx context.Context, repo name.Repository, channel string) (History, error) {
	h, err := m.history(ctx, repo, channel)
	return h, explain(err, repo)
}

func (m Mover) history(ctx context.Context, repo name.Repository, channel string) (History, error) {
	h := History{Channel: channel}
	if err := checkTags([]string{channel}); err != nil {
		return h, err
	}
	current, err := m.Registry.current(ctx, repo, channel)
	if err != nil {
		return h, fmt.Errorf("reading channel %q: %w", channel, err)
	}
	if current != nil {
		h.Current = current.Digest.String()
	}
	claims, err := m.Registry.claims(ctx, repo, channel)
	if err != nil {
		return h, err
	}
	past, err := m.reading(repo)
	if err != nil {
		return h, err
	}
	for _, claim := range claims {
		entry, _, err := past.entry(ctx, claim)
		if err != nil {
			return h, err
		}
		h.Entries = append(h.Entries, entry)
	}
	h.check()
	return h, nil
}

// Former is an image that a channel pointed to, and what is known of it.
type Former struct {
	Digest   string // sha256:HEX
	Record   Record
	Evidence sign.Evidence
}

// Recent are the newest images of a channel, the oldest first and each once, with
// what the verifier accepts of them. Only the newest n moves are asked about, so
// that a long history costs no more than a short one; those without a record that
// counts are left out. Whether the chain is whole History says. An error is the
// registry's.
func (m Mover) Recent(ctx context.Context, repo name.Repository, channel string, n int) ([]Former, error) {
	claims, err := m.Registry.claims(ctx, repo, channel)
	if err != nil {
		return nil, explain(err, repo)
	}
	past, err := m.reading(repo)
	if err != nil {
		return nil, err
	}
	var h History
	var evidence []sign.Evidence
	for _, claim := range claims[max(len(claims)-n, 0):] {
		entry, said, err := past.entry(ctx, claim)
		if err != nil {
			return nil, explain(err, repo)
		}
		h.Entries, evidence = append(h.Entries, entry), append(evidence, said)
	}
	h.check()
	var all []Former
	for i, e := range h.Entries {
		if e.Problem == "" && !e.Overtaken {
			all = slices.DeleteFunc(all, func(f Former) bool { return f.Digest == e.Digest })
			all = append(all, Former{Digest: e.Digest, Record: e.Record, Evidence: evidence[i]})
		}
	}
	return all, nil
}

// check marks what was overtaken, and says what is wrong with the chain.
func (h *History) check() {
	tags := make(map[string]bool)
	for i := range h.Entries {
		e := &h.Entries[i]
		if e.Problem != "" {
			continue
		}
		for _, later := range h.Entries[i+1:] {
			if later.Problem == "" && later.Claim.Sequence.Epoch == e.Claim.Sequence.Epoch && later.Record.Sequence.Claimed.Before(e.Record.Sequence.Claimed) {
				e.Overtaken = true
			}
		}
		if e.Record.After != "" && !tags[e.Record.After] {
			h.Problems = append(h.Problems, fmt.Sprintf("the move %s follows %s, which is gone", e.Claim.Tag(), e.Record.After))
		}
		tags[e.Claim.Tag()] = true
	}
	last := h.last()
	switch {
	case last == nil && h.Current != "":
		h.Problems = append(h.Problems, fmt.Sprintf("it points to %s, and no signed record says so", h.Current))
	case last != nil && last.Digest != h.Current:
		h.Problems = append(h.Problems, fmt.Sprintf("it points to %q, and its newest record to %s", h.Current, last.Digest))
	}
}

// Broken is everything that is wrong with the history: moves without a record,
// and the chain's problems.
func (h *History) Broken() []string {
	var all []string
	for _, e := range h.Entries {
		if e.Problem != "" {
			all = append(all, e.Claim.Tag()+": "+e.Problem)
		}
	}
	return append(all, h.Problems...)
}

// last is the newest entry that counts.
func (h *History) last() *Entry {
	for i := range slices.Backward(h.Entries) {
		if h.Entries[i].Problem == "" {
			return &h.Entries[i]
		}
	}
	return nil
}

// Before are the entries that a rollback may go to, the newest first: images
// that the channel pointed to before the one that it points to now, once each.
func (h *History) Before() []Entry {
	var before []Entry
	seen := map[string]bool{h.Current: true}
	for _, e := range slices.Backward(h.Entries) {
		if e.Problem == "" && !e.Overtaken && !seen[e.Digest] {
			seen[e.Digest] = true
			before = append(before, e)
		}
	}
	return before
}

// Find is the newest move of the channel onto the digest, nil when there is
// none that counts.
func (h *History) Find(digest string) *Entry {
	for i := range slices.Backward(h.Entries) {
		if e := &h.Entries[i]; e.Problem == "" && !e.Overtaken && e.Digest == digest {
			return e
		}
	}
	return nil
}

// history reads entries.
type history struct {
	verifier sign.Verifier
	puller   *remote.Puller
	repo     name.Repository
}

func (m Mover) reading(repo name.Repository) (history, error) {
	puller, err := remote.NewPuller(m.Registry.options()...)
	return history{m.Verifier, puller, repo}, err
}

// entry reads what stands behind a claim. A claim without a valid record has a
// Problem; an error is the registry's or the verifier's.
func (h history) entry(ctx context.Context, claim Claim) (Entry, sign.Evidence, error) {
	e := Entry{Claim: claim}
	var err error
	if e.Digest, err = pointsTo(ctx, h.puller, h.repo.Tag(claim.Tag())); err != nil {
		return e, sign.Evidence{}, fmt.Errorf("reading claim %q: %w", claim.Tag(), err)
	}
	if e.Digest == "" {
		e.Problem = "its tag is gone"
		return e, sign.Evidence{}, nil
	}
	evidence, err := h.verifier.Verify(ctx, h.repo.Digest(e.Digest))
	if err != nil {
		return e, evidence, fmt.Errorf("verifying the record of %q: %w", claim.Tag(), err)
	}
	var problems []error
	for _, a := range evidence.Attestations {
		if a.PredicateType != PromotionPredicate {
			continue
		}
		record, err := readRecord(a, e.Digest)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if of, err := record.claim(); err == nil && of.Tag() == claim.Tag() {
			e.Record, e.By = record, a.By
			return e, evidence, nil
		}
	}
	e.Problem = "no record signed by " + evidence.Trusts + " stands behind it"
	if err := errors.Join(problems...); err != nil {
		e.Problem += ": " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return e, evidence, nil
}
