package build

import (
	"encoding/json"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Index is one image a platform, in the order of the config.
type Index struct {
	images      []*Image
	annotations map[string]string
	docker      bool
	assemble    func() ([]byte, error) // once
}

var _ v1.ImageIndex = (*Index)(nil)

func newIndex(images []*Image, annotations map[string]string) *Index {
	x := &Index{images: images, annotations: annotations, docker: images[0].docker}
	x.assemble = sync.OnceValues(func() ([]byte, error) {
		manifest, err := x.IndexManifest()
		if err != nil {
			return nil, err
		}
		return json.Marshal(manifest)
	})
	return x
}

// Manifests are the index's images. Unlike IndexManifest it does not ask for
// their digests, so that their layers can be sent before they are known.
func (x *Index) Manifests() ([]partial.Describable, error) {
	images := make([]partial.Describable, len(x.images))
	for i, img := range x.images {
		images[i] = img
	}
	return images, nil
}

// MediaType of the index: of the base's family.
func (x *Index) MediaType() (types.MediaType, error) {
	if x.docker {
		return types.DockerManifestList, nil
	}
	return types.OCIImageIndex, nil
}

// IndexManifest lists each platform once.
func (x *Index) IndexManifest() (*v1.IndexManifest, error) {
	mediaType, err := x.MediaType()
	if err != nil {
		return nil, err
	}
	m := &v1.IndexManifest{SchemaVersion: 2, MediaType: mediaType, Annotations: x.annotations}
	for _, img := range x.images {
		d, err := partial.Descriptor(img)
		if err != nil {
			return nil, fmt.Errorf("describing the image for %s: %w", img.Platform, err)
		}
		d.Platform = img.Platform.DeepCopy()
		m.Manifests = append(m.Manifests, *d)
	}
	return m, nil
}

// RawManifest is the index's JSON.
func (x *Index) RawManifest() ([]byte, error) { return x.assemble() }

// Digest of the index.
func (x *Index) Digest() (v1.Hash, error) { return partial.Digest(x) }

// Size of the index's JSON in bytes.
func (x *Index) Size() (int64, error) { return partial.Size(x) }

// Image finds an image by its manifest's digest.
func (x *Index) Image(h v1.Hash) (v1.Image, error) {
	for _, img := range x.images {
		if got, err := img.Digest(); err != nil {
			return nil, err
		} else if got == h {
			return img, nil
		}
	}
	return nil, fmt.Errorf("looking for image %s: the index has none of that digest", h)
}

// ImageIndex finds nothing: indexes are not nested here.
func (x *Index) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	return nil, fmt.Errorf("looking for index %s: the index holds images only", h)
}
