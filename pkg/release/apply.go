package release

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/sign"
)

// ErrUnproven is returned for a Proof that names no digest.
var ErrUnproven = errors.New("moving tags: the proof names no digest")

// ErrLostRace says that a tag did not point to our digest after we had moved
// it there: another run moved it too, or deleted it.
type ErrLostRace struct {
	Tag   string
	Wrote string // digest that we moved the tag onto
	Found string // digest that it points to now; "" when the tag is gone
}

func (e ErrLostRace) Error() string {
	found := e.Found
	if found == "" {
		found = "nothing"
	}
	return fmt.Sprintf("moving tag %q to %s: another writer was faster, it points to %s now", e.Tag, e.Wrote, found)
}

// Move is one tag that points where it should. From is "" when the tag did not
// exist; From equal to To says that it was left alone.
type Move struct {
	Tag, From, To string // digests as sha256:…
}

// Applied is what Apply did, in order.
type Applied struct {
	Moved []Move
}

// Apply moves the tags, in their order, onto the proof's digest. Beside an
// error it returns the moves that are done and stay; the tag that the error
// names may or may not have moved when the registry's answer was lost. Errors:
// ErrUnproven, an ErrLostRace, and those of the registry.
func (r Registry) Apply(ctx context.Context, proof sign.Proof, tags []string) (Applied, error) {
	subject, ok := proof.Subject()
	if !ok {
		return Applied{}, ErrUnproven
	}
	if err := checkTags(tags); err != nil {
		return Applied{}, err
	}
	if len(tags) == 0 {
		return Applied{}, nil
	}
	applied, err := r.apply(ctx, subject, tags)
	return applied, explain(err, subject.Context())
}

func (r Registry) apply(ctx context.Context, subject name.Digest, tags []string) (Applied, error) {
	m, err := r.mover(ctx, subject)
	if err != nil {
		return Applied{}, err
	}
	var applied Applied
	for _, tag := range tags {
		move, err := m.move(ctx, tag)
		if err != nil {
			return applied, err
		}
		applied.Moved = append(applied.Moved, move)
	}
	return applied, nil
}

func checkTags(tags []string) error {
	for i, tag := range tags {
		if !validTag(tag) {
			return fmt.Errorf("moving tag %q: it is no valid tag", tag)
		}
		if slices.Contains(tags[:i], tag) {
			return fmt.Errorf("moving tag %q: it is listed twice", tag)
		}
	}
	return nil
}

// mover moves tags onto one digest.
type mover struct {
	puller  *remote.Puller
	pusher  *remote.Pusher
	subject name.Digest
	content manifest
}

// mover returns one that has read its subject.
func (r Registry) mover(ctx context.Context, subject name.Digest) (*mover, error) {
	puller, err := remote.NewPuller(r.options()...)
	if err != nil {
		return nil, err
	}
	pusher, err := remote.NewPusher(r.options()...)
	if err != nil {
		return nil, err
	}
	m := &mover{puller: puller, pusher: pusher, subject: subject}
	if err := m.load(ctx); err != nil {
		return nil, fmt.Errorf("reading %q before tagging it: %w", subject, err)
	}
	return m, nil
}

func (m *mover) ref(tag string) name.Tag { return m.subject.Context().Tag(tag) }

// manifest is the subject's own bytes, so that a tag gets exactly what the
// digest names.
type manifest struct {
	raw       []byte
	mediaType types.MediaType
}

var _ remote.Taggable = manifest{}

func (m manifest) RawManifest() ([]byte, error)        { return m.raw, nil }
func (m manifest) MediaType() (types.MediaType, error) { return m.mediaType, nil }

// load fetches the manifest, which the library checks against the digest, and
// asks for every image of an index: a registry may accept an index without its
// images (distribution-spec, "sparse" indexes).
func (m *mover) load(ctx context.Context) error {
	top, err := m.puller.Get(ctx, m.subject)
	if err != nil {
		return err
	}
	m.content = manifest{raw: top.Manifest, mediaType: top.MediaType}
	if top.MediaType.IsImage() {
		return nil
	}
	if !top.MediaType.IsIndex() {
		return fmt.Errorf("found media type %q, expected an image or an index", top.MediaType)
	}
	index, err := parseIndex(top)
	if err != nil {
		return err
	}
	for _, child := range index.Manifests {
		if !child.MediaType.IsImage() {
			return fmt.Errorf("found %s of media type %q in the index, expected images only", child.Digest, child.MediaType)
		}
		if _, err := m.puller.Head(ctx, m.subject.Context().Digest(child.Digest.String())); err != nil {
			return fmt.Errorf("asking for image %s of the index: %w", child.Digest, err)
		}
	}
	return nil
}

func (m *mover) move(ctx context.Context, tag string) (Move, error) {
	ref := m.ref(tag)
	to := m.subject.DigestStr()
	from, err := m.digest(ctx, ref)
	if err != nil {
		return Move{}, fmt.Errorf("reading tag %q before moving it: %w", tag, err)
	}
	if from == to {
		return Move{Tag: tag, From: from, To: to}, nil
	}
	if err := m.pusher.Put(ctx, ref, m.content); err != nil {
		return Move{}, fmt.Errorf("moving tag %q to %s: %w", tag, to, err)
	}
	found, err := m.digest(ctx, ref)
	if err != nil {
		return Move{}, fmt.Errorf("reading tag %q back: %w", tag, err)
	}
	if found != to {
		return Move{}, ErrLostRace{Tag: tag, Wrote: to, Found: found}
	}
	return Move{Tag: tag, From: from, To: to}, nil
}

// digest is what the tag points to, "" when it does not exist.
func (m *mover) digest(ctx context.Context, ref name.Tag) (string, error) {
	return pointsTo(ctx, m.puller, ref)
}

func pointsTo(ctx context.Context, puller *remote.Puller, ref name.Tag) (string, error) {
	desc, err := puller.Head(ctx, ref)
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return desc.Digest.String(), nil
}
