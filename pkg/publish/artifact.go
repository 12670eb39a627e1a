package publish

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxDepth bounds how deep indexes may hold indexes.
const maxDepth = 8

// Artifact is a v1.Image or a v1.ImageIndex; nothing else can be published.
//
// An index of images whose layers are not known yet must offer
// Manifests() ([]partial.Describable, error), as ggcr's mutated indexes do: its
// children are needed before its manifest can be written.
type Artifact interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	Size() (int64, error)
	RawManifest() ([]byte, error)
}

// View is a layer whose bytes can be opened anywhere, and whose digest may not
// be known yet.
type View interface {
	v1.Layer
	// Known says that Digest and Size answer without reading. While it is
	// false, Size still answers at once, and Digest answers without reading
	// after one reader from OpenAt(0) was read to io.EOF.
	Known() bool
	// OpenAt opens the layer as the registry stores it, from offset bytes on.
	// The caller closes it.
	OpenAt(offset int64) (io.ReadCloser, error)
}

// contents is an artifact taken apart, each list in the order of writing.
type contents struct {
	layers  []v1.Layer // each to be sent once; foreign ones left out
	images  []v1.Image
	indexes []v1.ImageIndex // children before parents

	seen map[any]bool // layers by digest, or by identity while it is unknown
}

func takeApart(a Artifact) (*contents, error) {
	c := &contents{seen: make(map[any]bool)}
	if err := c.add(a, 0); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *contents) add(part any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("reading index: indexes inside indexes are %d deep, at most %d are allowed", depth, maxDepth)
	}
	switch p := part.(type) {
	case v1.ImageIndex:
		children, err := partial.Manifests(p)
		if err != nil {
			return fmt.Errorf("reading index: %w", err)
		}
		for _, child := range children {
			if err := c.add(child, depth+1); err != nil {
				return err
			}
		}
		c.indexes = append(c.indexes, p)
		return nil
	case v1.Image:
		c.images = append(c.images, p)
		layers, err := p.Layers()
		if err != nil {
			return fmt.Errorf("reading layers: %w", err)
		}
		for i, l := range layers {
			if err := c.addLayer(l); err != nil {
				return fmt.Errorf("reading layer %d of %d: %w", i+1, len(layers), err)
			}
		}
		return nil
	default:
		return fmt.Errorf("reading artifact: a %T is neither an image nor an index", part)
	}
}

func (c *contents) addLayer(l v1.Layer) error {
	media, err := l.MediaType()
	if err != nil {
		return err
	}
	if !media.IsDistributable() {
		return nil // lives at the URLs that its descriptor gives
	}
	key, err := identity(l)
	if err != nil {
		return err
	}
	if key != nil && c.seen[key] {
		return nil
	}
	c.seen[key] = true
	c.layers = append(c.layers, l)
	return nil
}

// identity is a key that two occurrences of one layer share; nil when there is none.
func identity(l v1.Layer) (any, error) {
	if v, ok := l.(View); ok && !v.Known() {
		if reflect.ValueOf(l).Comparable() {
			return l, nil
		}
		return nil, nil //nolint:nilnil // nil is the answer: no key
	}
	return l.Digest()
}

// mounts are the other repositories of the target's registry that layers can
// be mounted from, sorted.
func (c *contents) mounts(target name.Repository) []name.Repository {
	var repos []name.Repository
	for _, l := range c.layers {
		if from, ok := mountSource(l, target); ok {
			repos = append(repos, from)
		}
	}
	slices.SortFunc(repos, func(a, b name.Repository) int { return cmp.Compare(a.Name(), b.Name()) })
	return slices.CompactFunc(repos, func(a, b name.Repository) bool { return a.Name() == b.Name() })
}

func mountSource(l v1.Layer, target name.Repository) (name.Repository, bool) {
	m, ok := l.(*remote.MountableLayer)
	if !ok || m.Reference == nil {
		return name.Repository{}, false
	}
	from := m.Reference.Context()
	if from.RegistryStr() != target.RegistryStr() || from.RepositoryStr() == target.RepositoryStr() {
		return name.Repository{}, false
	}
	return from, true
}
