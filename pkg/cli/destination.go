package cli

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/progress"
	"github.com/org/ai-ship/pkg/publish"
)

// The places that an image can go to.
const (
	toRegistry = "registry"
	toLayout   = "oci"
	toTarball  = "tar"
	toDaemon   = "docker"
)

type destination struct {
	kind string
	path string // of a layout or a tarball
}

func (f runFlags) destination() (destination, error) {
	if f.load {
		return destination{kind: toDaemon}, nil
	}
	if f.output == "" {
		return destination{kind: toRegistry}, nil
	}
	kind, path, _ := strings.Cut(f.output, ":")
	if (kind != toLayout && kind != toTarball) || path == "" {
		return destination{}, fmt.Errorf("--output %q: expected oci:DIR or tar:FILE", f.output)
	}
	return destination{kind: kind, path: path}, nil
}

func (d destination) publisher(jobs int, p plan.Plan, keys authn.Keychain, show *progress.Progress) pipeline.Publisher {
	switch d.kind {
	case toLayout:
		return func(ctx context.Context, a publish.Artifact) (pipeline.Published, error) {
			return pipeline.Published{}, publish.WriteLayout(ctx, d.path, a, p.Release.Version)
		}
	case toTarball, toDaemon:
		return func(ctx context.Context, a publish.Artifact) (pipeline.Published, error) {
			return d.single(ctx, a, p.Target.Tag(p.Release.Version))
		}
	default:
		registry := publish.Registry{Keychain: keys, Jobs: jobs, Progress: shown(show)}
		return func(ctx context.Context, a publish.Artifact) (pipeline.Published, error) {
			done, err := registry.Push(ctx, p.Target, a)
			if err != nil {
				return pipeline.Published{}, err
			}
			return pipeline.Published{
				Digest: &done.Digest, Transfer: done.Transfer, Origins: done.Origins,
			}, nil
		}
	}
}

// single publishes to where only one platform's image fits.
func (d destination) single(ctx context.Context, a publish.Artifact, ref name.Tag) (pipeline.Published, error) {
	img, err := imageOf(a)
	if err != nil {
		return pipeline.Published{}, err
	}
	if d.kind == toDaemon {
		return pipeline.Published{}, publish.Load(ctx, ref, img)
	}
	return pipeline.Published{}, publish.WriteTarball(ctx, d.path, ref, img)
}

// imageOf takes this machine's platform out of an index.
func imageOf(a publish.Artifact) (v1.Image, error) {
	if img, ok := a.(v1.Image); ok {
		return img, nil
	}
	idx, ok := a.(*build.Index)
	if !ok {
		return nil, fmt.Errorf("writing a %T: expected an image or an index", a)
	}
	children, err := idx.Manifests()
	if err != nil {
		return nil, err
	}
	for _, child := range children {
		if img, ok := child.(*build.Image); ok && img.Platform.OS == "linux" && img.Platform.Architecture == runtime.GOARCH {
			return img, nil
		}
	}
	return nil, hint.Wrap(fmt.Errorf("choosing one of %d platforms: none is linux/%s", len(children), runtime.GOARCH),
		"use --output oci:DIR, which holds them all, or set platforms in ai-ship.yaml to one")
}

// shown passes a push's events to the display. Blobs that do not move are not
// worth a bar.
func shown(show *progress.Progress) func(publish.Event) {
	return func(e publish.Event) {
		if e.Origin != "" && e.Origin != publish.Uploaded {
			return
		}
		label := e.Name
		if _, hex, ok := strings.Cut(e.Digest, ":"); ok && (label == "layer" || label == "config") {
			label += " " + hex[:12]
		}
		show.Update(label, e.Done, e.Total, "")
	}
}

func (p Process) progress() *progress.Progress {
	return progress.New(p.Err, progress.Options{Terminal: p.ErrWidth > 0 && p.Getenv("CI") == "", Width: p.ErrWidth})
}
