package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign"
)

// ErrOlder says that a channel would have gone back to an older image, which
// only a rollback may do.
var ErrOlder = errors.New("older than what the channel has")

// ErrOvertaken says that a newer image was moved onto the channel while ours
// was about to be.
var ErrOvertaken = errors.New("overtaken by a newer image")

// maxPuts is how often a channel's tag is put again when others, which lost,
// have put theirs over it.
const maxPuts = 10

// Mover moves channels, and leaves a signed record of every move on the image
// that it moved onto.
//
// A move is a claim first: a tag of its own, which says how old the image is.
// The channel's tag is put when no claim is newer, and the claims are read
// again afterwards; who then finds a newer one puts that one's image back and
// has lost. As every claim stands before its put, the newest claim's image is
// what the tag ends up with, and nobody is told to have won who was too late.
// This needs a registry that lists a tag once it has accepted it.
type Mover struct {
	Registry Registry
	Signer   sign.Signer
	Verifier sign.Verifier
	Now      func() time.Time
	Settle   time.Duration // how long to wait for others before the last look; 0 looks at once
}

// Wish is one move that is asked for.
type Wish struct {
	Channel string
	Action  Action
	Version string
	Run     string // URL of the CI's run
	Reason  string
}

// Move moves a channel onto the proof's digest. A channel that points there
// already is left alone, without a record. Errors: ErrUnproven, ErrOlder,
// ErrOvertaken, an ErrLostRace, those of the signer and of the registry. After
// one of them the channel points to what it did, or to a newer image than ours.
func (m Mover) Move(ctx context.Context, proof sign.Proof, wish Wish) (Move, error) {
	subject, ok := proof.Subject()
	if !ok || !proof.Signed() {
		return Move{}, ErrUnproven
	}
	if err := checkTags([]string{wish.Channel}); err != nil {
		return Move{}, err
	}
	move, err := m.move(ctx, subject, wish)
	return move, explain(err, subject.Context())
}

func (m Mover) move(ctx context.Context, subject name.Digest, wish Wish) (Move, error) {
	tags, err := m.Registry.mover(ctx, subject)
	if err != nil {
		return Move{}, err
	}
	attempt := attempt{Mover: m, tags: tags, wish: wish}
	if attempt.from, err = tags.digest(ctx, tags.ref(wish.Channel)); err != nil {
		return Move{}, fmt.Errorf("reading channel %q before moving it: %w", wish.Channel, err)
	}
	if attempt.from == subject.DigestStr() {
		return Move{Tag: wish.Channel, From: attempt.from, To: attempt.from}, nil
	}
	if err := attempt.claim(ctx); err != nil {
		return Move{}, err
	}
	if err := attempt.put(ctx); err != nil {
		return Move{}, err
	}
	return Move{Tag: wish.Channel, From: attempt.from, To: subject.DigestStr()}, nil
}

// attempt is one move on its way.
type attempt struct {
	Mover
	tags *mover
	wish Wish
	from string // digest that the channel pointed to
	mine Claim
}

// claim writes the record and then the claim.
func (a *attempt) claim(ctx context.Context) error {
	record := Record{
		Channel: a.wish.Channel, Action: a.wish.Action, From: a.from, To: a.tags.subject.DigestStr(),
		Version: a.wish.Version, At: a.Now().UTC().Truncate(time.Second), Run: a.wish.Run, Reason: a.wish.Reason,
	}
	record.Sequence.Claimed = a.Now().UTC().Truncate(time.Millisecond)
	made, err := a.tags.made(ctx, a.tags.subject)
	if err != nil {
		return err
	}
	record.Sequence.Created = made.at
	if record.Version == "" {
		record.Version = made.version
	}
	last, err := a.newest(ctx)
	if err != nil {
		return err
	}
	if err := a.order(ctx, &record, last); err != nil {
		return err
	}
	if a.mine, err = record.claim(); err != nil {
		return err
	}
	statement, err := record.Statement()
	if err != nil {
		return err
	}
	if _, err := a.Signer.Attest(ctx, a.tags.subject, []sign.Statement{statement}); err != nil {
		return fmt.Errorf("recording the move of channel %q: %w", a.wish.Channel, err)
	}
	if err := a.tags.pusher.Put(ctx, a.tags.ref(a.mine.Tag()), a.tags.content); err != nil {
		return fmt.Errorf("claiming channel %q: %w", a.wish.Channel, err)
	}
	return nil
}

// order gives the record its place after the newest claim, and refuses to go
// back to an older image except by a rollback.
func (a *attempt) order(ctx context.Context, record *Record, last *Entry) error {
	before, since := time.Time{}, a.from
	switch {
	case last != nil:
		record.After, record.Sequence.Epoch = last.Claim.Tag(), last.Claim.Sequence.Epoch
		before, since = last.Claim.Sequence.Created, last.Digest
	case a.from != "": // it was moved without a record, before the project signed
		made, err := a.tags.made(ctx, a.tags.subject.Context().Digest(a.from))
		if err != nil {
			return err
		}
		before = made.at
	}
	if a.wish.Action == Rollback {
		record.Sequence.Epoch++
		return nil
	}
	if record.Sequence.Created.Before(before) {
		return hint.Wrap(
			fmt.Errorf("moving channel %q to %s of %s: it is %w, %s of %s", a.wish.Channel, record.To,
				record.Sequence.Created.Format(time.RFC3339), ErrOlder, since, before.Format(time.RFC3339)),
			"go back with ai-ship rollback "+a.wish.Channel)
	}
	return nil
}

// put puts the channel's tag, as long as no claim is newer than ours.
func (a *attempt) put(ctx context.Context) error {
	ref := a.tags.ref(a.wish.Channel)
	if err := a.overtaken(ctx, false); err != nil {
		return err
	}
	found := ""
	for range maxPuts {
		if err := a.tags.pusher.Put(ctx, ref, a.tags.content); err != nil {
			return fmt.Errorf("moving channel %q to %s: %w", a.wish.Channel, a.tags.subject.DigestStr(), err)
		}
		if err := wait(ctx, a.Settle); err != nil {
			return err
		}
		if err := a.overtaken(ctx, true); err != nil {
			return err
		}
		var err error
		if found, err = a.tags.digest(ctx, ref); err != nil {
			return fmt.Errorf("reading channel %q back: %w", a.wish.Channel, err)
		}
		if found == a.tags.subject.DigestStr() {
			return nil
		}
	}
	return ErrLostRace{Tag: a.wish.Channel, Wrote: a.tags.subject.DigestStr(), Found: found}
}

// overtaken is an error when a claim is newer than ours. repair says that we
// may have put our image over that one's, which is then put back.
func (a *attempt) overtaken(ctx context.Context, repair bool) error {
	last, err := a.newest(ctx)
	if err != nil {
		return err
	}
	if last == nil || last.Claim.Sequence.Compare(a.mine.Sequence) <= 0 {
		return nil
	}
	if repair {
		if err := a.tags.put(ctx, a.wish.Channel, last.Digest); err != nil {
			return fmt.Errorf("putting channel %q back to %s, which is newer: %w", a.wish.Channel, last.Digest, err)
		}
	}
	return fmt.Errorf("moving channel %q to %s: it was %w, %s", a.wish.Channel, a.tags.subject.DigestStr(), ErrOvertaken, last.Digest)
}

// newest is the newest claim that a signed record stands behind, nil when there
// is none. Claims that nobody signed do not hold up a move.
func (a *attempt) newest(ctx context.Context) (*Entry, error) {
	claims, err := a.Registry.claims(ctx, a.tags.subject.Context(), a.wish.Channel)
	if err != nil {
		return nil, err
	}
	past := history{a.Verifier, a.tags.puller, a.tags.subject.Context()}
	for _, claim := range slices.Backward(claims) {
		if a.mine != (Claim{}) && claim.Sequence.Compare(a.mine.Sequence) <= 0 {
			return nil, nil //nolint:nilnil // nothing is newer
		}
		entry, _, err := past.entry(ctx, claim)
		if err != nil {
			return nil, err
		}
		if entry.Problem == "" {
			return &entry, nil
		}
	}
	return nil, nil //nolint:nilnil // the channel has no history yet
}

// claims are the channel's, the oldest first.
func (r Registry) claims(ctx context.Context, repo name.Repository, channel string) ([]Claim, error) {
	tags, err := r.list(ctx, repo)
	if err != nil {
		return nil, fmt.Errorf("listing the claims of channel %q: %w", channel, err)
	}
	var claims []Claim
	for _, tag := range tags {
		if claim, ok := parseClaim(channel, tag); ok {
			claims = append(claims, claim)
		}
	}
	slices.SortFunc(claims, func(a, b Claim) int { return a.Sequence.Compare(b.Sequence) })
	return claims, nil
}

// made is what an image says of how it came to be.
type made struct {
	at      time.Time // in whole seconds
	version string
}

func (m *mover) made(ctx context.Context, digest name.Digest) (made, error) {
	of, err := m.read(ctx, digest)
	if err != nil {
		return made{}, fmt.Errorf("reading the time of image %s: %w", digest, err)
	}
	if of.at.Year() < 1970 { // Go's zero time, which some builders write
		return made{}, hint.Wrap(fmt.Errorf("reading the time of image %s: it has none", digest),
			"build it with ai-ship, which writes org.opencontainers.image.created")
	}
	of.at = of.at.UTC().Truncate(time.Second)
	return of, nil
}

// read looks into the annotations, and for the time of an image without one
// into its config; an index without one is as old as its first image.
func (m *mover) read(ctx context.Context, digest name.Digest) (made, error) {
	top, err := m.puller.Get(ctx, digest)
	if err != nil {
		return made{}, err
	}
	if top.MediaType.IsIndex() {
		index, err := parseIndex(top)
		if err != nil {
			return made{}, err
		}
		if of, ok, err := annotated(index.Annotations); ok || len(index.Manifests) == 0 {
			return of, err
		}
		return m.read(ctx, digest.Context().Digest(index.Manifests[0].Digest.String()))
	}
	image, err := top.Image()
	if err != nil {
		return made{}, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return made{}, err
	}
	if of, ok, err := annotated(manifest.Annotations); ok {
		return of, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return made{}, err
	}
	return made{at: config.Created.Time}, nil
}

// annotated reads the annotations of the OCI image-spec (annotations.md); ok is
// whether there is a time.
func annotated(by map[string]string) (of made, ok bool, err error) {
	text := by["org.opencontainers.image.created"]
	if text == "" {
		return made{}, false, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	return made{at: at, version: by["org.opencontainers.image.version"]}, true, err
}

// put puts a tag onto an image that the registry has.
func (m *mover) put(ctx context.Context, tag, digest string) error {
	image, err := m.puller.Get(ctx, m.subject.Context().Digest(digest))
	if err != nil {
		return err
	}
	return m.pusher.Put(ctx, m.ref(tag), manifest{raw: image.Manifest, mediaType: image.MediaType})
}

// wait waits, or ends with ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
