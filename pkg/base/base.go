package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
)

// Scratch is the reference of the base that is empty.
const Scratch = "scratch"

// ErrPlatform is returned for a platform that the base does not offer.
var ErrPlatform = errors.New("the base does not offer the platform")

// ErrFile is returned for an oci: or tar: base that cannot be read.
var ErrFile = errors.New("the base is not readable")

// Options are where bases come from.
type Options struct {
	Project   *os.Root // for oci: and tar: references
	Keychain  authn.Keychain
	Transport http.RoundTripper // nil: remote.DefaultTransport
}

// Base is an image, or one image a platform, pinned to a digest.
type Base struct {
	Ref    string  // as asked for; a registry's is qualified with host and tag
	Digest v1.Hash // of the manifest or index; of a tarball, of the config; zero for scratch

	// find looks one platform's image up, without opening it.
	find      func(v1.Platform) (opener, error)
	platforms []string
}

// opener opens an image; of a registry's index it costs a request.
type opener func() (v1.Image, error)

// Pinned is the reference that will always mean the same image.
func (b Base) Pinned() string {
	if b.Digest == (v1.Hash{}) {
		return b.Ref
	}
	ref, _, _ := strings.Cut(b.Ref, "@")
	return ref + "@" + b.Digest.String()
}

// Platforms are those the base says it offers, in its order; empty for scratch,
// which runs anywhere.
func (b Base) Platforms() []string { return b.platforms }

// Image is the base's image for a platform; ErrPlatform when there is none.
func (b Base) Image(p v1.Platform) (v1.Image, error) {
	open, err := b.find(p)
	if err != nil {
		return nil, err
	}
	return open()
}

// Offers is nil for a platform that Image can open, and else ErrPlatform. It
// asks nobody.
func (b Base) Offers(p v1.Platform) error {
	_, err := b.find(p)
	return err
}

// Open finds the base behind a reference: scratch, oci:DIR, tar:FILE, or the
// name of an image in a registry.
func Open(ctx context.Context, ref string, o Options) (Base, error) {
	var b Base
	var err error
	kind, path, _ := strings.Cut(ref, ":")
	switch {
	case ref == Scratch:
		find := func(p v1.Platform) (opener, error) {
			return func() (v1.Image, error) { return scratch(p) }, nil
		}
		return Base{Ref: Scratch, find: find}, nil
	case kind == "oci":
		b, err = fromFile(o.Project, path, fromLayout)
	case kind == "tar":
		b, err = fromFile(o.Project, path, fromTarball)
	default:
		b, err = fromRegistry(ctx, ref, o)
	}
	if err != nil {
		return Base{}, fmt.Errorf("opening base %q: %w", ref, err)
	}
	return b, nil
}

// scratch is an image of nothing for the platform.
func scratch(p v1.Platform) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	return mutate.ConfigFile(img, config)
}

func fromRegistry(ctx context.Context, text string, o Options) (Base, error) {
	ref, err := name.ParseReference(text)
	if err != nil {
		return Base{}, err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(o.Keychain)}
	if o.Transport != nil {
		options = append(options, remote.WithTransport(o.Transport))
	}
	found, err := remote.Get(ref, options...)
	if err != nil {
		return Base{}, err
	}
	b := Base{Ref: ref.Name(), Digest: found.Digest}
	if found.MediaType.IsIndex() {
		idx, err := found.ImageIndex()
		if err != nil {
			return Base{}, err
		}
		return b.of(idx)
	}
	img, err := found.Image()
	if err != nil {
		return Base{}, err
	}
	return b.only(img)
}

func fromFile(project *os.Root, path string, open func(*os.Root, string) (Base, error)) (Base, error) {
	b, err := open(project, path)
	if err != nil {
		return Base{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return b, nil
}

func fromLayout(project *os.Root, dir string) (Base, error) {
	// Stat refuses a folder outside of the project; the layout itself can only
	// be read by its path.
	if _, err := project.Stat(filepath.Join(dir, "index.json")); err != nil {
		return Base{}, hint.Wrap(err, "oci: takes the folder of an OCI layout inside the project")
	}
	idx, err := layout.ImageIndexFromPath(filepath.Join(project.Name(), dir))
	if err != nil {
		return Base{}, err
	}
	manifest, err := idx.IndexManifest()
	if err != nil {
		return Base{}, err
	}
	if len(manifest.Manifests) != 1 {
		b := Base{Ref: "oci:" + dir}
		if b.Digest, err = idx.Digest(); err != nil {
			return Base{}, err
		}
		return b.of(idx)
	}
	only := manifest.Manifests[0]
	b := Base{Ref: "oci:" + dir, Digest: only.Digest}
	if only.MediaType.IsIndex() {
		inner, err := idx.ImageIndex(only.Digest)
		if err != nil {
			return Base{}, err
		}
		return b.of(inner)
	}
	img, err := idx.Image(only.Digest)
	if err != nil {
		return Base{}, err
	}
	return b.only(img)
}

// fromTarball pins to the config's digest: the tarball holds its layers
// uncompressed, so a manifest's digest would cost compressing all of them.
func fromTarball(project *os.Root, file string) (Base, error) {
	open := func() (io.ReadCloser, error) { return project.Open(file) }
	img, err := tarball.Image(open, nil)
	if err != nil {
		return Base{}, hint.Wrap(err, "tar: takes a file that docker save wrote, with one image in it, inside the project")
	}
	b := Base{Ref: "tar:" + file}
	if b.Digest, err = img.ConfigName(); err != nil {
		return Base{}, err
	}
	return b.only(img)
}

// only is the base of one image, which must be of the platform asked for.
func (b Base) only(img v1.Image) (Base, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return Base{}, fmt.Errorf("reading the base's config: %w", err)
	}
	has := v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	b.platforms = []string{has.String()}
	b.find = func(want v1.Platform) (opener, error) {
		if !covers(has, want) {
			return nil, b.lacks(want)
		}
		return func() (v1.Image, error) { return img, nil }, nil
	}
	return b, nil
}

// of is the base of an index. Entries that are no images to run, such as
// attestations under the platform unknown/unknown, are passed over.
func (b Base) of(idx v1.ImageIndex) (Base, error) {
	manifest, err := idx.IndexManifest()
	if err != nil {
		return Base{}, fmt.Errorf("reading the base's index: %w", err)
	}
	var images []v1.Descriptor
	for _, d := range manifest.Manifests {
		if d.MediaType.IsImage() && d.Platform != nil && d.Platform.OS != "unknown" {
			images = append(images, d)
			b.platforms = append(b.platforms, d.Platform.String())
		}
	}
	b.find = func(want v1.Platform) (opener, error) {
		for _, d := range images {
			if covers(*d.Platform, want) {
				return func() (v1.Image, error) { return idx.Image(d.Digest) }, nil
			}
		}
		return nil, b.lacks(want)
	}
	return b, nil
}

// covers compares what matters to a Linux node. A variant that was not asked
// for may be anything; v8 is what arm64 is without one.
func covers(has, want v1.Platform) bool {
	variant := func(p v1.Platform) string {
		if p.Architecture == "arm64" && p.Variant == "v8" {
			return ""
		}
		return p.Variant
	}
	return has.OS == want.OS && has.Architecture == want.Architecture &&
		(variant(want) == "" || variant(has) == variant(want))
}

func (b Base) lacks(want v1.Platform) error {
	return hint.Wrap(fmt.Errorf("base %q: %w %s; it has %s", b.Ref, ErrPlatform, want, strings.Join(b.platforms, ", ")),
		"change platforms in ai-ship.yaml, or take another base")
}
