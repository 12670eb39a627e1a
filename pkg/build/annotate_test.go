package build_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
)

// Annotations that come later change the manifest that tags point to, never
// win over the plan's, and leave the product and its layers as they were.
func TestAnnotated(t *testing.T) {
	later := map[string]string{"dev.ai-ship.test": "1", "org.opencontainers.image.version": "9"}
	want := map[string]string{"dev.ai-ship.test": "1", "org.opencontainers.image.version": "1.0.0"}
	s := spec(t)
	p := make1(t, project(t, false), s, build.Known{})
	before := digest(t, p)
	if p.Annotated(nil) != p {
		t.Error("nothing to add made another product")
	}
	added := p.Annotated(later)
	manifest := predecessor(t, added)
	if diff := cmp.Diff(want, manifest.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(predecessor(t, p).Layers, manifest.Layers); diff != "" {
		t.Errorf("layers (-before +after):\n%s", diff)
	}
	if got := digest(t, p); got != before || digest(t, added) == before {
		t.Errorf("digest %s, want %s; annotated %s", got, before, digest(t, added))
	}

	s.Platforms = []v1.Platform{amd64, arm64}
	p = make1(t, project(t, false), s, build.Known{})
	index, err := p.Annotated(later).Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, index.Annotations); diff != "" {
		t.Errorf("index annotations (-want +got):\n%s", diff)
	}
	for _, d := range index.Manifests {
		img, err := p.Index.Image(d.Digest)
		if err != nil || img == nil {
			t.Errorf("image %s changed: %v", d.Digest, err)
		}
	}
	if _, err := p.Index.Image(v1.Hash{}); err == nil || !strings.Contains(err.Error(), "the index has none of that digest") {
		t.Errorf("Image of no digest: %v", err)
	}
	if _, err := p.Index.ImageIndex(v1.Hash{}); err == nil || !strings.Contains(err.Error(), "the index holds images only") {
		t.Errorf("ImageIndex: %v", err)
	}
}
