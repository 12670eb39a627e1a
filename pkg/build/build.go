package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/model"
	"github.com/org/ai-ship/pkg/tree"
)

// ErrInput marks what is wrong with the files or the base that the config
// names, as against what is wrong with the network or with ai-ship.
var ErrInput = errors.New("build input")

// Spec is all that decides an image.
type Spec struct {
	Base        base.Base
	Platforms   []v1.Platform // at least one; two or more make an index
	App, Models []tree.Copy   // From may hold ${TARGETOS} and ${TARGETARCH} in App
	Config      Config
	Annotations map[string]string // of each manifest and of the index
	Created     time.Time         // whole seconds; zero: 1970
	// ModelDigests has the sha256 of each model file learned in the pass that
	// hashes its layer.
	ModelDigests bool
}

// Config is the part of the image's config that the user decides. Empty
// fields leave what the base has.
type Config struct {
	Entrypoint, Command []string
	User                string            // DefaultUser, or whatever the base knows
	Workdir             string            // absolute
	Env                 map[string]string // wins over the base's
	Ports               []string          // 8000/tcp
	Labels              map[string]string
}

// Known are the sources of facts about layers that need not be read again.
type Known struct {
	Predecessors []v1.Manifest // their layers are reused by recipe
	Cache        *Cache        // may be nil
}

// Product is what a build makes.
type Product struct {
	Images []*Image // in the order of the platforms
	Index  *Index   // nil when there is one image
	// NewestModel is the model file that was modified last, and when; empty
	// and zero without models.
	NewestModel   string
	ModelModified time.Time

	cache *Cache
	local bool // the base is in the project
}

// Files finds everything that goes into the image and builds it. No layer's
// bytes are read but those of compressed layers that nobody knows, and of plain
// ones that a predecessor seems to have.
func Files(ctx context.Context, project *os.Root, spec Spec, known Known) (*Product, error) {
	t, err := tree.New(project)
	if err != nil {
		return nil, input(err)
	}
	b := builder{spec: spec, known: known, tree: t, shared: make(map[string]*layer.Layer)}
	p := &Product{cache: known.Cache, local: strings.HasPrefix(spec.Base.Ref, "oci:") || strings.HasPrefix(spec.Base.Ref, "tar:")}
	if p.cache == nil {
		p.cache = newCache(nil, nil) // so that the base is read once for all who ask
	}
	models, err := b.models()
	if err != nil {
		return nil, input(err)
	}
	p.NewestModel, p.ModelModified, _ = model.Newest(models)
	for _, platform := range spec.Platforms {
		img, err := b.image(platform, models)
		if err != nil {
			return nil, input(err)
		}
		p.Images = append(p.Images, img)
	}
	if err := b.learn(ctx, p.Images); err != nil {
		return nil, input(err)
	}
	if len(p.Images) > 1 {
		p.Index = newIndex(p.Images, spec.Annotations)
	}
	return p, nil
}

// inputError is ErrInput without a word of its own.
type inputError struct{ error }

func (e inputError) Is(target error) bool { return target == ErrInput }
func (e inputError) Unwrap() error        { return e.error }

func input(err error) error { return inputError{err} }

type builder struct {
	spec   Spec
	known  Known
	tree   *tree.Tree
	shared map[string]*layer.Layer // by stamp, so that platforms share what is equal
}

func (b *builder) models() ([]tree.File, error) {
	var all []tree.File
	for _, c := range b.spec.Models {
		files, err := b.tree.Files(c)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

// image lays out one platform's image: base, home, models, app, so that what
// changes most is on top.
func (b *builder) image(p v1.Platform, models []tree.File) (*Image, error) {
	base, err := b.spec.Base.Image(p)
	if err != nil {
		return nil, err
	}
	img := &Image{Platform: p, base: base, annotations: b.spec.Annotations}
	mediaType, err := base.MediaType()
	if err != nil {
		return nil, fmt.Errorf("reading the base: %w", err)
	}
	img.docker = strings.HasPrefix(string(mediaType), "application/vnd.docker.")
	if img.baseLayers, err = base.Layers(); err != nil {
		return nil, fmt.Errorf("reading the base: %w", err)
	}
	specs, err := b.layers(p, models)
	if err != nil {
		return nil, err
	}
	for _, s := range specs {
		s.Docker = img.docker
		l, err := b.layer(s)
		if err != nil {
			return nil, err
		}
		img.layers = append(img.layers, Layer{Layer: l})
	}
	config, err := base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the base's config: %w", err)
	}
	img.config = b.spec.Config.over(config, p, b.spec.Created)
	img.prepare()
	return img, nil
}

// layer gives equal specs of two platforms one layer.
func (b *builder) layer(s layer.Spec) (*layer.Layer, error) {
	l, err := layer.New(s)
	if err != nil {
		return nil, err
	}
	stamp, _ := l.Stamp()
	if other, ok := b.shared[stamp]; ok {
		return other, nil
	}
	b.shared[stamp] = l
	return l, nil
}

// layers are one platform's layers, not yet read.
func (b *builder) layers(p v1.Platform, models []tree.File) ([]layer.Spec, error) {
	seen := make(sources)
	if err := seen.add(models); err != nil {
		return nil, err
	}
	var specs []layer.Spec
	if b.spec.Config.User == DefaultUser {
		specs = append(specs, home())
	}
	for i, group := range model.Bundle(models) {
		name := path.Base(group[0].Source)
		if len(group) > 1 {
			name = fmt.Sprintf("models, part %d: %d files", i+1, len(group))
		}
		s := spec(layer.KindModel, name, model.Compression(group), group)
		s.Digests = b.spec.ModelDigests
		specs = append(specs, s)
	}
	for _, c := range b.spec.App {
		c.From = strings.NewReplacer("${TARGETOS}", p.OS, "${TARGETARCH}", p.Architecture).Replace(c.From)
		files, err := b.tree.Files(c)
		if err != nil {
			return nil, err
		}
		if err := seen.add(files); err != nil {
			return nil, err
		}
		specs = append(specs, spec(layer.KindApp, c.From+" in "+c.To, layer.Gzip, files))
	}
	return specs, seen.check()
}

func spec(kind layer.Kind, name string, c layer.Compression, files []tree.File) layer.Spec {
	entries := make([]layer.Entry, len(files))
	for i, f := range files {
		entries[i] = f.Entry
	}
	return layer.Spec{Kind: kind, Name: name, Compression: c, Entries: layer.WithParents(entries)}
}

// sources maps every path of the image to the file it comes from.
type sources map[string]string

// add refuses two files for one path.
func (s sources) add(files []tree.File) error {
	for _, f := range files {
		if other, ok := s[f.Path]; ok {
			return hint.Wrap(fmt.Errorf("two files for /%s: %q and %q", f.Path, other, f.Source),
				"change one of the two from: or to: entries")
		}
		s[f.Path] = f.Source
	}
	return nil
}

// check refuses a file where another path needs a directory.
func (s sources) check() error {
	for _, p := range slices.Sorted(maps.Keys(s)) {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if file, ok := s[dir]; ok {
				return hint.Wrap(fmt.Errorf("two files for /%s: it is %q, and also the directory of %q", dir, file, s[p]),
					"change one of the two from: or to: entries")
			}
		}
	}
	return nil
}

// learn takes over what is known about layers, and reads what has to be known
// before a push. Each shared layer is looked at once.
func (b *builder) learn(ctx context.Context, images []*Image) error {
	recipes := predecessors(b.known.Predecessors)
	reused := make(map[*layer.Layer]*bool)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, img := range images {
		for _, l := range img.layers {
			if _, ok := reused[l.Layer]; ok {
				continue
			}
			took := new(bool)
			reused[l.Layer] = took
			group.Go(func() (err error) {
				if err := ctx.Err(); err != nil {
					return err
				}
				*took, err = b.take(l.Layer, recipes)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, img := range images {
		for i := range img.layers {
			img.layers[i].Reused = *reused[img.layers[i].Layer]
		}
	}
	return nil
}

// take makes a layer known if anybody knows it already, and compresses it if
// it must be known and nobody does.
func (b *builder) take(l *layer.Layer, recipes recipes) (reused bool, err error) {
	if b.known.Cache.adopt(l) {
		return true, nil
	}
	size, plain := l.PlainSize()
	if plain && !recipes.sizes[size] {
		return false, nil // nobody has it: the push will hash it
	}
	recipe, err := l.Recipe()
	if err != nil {
		return false, err
	}
	if d, ok := recipes.byRecipe[recipe]; ok {
		return true, l.Reuse(d)
	}
	_, err = l.Facts()
	return false, err
}

// recipes are the layers of predecessors that can be taken over.
type recipes struct {
	byRecipe map[string]v1.Descriptor
	sizes    map[int64]bool // stored sizes; a plain layer of another size cannot be among them
}

func predecessors(manifests []v1.Manifest) recipes {
	r := recipes{byRecipe: make(map[string]v1.Descriptor), sizes: make(map[int64]bool)}
	for _, m := range manifests {
		for _, d := range m.Layers {
			if recipe := d.Annotations[layer.RecipeAnnotation]; recipe != "" {
				r.byRecipe[recipe] = d
				r.sizes[d.Size] = true
			}
		}
	}
	return r
}

// home is the default user's home directory, the one place it may write.
func home() layer.Spec {
	return layer.Spec{Kind: layer.KindConfig, Name: "home of " + DefaultUser, Compression: layer.Gzip, Entries: []layer.Entry{
		{Path: strings.TrimPrefix(defaultHome, "/"), Mode: fs.ModeDir, UID: defaultUID, GID: defaultUID},
	}}
}
