package sigstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

const (
	bundleType  = "application/vnd.dev.sigstore.bundle.v0.3+json"
	emptyConfig = "application/vnd.oci.empty.v1+json"
	// writers is how many referrers are sent at a time.
	writers = 4
)

// artifact is a bundle's manifest. Its bytes follow from the bundle and the
// subject alone, so that writing it again changes nothing.
type artifact struct {
	layers []v1.Layer // the empty config, then the bundle
	raw    []byte
	digest v1.Hash
}

var _ remote.Taggable = (*artifact)(nil)

func (a *artifact) RawManifest() ([]byte, error)        { return a.raw, nil }
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// newArtifact wraps a bundle for the subject, as cosign does.
func newArtifact(subject v1.Descriptor, predicateType string, bundle []byte) (*artifact, error) {
	a := &artifact{layers: []v1.Layer{static.NewLayer([]byte("{}"), emptyConfig), static.NewLayer(bundle, bundleType)}}
	var described []v1.Descriptor
	for _, l := range a.layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		size, err := l.Size()
		if err != nil {
			return nil, err
		}
		kind, err := l.MediaType()
		if err != nil {
			return nil, err
		}
		described = append(described, v1.Descriptor{MediaType: kind, Digest: digest, Size: size})
	}
	raw, err := json.Marshal(struct {
		v1.Manifest
		ArtifactType string `json:"artifactType"` // ggcr's manifest has none
	}{
		Manifest: v1.Manifest{
			SchemaVersion: 2,
			MediaType:     types.OCIManifestSchema1,
			Config:        described[0],
			Layers:        described[1:],
			Subject:       &v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
			Annotations: map[string]string{
				"dev.sigstore.bundle.content":       "dsse-envelope",
				"dev.sigstore.bundle.predicateType": predicateType,
			},
		},
		ArtifactType: bundleType,
	})
	if err != nil {
		return nil, err
	}
	a.raw = raw
	a.digest, err = sum(raw)
	return a, err
}

// shelf is a digest's list of referrers, as a place to write to.
type shelf struct {
	client  *client
	subject name.Digest
	api     bool // as the last list said
}

// put writes those that are missing. Where the registry keeps the list they
// travel at the same time; else each rewrites the fallback tag.
func (s *shelf) put(ctx context.Context, artifacts []*artifact) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1)
	if s.api {
		group.SetLimit(writers)
	}
	for _, a := range artifacts {
		group.Go(func() error { return s.send(ctx, a) })
	}
	return group.Wait()
}

func (s *shelf) send(ctx context.Context, a *artifact) error {
	options := s.client.options(ctx)
	for _, l := range a.layers {
		if err := remote.WriteLayer(s.client.repo, l, options...); err != nil {
			return fmt.Errorf("uploading a bundle: %w", err)
		}
	}
	if err := remote.Put(s.client.repo.Digest(a.digest.String()), a, options...); err != nil {
		return fmt.Errorf("writing referrer %s: %w", a.digest, err)
	}
	return nil
}

// missing are those that the registry does not list.
func (s *shelf) missing(ctx context.Context, artifacts []*artifact) ([]*artifact, error) {
	found, err := s.client.referrers(ctx, s.subject)
	if err != nil {
		return nil, err
	}
	s.api = found.api
	var lost []*artifact
	for _, a := range artifacts {
		if !found.has(a.digest.String()) {
			lost = append(lost, a)
		}
	}
	return lost, nil
}

// kept says whether one look is enough: where the registry keeps the list
// itself, no other writer can undo an entry.
func (s *shelf) kept() bool { return s.api }
