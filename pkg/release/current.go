package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
)

// maxImages bounds an index; the longest platform lists have about twenty.
const maxImages = 128

// Current is what a tag points to.
type Current struct {
	Digest     v1.Hash
	MediaType  types.MediaType
	Compressed int64         // bytes: the layers as the registry stores them; the largest image of an index
	Manifests  []v1.Manifest // the image's manifest, or those of the index's images in order
	// Annotations are those of the image's manifest, or of the index.
	Annotations map[string]string
}

// Current reads what the tag points to, nil when there is no such tag or
// repository. An index is read one level deep: what it lists beside images is
// left out. An image that the index lists and the registry does not have is an
// error.
func (r Registry) Current(ctx context.Context, repo name.Repository, tag string) (*Current, error) {
	current, err := r.current(ctx, repo, tag)
	if err != nil {
		return nil, explain(fmt.Errorf("reading tag %q of %q: %w", tag, repo, err), repo)
	}
	return current, nil
}

func (r Registry) current(ctx context.Context, repo name.Repository, tag string) (*Current, error) {
	if !validTag(tag) {
		return nil, errors.New("found no valid tag")
	}
	puller, err := remote.NewPuller(r.options()...)
	if err != nil {
		return nil, err
	}
	top, err := puller.Get(ctx, repo.Tag(tag))
	if missing(err) {
		return nil, nil //nolint:nilnil // no tag is no Current, as documented
	}
	if err != nil {
		return nil, err
	}
	current := &Current{Digest: top.Digest, MediaType: top.MediaType}
	if !top.MediaType.IsIndex() {
		if err := current.add(top); err != nil {
			return nil, err
		}
		current.Annotations = current.Manifests[0].Annotations
		return current, nil
	}
	index, err := parseIndex(top)
	if err != nil {
		return nil, err
	}
	current.Annotations = index.Annotations
	for _, child := range index.Manifests {
		if !child.MediaType.IsImage() {
			continue
		}
		image, err := puller.Get(ctx, repo.Digest(child.Digest.String()))
		if missing(err) {
			return nil, hint.Wrap(
				fmt.Errorf("reading image %s: the index lists it and the registry does not have it", child.Digest),
				"delete the tag or move it to a complete image")
		}
		if err != nil {
			return nil, fmt.Errorf("reading image %s: %w", child.Digest, err)
		}
		if err := current.add(image); err != nil {
			return nil, err
		}
	}
	return current, nil
}

// parseIndex reads a list of images and other things.
func parseIndex(index *remote.Descriptor) (*v1.IndexManifest, error) {
	parsed, err := v1.ParseIndexManifest(bytes.NewReader(index.Manifest))
	if err != nil {
		return nil, fmt.Errorf("parsing index %s: %w", index.Digest, err)
	}
	if n := len(parsed.Manifests); n > maxImages {
		return nil, fmt.Errorf("reading index %s: found %d manifests, expected at most %d", index.Digest, n, maxImages)
	}
	return parsed, nil
}

func (c *Current) add(image *remote.Descriptor) error {
	if !image.MediaType.IsImage() {
		return fmt.Errorf("reading manifest %s: found media type %q, expected an image or an index", image.Digest, image.MediaType)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(image.Manifest))
	if err != nil {
		return fmt.Errorf("parsing manifest %s: %w", image.Digest, err)
	}
	var size int64
	for _, layer := range manifest.Layers {
		if size < 0 || layer.Size < 0 || layer.Size > math.MaxInt64-size {
			return fmt.Errorf("reading manifest %s: found impossible sizes", image.Digest)
		}
		size += layer.Size
	}
	if manifest.Config.Size < 0 {
		return fmt.Errorf("reading manifest %s: found impossible sizes", image.Digest)
	}
	c.Compressed = max(c.Compressed, size)
	c.Manifests = append(c.Manifests, *manifest)
	return nil
}
