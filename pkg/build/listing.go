package build

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

const (
	listDir  = "paths"  // of the cache: a file a layer, by digest
	maxLists = 64       // files in it; the oldest go
	maxList  = 64 << 20 // bytes of one, unpacked
)

// Inventory is what each image is made of, in the order of the platforms,
// layers from the bottom up. Our layers are listed from their entries, and no
// byte is read for it; one that nobody knows yet has no digest. Of base layers
// only the size is known, unless deep asks for their files: then each
// layer that the cache does not know is downloaded and unpacked once.
func (p *Product) Inventory(ctx context.Context, deep bool) ([]inventory.Inventory, error) {
	var all []inventory.Inventory
	for _, img := range p.Images {
		inv, err := img.inventory()
		if err != nil {
			return nil, err
		}
		for i, l := range img.baseLayers {
			if !deep {
				break
			}
			listed, err := p.cache.list(ctx, l)
			if err != nil {
				return nil, unpacking(err)
			}
			fill(&inv.Layers[i], listed)
		}
		all = append(all, inv)
	}
	return all, nil
}

// Local says whether a deep Inventory, and Unpacked, download nothing: the
// base is a file of the project, or the cache knows all of its layers.
func (p *Product) Local() bool {
	for _, img := range p.Images {
		descriptors, err := img.Base()
		if err != nil {
			return false
		}
		for _, d := range descriptors {
			if p.local {
				continue
			}
			if _, ok := p.cache.recall(d.Digest.String()); !ok {
				return false
			}
		}
	}
	return true
}

// inventory has the sizes of the base's layers and all that is known of ours.
func (i *Image) inventory() (inventory.Inventory, error) {
	inv := inventory.Inventory{Platform: i.Platform.String()}
	descriptors, err := i.Base()
	if err != nil {
		return inv, err
	}
	if len(descriptors) != len(i.baseLayers) {
		return inv, input(fmt.Errorf("reading the base: %d layers, but its manifest has %d", len(i.baseLayers), len(descriptors)))
	}
	for _, d := range descriptors {
		l := inventory.OfDescriptor(d)
		l.Kind = layer.KindBase
		inv.Layers = append(inv.Layers, l)
	}
	for _, own := range i.layers {
		l := inventory.OfLayer(own.Layer)
		if own.Known() {
			facts, err := own.Facts()
			if err != nil {
				return inv, err
			}
			l.Digest = facts.Digest.String()
		}
		if l.Size, err = own.Size(); err != nil {
			return inv, err
		}
		inv.Layers = append(inv.Layers, l)
	}
	return inv, nil
}

// fill takes over what a listing knows of a layer.
func fill(l *inventory.Layer, listed inventory.Layer) {
	l.Unpacked, l.Files, l.Listed, l.FileCount = listed.Unpacked, listed.Files, listed.Listed, listed.FileCount
}

// Recall fills in the files of the layers that the cache has listed, such as
// those of a predecessor's base, of which the manifest tells only the size. It
// asks nobody. A nil cache knows nothing.
func (c *Cache) Recall(inv inventory.Inventory) inventory.Inventory {
	inv.Layers = slices.Clone(inv.Layers)
	for i, l := range inv.Layers {
		if l.Listed == inventory.All {
			continue
		}
		if listed, ok := c.recall(l.Digest); ok {
			fill(&inv.Layers[i], listed)
		}
	}
	return inv
}

// unpacking explains an error of reading the base; one that no second try can
// help is the input's.
func unpacking(err error) error {
	wrapped := fmt.Errorf("unpacking a layer of the base: %w", err)
	if errors.Is(err, inventory.ErrLayer) {
		return input(wrapped)
	}
	return wrapped
}

// unpacked is the length of a layer's tar stream in bytes.
func (c *Cache) unpacked(ctx context.Context, l v1.Layer) (int64, error) {
	digest, err := l.Digest()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	n, ok := c.facts.Unpacked[digest.String()]
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	listed, err := c.list(ctx, l)
	return listed.Unpacked, err
}

// list reads a layer's files, and keeps what it found.
func (c *Cache) list(ctx context.Context, l v1.Layer) (inventory.Layer, error) {
	hash, err := l.Digest()
	if err != nil {
		return inventory.Layer{}, err
	}
	digest := hash.String()
	if listed, ok := c.recall(digest); ok {
		return listed, nil
	}
	r, err := l.Uncompressed()
	if err != nil {
		return inventory.Layer{}, err
	}
	defer r.Close()
	listed := inventory.Layer{Listed: inventory.All}
	if listed.Files, listed.Unpacked, err = inventory.Read(ctx, r); err != nil {
		return inventory.Layer{}, fmt.Errorf("%s: %w", digest, err)
	}
	for _, f := range listed.Files {
		if f.Type == inventory.Regular {
			listed.FileCount++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts.Unpacked[digest], c.dirty = listed.Unpacked, true
	if text := inventory.Encode(listed); len(text) <= maxList {
		c.lists[digest] = pack(text)
	}
	return listed, nil
}

// recall is a listing from memory or disk. One that cannot be read is none.
func (c *Cache) recall(digest string) (inventory.Layer, bool) {
	hash, err := v1.NewHash(digest)
	if c == nil || err != nil {
		return inventory.Layer{}, false
	}
	c.mu.Lock()
	packed, ok := c.lists[digest]
	c.mu.Unlock()
	var r io.Reader = bytes.NewReader(packed)
	if !ok {
		if c.dir == nil {
			return inventory.Layer{}, false
		}
		f, err := c.dir.Open(path.Join(listDir, hash.Hex+".gz"))
		if err != nil {
			return inventory.Layer{}, false
		}
		defer f.Close()
		r = f
	}
	text, err := unpack(r)
	if err != nil {
		return inventory.Layer{}, false
	}
	l, err := inventory.Decode(text)
	return l, err == nil
}

func pack(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text) // memory takes it all
	_ = w.Close()
	return b.Bytes()
}

func unpack(r io.Reader) (string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxList+1))
	return string(text), err
}

// saveLists writes the new listings, and makes room when there are too many.
func (c *Cache) saveLists() error {
	if len(c.lists) == 0 {
		return nil
	}
	if err := c.dir.MkdirAll(listDir, 0o755); err != nil {
		return err
	}
	for digest, packed := range c.lists {
		hash, err := v1.NewHash(digest)
		if err != nil {
			return err
		}
		if err := c.write(path.Join(listDir, hash.Hex+".gz"), packed); err != nil {
			return err
		}
	}
	clear(c.lists)
	return c.dropLists()
}

// dropLists removes the oldest listings beyond maxLists.
func (c *Cache) dropLists() error {
	entries, err := fs.ReadDir(c.dir.FS(), listDir)
	if err != nil || len(entries) <= maxLists {
		return err
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range infos[maxLists:] {
		if err := c.dir.Remove(path.Join(listDir, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
