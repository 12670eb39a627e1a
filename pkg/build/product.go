package build

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/layer"
)

// Artifact is the product as the one thing that is published: the image, or
// the index over its images.
func (p *Product) Artifact() interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	Size() (int64, error)
	RawManifest() ([]byte, error)
} {
	if p.Index != nil {
		return p.Index
	}
	return p.Images[0]
}

// Compressed is the stored size in bytes of the largest image: its layers as
// the registry holds them.
func (p *Product) Compressed() (int64, error) {
	var largest int64
	for _, img := range p.Images {
		var sum int64
		layers, err := img.Layers()
		if err != nil {
			return 0, err
		}
		for _, l := range layers {
			size, err := l.Size()
			if err != nil {
				return 0, fmt.Errorf("measuring a layer: %w", err)
			}
			sum += size
		}
		largest = max(largest, sum)
	}
	return largest, nil
}

// Unpacked is the size in bytes of the largest image's tar streams, which is
// about what it takes on a node's disk. The base's layers have to be read and
// unpacked for it, unless the cache knows them; Inventory shares that read.
func (p *Product) Unpacked(ctx context.Context) (int64, error) {
	var largest int64
	for _, img := range p.Images {
		var sum int64
		for _, l := range img.baseLayers {
			n, err := p.cache.unpacked(ctx, l)
			if err != nil {
				return 0, unpacking(err)
			}
			sum += n
		}
		for _, l := range img.layers {
			sum += l.Unpacked()
		}
		largest = max(largest, sum)
	}
	return largest, nil
}

// ModelFile is a model file and what it holds.
type ModelFile struct {
	Path   string // in the image, without leading slash
	Size   int64  // bytes
	SHA256 string // hex
}

// ModelFiles are the files of the model layers of the images, each path once,
// with what Spec.ModelDigests had learned. A layer that was known before anybody
// asked for its files, from a cache, is read for them now.
func ModelFiles(images []*Image) ([]ModelFile, error) {
	var all []ModelFile
	seen := make(map[string]bool)
	for _, img := range images {
		for _, l := range img.layers {
			if l.Kind() != layer.KindModel {
				continue
			}
			digests, err := l.Digested()
			if err != nil {
				return nil, err
			}
			for _, e := range l.Entries() {
				if e.Content == nil {
					continue
				}
				f := ModelFile{Path: e.Path, Size: e.Content.Size(), SHA256: digests[0]}
				digests = digests[1:]
				if !seen[f.Path] {
					seen[f.Path] = true
					all = append(all, f)
				}
			}
		}
	}
	return all, nil
}

// Remember gives the cache what is known of the product's layers by now. A nil
// cache takes nothing.
func (p *Product) Remember() {
	for _, img := range p.Images {
		for _, l := range img.layers {
			p.cache.store(l.Layer)
		}
	}
}
