package base_test

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/hint"
)

var (
	amd64   = v1.Platform{OS: "linux", Architecture: "amd64"}
	arm64   = v1.Platform{OS: "linux", Architecture: "arm64"}
	riscv64 = v1.Platform{OS: "linux", Architecture: "riscv64"}
)

func image(t *testing.T, p v1.Platform) v1.Image {
	t.Helper()
	img, err := random.Image(512, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func index(t *testing.T, platforms ...v1.Platform) v1.ImageIndex {
	t.Helper()
	idx := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: image(t, p), Descriptor: v1.Descriptor{Platform: &p}})
	}
	unknown := v1.Platform{OS: "unknown", Architecture: "unknown"}
	return mutate.AppendManifests(idx, mutate.IndexAddendum{Add: image(t, unknown), Descriptor: v1.Descriptor{Platform: &unknown}})
}

func options(t *testing.T) base.Options {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return base.Options{Project: root, Keychain: authn.DefaultKeychain}
}

func digest(t *testing.T, d interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// check opens the base and compares the amd64 image's config with want's.
func check(t *testing.T, ref string, o base.Options, pin v1.Hash, want v1.Image) base.Base {
	t.Helper()
	b, err := base.Open(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	if b.Digest != pin || !strings.HasSuffix(b.Pinned(), "@"+pin.String()) {
		t.Errorf("pinned to %s (%s), want %s", b.Digest, b.Pinned(), pin)
	}
	img, err := b.Image(amd64)
	if err != nil {
		t.Fatal(err)
	}
	got, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := want.ConfigName(); got != id {
		t.Errorf("image %s, want %s", got, id)
	}
	if _, err := b.Image(riscv64); !errors.Is(err, base.ErrPlatform) || !strings.Contains(err.Error(), "linux/riscv64; it has linux/amd64") {
		t.Errorf("riscv64: %v", err)
	} else if len(hint.Of(err)) == 0 {
		t.Error("riscv64: no hint")
	}
	return b
}

func TestRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	o := options(t)

	img := image(t, amd64)
	single, _ := name.NewTag(host + "/acme/python:3.11")
	if err := remote.Write(single, img); err != nil {
		t.Fatal(err)
	}
	b := check(t, single.String(), o, digest(t, img), img)
	check(t, b.Pinned(), o, digest(t, img), img)

	idx := index(t, amd64, arm64)
	multi, _ := name.NewTag(host + "/acme/python:3.12")
	if err := remote.WriteIndex(multi, idx); err != nil {
		t.Fatal(err)
	}
	manifest, _ := idx.IndexManifest()
	first, _ := idx.Image(manifest.Manifests[0].Digest)
	b = check(t, multi.String(), o, digest(t, idx), first)
	if got := strings.Join(b.Platforms(), " "); got != "linux/amd64 linux/arm64" {
		t.Errorf("platforms %q", got)
	}
	v8 := arm64
	v8.Variant = "v8"
	if _, err := b.Image(v8); err != nil {
		t.Errorf("arm64/v8: %v", err)
	}
	if _, err := base.Open(t.Context(), host+"/acme/none:1", o); err == nil || !strings.Contains(err.Error(), "opening base") {
		t.Errorf("missing: %v", err)
	}
}

func TestLayout(t *testing.T) {
	o := options(t)
	img := image(t, amd64)
	single, err := layout.Write(filepath.Join(o.Project.Name(), "single"), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := single.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	check(t, "oci:single", o, digest(t, img), img)

	idx := index(t, amd64, arm64)
	nested, err := layout.Write(filepath.Join(o.Project.Name(), "nested"), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := nested.AppendIndex(idx); err != nil {
		t.Fatal(err)
	}
	manifest, _ := idx.IndexManifest()
	first, _ := idx.Image(manifest.Manifests[0].Digest)
	check(t, "oci:nested", o, digest(t, idx), first)

	if _, err := layout.Write(filepath.Join(o.Project.Name(), "flat"), idx); err != nil {
		t.Fatal(err)
	}
	check(t, "oci:flat", o, digest(t, idx), first)
}

func TestTarball(t *testing.T) {
	o := options(t)
	img := image(t, amd64)
	ref, _ := name.NewTag("acme/python:3.11")
	if err := tarball.WriteToFile(filepath.Join(o.Project.Name(), "base.tar"), ref, img); err != nil {
		t.Fatal(err)
	}
	id, _ := img.ConfigName()
	check(t, "tar:base.tar", o, id, img)
}

func TestScratch(t *testing.T) {
	b, err := base.Open(t.Context(), base.Scratch, options(t))
	if err != nil {
		t.Fatal(err)
	}
	img, err := b.Image(arm64)
	if err != nil {
		t.Fatal(err)
	}
	config, _ := img.ConfigFile()
	mediaType, _ := img.MediaType()
	if config.Architecture != "arm64" || mediaType != types.OCIManifestSchema1 || b.Pinned() != "scratch" {
		t.Errorf("architecture %q, media type %s, pinned %q", config.Architecture, mediaType, b.Pinned())
	}
}

func TestOpenRefuses(t *testing.T) {
	o := options(t)
	outside := t.TempDir()
	if _, err := layout.Write(outside, empty.Index); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(o.Project.Name(), "door")); err != nil {
		t.Fatal(err)
	}
	notTar := filepath.Join(o.Project.Name(), "no.tar")
	f, err := os.Create(notTar)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	w.Close()
	f.Close()
	for ref, want := range map[string]string{
		"oci:none":      "no such file",
		"oci:../x":      "escapes",
		"oci:door":      "escapes",
		"tar:../x":      "escapes",
		"tar:none":      "no such file",
		"tar:no.tar":    "manifest.json",
		"UPPER/case:x!": "could not parse reference",
	} {
		if _, err := base.Open(t.Context(), ref, o); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ref) {
			t.Errorf("Open(%q): %v, want %q", ref, err, want)
		}
	}
}
