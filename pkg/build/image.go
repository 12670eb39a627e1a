package build

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

// KindAnnotation tells on a descriptor what its layer is for.
const KindAnnotation = inventory.KindAnnotation

// Image is a base with layers on top: a v1.Image whose manifest and config are
// put together at the first question that needs them. It is safe for
// concurrent use.
type Image struct {
	Platform v1.Platform

	base        v1.Image
	baseLayers  []v1.Layer
	layers      []Layer
	config      v1.ConfigFile // without our layers' diffIDs
	annotations map[string]string
	docker      bool

	assemble func() (assembled, error) // once
}

// Layer is one of our layers and how its bytes came to be known.
type Layer struct {
	*layer.Layer
	Reused bool // its facts were taken from a predecessor or the cache
}

type assembled struct {
	config, manifest []byte
	parsed           *v1.Manifest
	file             *v1.ConfigFile
}

var _ v1.Image = (*Image)(nil)

func (i *Image) prepare() {
	i.assemble = sync.OnceValues(i.put)
}

// put reads whatever layer is still unknown.
func (i *Image) put() (assembled, error) {
	base, err := i.base.Manifest()
	if err != nil {
		return assembled{}, fmt.Errorf("reading the base's manifest: %w", err)
	}
	file := i.config.DeepCopy()
	manifest := &v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Layers: make([]v1.Descriptor, 0, len(base.Layers)+len(i.layers)), Annotations: i.annotations,
	}
	config := v1.Descriptor{MediaType: types.OCIConfigJSON}
	if i.docker {
		manifest.MediaType, config.MediaType = types.DockerManifestSchema2, types.DockerConfigJSON
	}
	for _, d := range base.Layers {
		manifest.Layers = append(manifest.Layers, asBase(d))
	}
	for _, l := range i.layers {
		d, diffID, err := l.descriptor()
		if err != nil {
			return assembled{}, err
		}
		manifest.Layers = append(manifest.Layers, d)
		file.RootFS.DiffIDs = append(file.RootFS.DiffIDs, diffID)
		file.History = append(file.History, v1.History{Created: file.Created, CreatedBy: "ai-ship " + string(l.Kind()) + ": " + l.Name()})
	}
	a := assembled{parsed: manifest, file: file}
	if a.config, err = json.Marshal(file); err != nil {
		return assembled{}, fmt.Errorf("writing the image's config: %w", err)
	}
	if config.Digest, config.Size, err = v1.SHA256(bytes.NewReader(a.config)); err != nil {
		return assembled{}, err
	}
	manifest.Config = config
	if a.manifest, err = json.Marshal(manifest); err != nil {
		return assembled{}, fmt.Errorf("writing the image's manifest: %w", err)
	}
	return a, nil
}

// asBase corrects the kind of a layer that ai-ship built into the base: what
// is an app there is not this image's.
func asBase(d v1.Descriptor) v1.Descriptor {
	if d.Annotations[KindAnnotation] != "" {
		d.Annotations = maps.Clone(d.Annotations)
		d.Annotations[KindAnnotation] = string(layer.KindBase)
	}
	return d
}

func (l Layer) descriptor() (v1.Descriptor, v1.Hash, error) {
	facts, err := l.Facts()
	if err != nil {
		return v1.Descriptor{}, v1.Hash{}, err
	}
	recipe, err := l.Recipe()
	if err != nil {
		return v1.Descriptor{}, v1.Hash{}, err
	}
	mediaType, err := l.MediaType()
	if err != nil {
		return v1.Descriptor{}, v1.Hash{}, err
	}
	return v1.Descriptor{
		MediaType: mediaType, Size: facts.Size, Digest: facts.Digest,
		Annotations: map[string]string{
			layer.RecipeAnnotation: recipe, KindAnnotation: string(l.Kind()),
			inventory.PathsAnnotation: inventory.Summary(inventory.OfLayer(l.Layer)),
		},
	}, facts.DiffID, nil
}

// Layers are the base's, then ours, from the bottom up. Ours may not know
// their digest yet; nothing is read.
func (i *Image) Layers() ([]v1.Layer, error) {
	all := append([]v1.Layer{}, i.baseLayers...)
	for _, l := range i.layers {
		all = append(all, l.Layer)
	}
	return all, nil
}

// Own are the layers that this build adds, from the bottom up.
func (i *Image) Own() []Layer { return i.layers }

// MediaType of the manifest: of the base's family.
func (i *Image) MediaType() (types.MediaType, error) {
	if i.docker {
		return types.DockerManifestSchema2, nil
	}
	return types.OCIManifestSchema1, nil
}

// RawManifest is the manifest's JSON.
func (i *Image) RawManifest() ([]byte, error) {
	a, err := i.assemble()
	return a.manifest, err
}

// Manifest is the manifest, which callers must not change.
func (i *Image) Manifest() (*v1.Manifest, error) {
	a, err := i.assemble()
	return a.parsed, err
}

// RawConfigFile is the config's JSON.
func (i *Image) RawConfigFile() ([]byte, error) {
	a, err := i.assemble()
	return a.config, err
}

// ConfigFile is the config, which callers must not change.
func (i *Image) ConfigFile() (*v1.ConfigFile, error) {
	a, err := i.assemble()
	return a.file, err
}

// ConfigName is the digest of the config, which Docker calls the image's ID.
func (i *Image) ConfigName() (v1.Hash, error) { return partial.ConfigName(i) }

// Digest of the manifest.
func (i *Image) Digest() (v1.Hash, error) { return partial.Digest(i) }

// Size of the manifest in bytes.
func (i *Image) Size() (int64, error) { return partial.Size(i) }

// LayerByDigest finds a layer, or the config, by the digest of its stored form.
func (i *Image) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if name, err := i.ConfigName(); err != nil {
		return nil, err
	} else if name == h {
		return partial.ConfigLayer(i)
	}
	return i.find(h, v1.Layer.Digest)
}

// LayerByDiffID finds a layer by the digest of its tar stream.
func (i *Image) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return i.find(h, v1.Layer.DiffID) }

func (i *Image) find(h v1.Hash, by func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	layers, err := i.Layers()
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		if got, err := by(l); err != nil {
			return nil, err
		} else if got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("looking for layer %s: the image has none of that digest", h)
}

// Base is what the base's layers are, from the bottom up.
func (i *Image) Base() ([]v1.Descriptor, error) {
	m, err := i.base.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading the base's manifest: %w", err)
	}
	return m.Layers, nil
}

// Known says whether the digest can be told without reading a layer.
func (i *Image) Known() bool {
	for _, l := range i.layers {
		if !l.Known() {
			return false
		}
	}
	return true
}
