package build_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/seal"
	"github.com/org/ai-ship/pkg/tree"
)

var (
	amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = v1.Platform{OS: "linux", Architecture: "arm64"}
)

// project makes a folder with an app, a small model and, if large is set, a
// model file that is stored plain.
func project(t *testing.T, large bool) *os.Root {
	t.Helper()
	dir := t.TempDir()
	files := map[string]int{
		"src/main.py": 100, "src/lib/a.py": 2000, "models/tokenizer.json": 3000,
		"bin/amd64/serve": 10, "bin/arm64/serve": 11,
	}
	if large {
		files["models/weights.safetensors"] = 17 << 20
	}
	for name, size := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat(name[:1], size)), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Unix(1700000000, 0)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func scratch(t *testing.T) base.Base {
	t.Helper()
	b, err := base.Open(t.Context(), base.Scratch, base.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func spec(t *testing.T) build.Spec {
	return build.Spec{
		Base:      scratch(t),
		Platforms: []v1.Platform{amd64},
		App:       []tree.Copy{{From: "src", To: "/app"}},
		Models:    []tree.Copy{{From: "models", To: "/models", Model: true}},
		Config: build.Config{
			Command: []string{"python", "/app/main.py"}, User: build.DefaultUser, Workdir: "/app",
			Env: map[string]string{"B": "2", "A": "1"}, Ports: []string{"8000/tcp"}, Labels: map[string]string{"l": "v"},
		},
		Annotations: map[string]string{"org.opencontainers.image.version": "1.0.0"},
		Created:     time.Unix(1700000000, 0),
	}
}

func make1(t *testing.T, root *os.Root, s build.Spec, known build.Known) *build.Product {
	t.Helper()
	p, err := build.Files(t.Context(), root, s, known)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func digest(t *testing.T, p *build.Product) string {
	t.Helper()
	h, err := p.Artifact().Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// The same files give the same digest, whoever builds and wherever: the
// constant was made once, and every later build must come to it.
func TestReproducible(t *testing.T) {
	const want = "sha256:43020481791a2efc7c1865c034d35676380fc9c1164591f7c2798540365ab9cd"
	for i := range 3 {
		root := project(t, false)
		if err := root.Chmod("src/main.py", []os.FileMode{0o600, 0o640, 0o664}[i]); err != nil {
			t.Fatal(err)
		}
		if got := digest(t, make1(t, root, spec(t), build.Known{})); got != want {
			t.Errorf("digest %s, want %s", got, want)
		}
	}
}

func TestImage(t *testing.T) {
	p := make1(t, project(t, false), spec(t), build.Known{})
	img := p.Images[0]
	if err := validate.Image(img); err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Cmd: []string{"python", "/app/main.py"}, User: "10001:10001", WorkingDir: "/app",
		Env:          []string{"A=1", "B=2", "HOME=/home/aiuser", "USER=aiuser"},
		ExposedPorts: map[string]struct{}{"8000/tcp": {}}, Labels: map[string]string{"l": "v"},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if got := config.Created.Format(time.RFC3339); got != "2023-11-14T22:13:20Z" {
		t.Errorf("created %s", got)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range manifest.Layers {
		kinds = append(kinds, d.Annotations[build.KindAnnotation])
		if !strings.HasPrefix(d.Annotations[layer.RecipeAnnotation], "sha256:") {
			t.Errorf("layer %s has no recipe", d.Digest)
		}
	}
	if want := []string{"config", "model", "app"}; !slices.Equal(kinds, want) {
		t.Errorf("layers %q, want %q", kinds, want)
	}
	if manifest.MediaType != types.OCIManifestSchema1 || manifest.Annotations["org.opencontainers.image.version"] != "1.0.0" {
		t.Errorf("manifest %s with %v", manifest.MediaType, manifest.Annotations)
	}
	for _, d := range append(manifest.Layers, manifest.Config) {
		if l, err := img.LayerByDigest(d.Digest); err != nil || l == nil {
			t.Errorf("LayerByDigest(%s): %v", d.Digest, err)
		}
	}
	if _, err := img.LayerByDiffID(config.RootFS.DiffIDs[0]); err != nil {
		t.Error(err)
	}
	if _, err := img.LayerByDigest(v1.Hash{}); err == nil {
		t.Error("found a layer of no digest")
	}
}

func TestIndex(t *testing.T) {
	s := spec(t)
	s.Platforms = []v1.Platform{amd64, arm64}
	s.App = append(s.App, tree.Copy{From: "bin/${TARGETARCH}/serve", To: "/bin"})
	p := make1(t, project(t, false), s, build.Known{})
	if err := validate.Index(p.Index); err != nil {
		t.Fatal(err)
	}
	manifest, err := p.Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range manifest.Manifests {
		platforms = append(platforms, d.Platform.String())
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("platforms %q, want %q", platforms, want)
	}
	a, b := p.Images[0].Own(), p.Images[1].Own()
	for i := range a {
		if shared := a[i].Layer == b[i].Layer; shared != (i < 3) {
			t.Errorf("layer %d: shared %v", i, shared)
		}
	}
	if children, err := p.Index.Manifests(); err != nil || len(children) != 2 {
		t.Errorf("Manifests: %d, %v", len(children), err)
	}
}

func docker(t *testing.T) (base.Base, v1.Image) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	l, err := random.Layer(300, types.DockerLayer)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.DockerConfigJSON), types.DockerManifestSchema2), l)
	if err != nil {
		t.Fatal(err)
	}
	config, _ := img.ConfigFile()
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Config = v1.Config{Env: []string{"PATH=/usr/bin", "B=base"}, Entrypoint: []string{"/entry"}, Cmd: []string{"old"}}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	ref, _ := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/acme/base:1")
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	b, err := base.Open(t.Context(), ref.String(), base.Options{Keychain: authn.DefaultKeychain})
	if err != nil {
		t.Fatal(err)
	}
	return b, img
}

// Docker's media types stay Docker's, and the base's config shows through.
func TestDockerBase(t *testing.T) {
	s := spec(t)
	var img v1.Image
	s.Base, img = docker(t)
	s.Config.Command, s.Config.Entrypoint = nil, []string{"python"}
	p := make1(t, project(t, true), s, build.Known{})
	manifest, err := p.Images[0].Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var mediaTypes []types.MediaType
	for _, d := range manifest.Layers {
		mediaTypes = append(mediaTypes, d.MediaType)
	}
	want := []types.MediaType{types.DockerLayer, types.DockerLayer, types.DockerUncompressedLayer, types.DockerLayer}
	if !slices.Equal(mediaTypes, want) || manifest.MediaType != types.DockerManifestSchema2 || manifest.Config.MediaType != types.DockerConfigJSON {
		t.Errorf("layers %v in %s with %s", mediaTypes, manifest.MediaType, manifest.Config.MediaType)
	}
	bottom, _ := img.Layers()
	if h, _ := bottom[0].Digest(); manifest.Layers[0].Digest != h {
		t.Error("the base's layer is not at the bottom")
	}
	config, _ := p.Images[0].ConfigFile()
	if want := []string{"PATH=/usr/bin", "B=2", "A=1", "HOME=/home/aiuser", "USER=aiuser"}; !slices.Equal(config.Config.Env, want) {
		t.Errorf("env %q, want %q", config.Config.Env, want)
	}
	if config.Config.Cmd != nil {
		t.Errorf("the base's command %q outlived its entrypoint", config.Config.Cmd)
	}
}

func TestSizes(t *testing.T) {
	s := spec(t)
	var img v1.Image
	s.Base, img = docker(t)
	cacheDir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cacheDir.Close()
	cache, err := build.OpenCache(cacheDir, seal.New("ours"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := make1(t, project(t, true), s, build.Known{Cache: cache})
	unpacked, err := p.Unpacked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Unpacked(t.Context())
	if err != nil || again != unpacked {
		t.Errorf("unpacked %d, then %d, %v", unpacked, again, err)
	}
	var want int64
	for _, l := range p.Images[0].Own() {
		want += l.Unpacked()
	}
	bottom, _ := img.Layers()
	r, _ := bottom[0].Uncompressed()
	n, _ := io.Copy(io.Discard, r)
	if unpacked != want+n {
		t.Errorf("unpacked %d, want %d of ours and %d of the base", unpacked, want, n)
	}
	compressed, err := p.Compressed()
	if err != nil || compressed < 17<<20 || compressed > unpacked {
		t.Errorf("compressed %d, unpacked %d, %v", compressed, unpacked, err)
	}
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	fresh := make1(t, project(t, false), s, build.Known{})
	if _, err := fresh.Unpacked(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Unpacked after cancel: %v", err)
	}
}

func TestFilesRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*build.Spec)
		want   string
	}{
		{"same path", func(s *build.Spec) { s.App = append(s.App, tree.Copy{From: "src/main.py", To: "/app"}) },
			`two files for /app/main.py: "src/main.py" and "src/main.py"`},
		{"model and app", func(s *build.Spec) { s.App = append(s.App, tree.Copy{From: "models", To: "/models"}) },
			`two files for /models/tokenizer.json`},
		{"file as directory", func(s *build.Spec) { s.App = append(s.App, tree.Copy{From: "src/lib/a.py", To: "/app/main.py"}) },
			`two files for /app/main.py: it is "src/main.py", and also the directory of "src/lib/a.py"`},
		{"missing", func(s *build.Spec) { s.Models[0].From = "none.bin" }, `copying "none.bin"`},
		{"platform", func(s *build.Spec) { s.Base, _ = docker(t); s.Platforms = []v1.Platform{arm64} }, "the base does not offer the platform linux/arm64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := spec(t)
			tc.change(&s)
			_, err := build.Files(t.Context(), project(t, false), s, build.Known{})
			if !errors.Is(err, build.ErrInput) || !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("Files: %v, want %q", err, tc.want)
			}
		})
	}
}
