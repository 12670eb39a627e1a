package build_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/seal"
)

// archived is an image of one tar layer a map, of paths and sizes.
func archived(t *testing.T, layers ...map[string]int) v1.Image {
	t.Helper()
	img := empty.Image
	for _, files := range layers {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for path, size := range files {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Size: int64(size)}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		img = withLayer(t, img, b.Bytes())
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func withLayer(t *testing.T, img v1.Image, text []byte) v1.Image {
	t.Helper()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, l); err != nil {
		t.Fatal(err)
	}
	return img
}

// pulled is the image as a base in a registry that counts the blobs it sends.
func pulled(t *testing.T, img v1.Image) (base.Base, *atomic.Int64) {
	t.Helper()
	var sent atomic.Int64
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			sent.Add(1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/acme/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	b, err := base.Open(t.Context(), ref.String(), base.Options{Keychain: authn.DefaultKeychain})
	if err != nil {
		t.Fatal(err)
	}
	return b, &sent
}

func openCache(t *testing.T, dir *os.Root) *build.Cache {
	t.Helper()
	c, err := build.OpenCache(dir, seal.New("ours"), func() time.Time { return time.Now().Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func folder(t *testing.T) *os.Root {
	t.Helper()
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	return dir
}

func inventoryOf(t *testing.T, p *build.Product, deep bool) inventory.Inventory {
	t.Helper()
	all, err := p.Inventory(t.Context(), deep)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Platform != "linux/amd64" {
		t.Fatalf("inventories %+v", all)
	}
	return all[0]
}

// lines is an inventory in short.
func lines(inv inventory.Inventory) []string {
	var out []string
	for _, l := range inv.Layers {
		out = append(out, fmt.Sprintf("%s %q listed %d, %d files", l.Kind, l.Name, l.Listed, l.FileCount))
	}
	return out
}

func TestInventory(t *testing.T) {
	img := archived(t, map[string]int{"usr/lib/big": 2 << 20, "etc/passwd": 10}, map[string]int{"etc/.wh.passwd": 0})
	s := spec(t)
	var sent *atomic.Int64
	s.Base, sent = pulled(t, img)
	p := make1(t, project(t, true), s, build.Known{})
	sent.Store(0)
	shallow := inventoryOf(t, p, false)
	ours := []string{
		`config "home of aiuser" listed 2, 0 files`,
		`model "models, part 1: 2 files" listed 2, 2 files`,
		`app "src in /app" listed 2, 2 files`,
	}
	if diff := cmp.Diff(append([]string{`base "" listed 0, 0 files`, `base "" listed 0, 0 files`}, ours...), lines(shallow)); diff != "" {
		t.Errorf("shallow (-want +got):\n%s", diff)
	}
	compressed, err := p.Compressed()
	if err != nil || shallow.Compressed() != compressed {
		t.Errorf("compressed %d, want %d, %v", shallow.Compressed(), compressed, err)
	}
	if model := shallow.Layers[3]; model.Digest != "" || p.Images[0].Known() {
		t.Error("the model was read")
	}
	if n := sent.Load(); n != 0 || p.Local() {
		t.Errorf("%d blobs were downloaded; local %v", n, p.Local())
	}

	deep := inventoryOf(t, p, true)
	if diff := cmp.Diff(append([]string{`base "" listed 2, 2 files`, `base "" listed 2, 0 files`}, ours...), lines(deep)); diff != "" {
		t.Errorf("deep (-want +got):\n%s", diff)
	}
	if f := deep.Layers[0].Files; f[0].Path != "usr/lib/big" || f[0].Size != 2<<20 || !strings.HasPrefix(f[0].ID, "sha256:") {
		t.Errorf("files %+v", f)
	}
	if f := deep.Layers[1].Files; f[0].Path != "etc/passwd" || f[0].Type != inventory.Whiteout {
		t.Errorf("files %+v", f)
	}
	unpacked, err := p.Unpacked(t.Context())
	if sum, ok := deep.Unpacked(); err != nil || !ok || sum != unpacked {
		t.Errorf("unpacked %d, want %d, %v", sum, unpacked, err)
	}
	if n := sent.Load(); n != 2 || !p.Local() {
		t.Errorf("%d blobs were downloaded, want 2; local %v", n, p.Local())
	}
}

// What one run read of a base, the next one knows, in both directions.
func TestInventoryIsCached(t *testing.T) {
	img := archived(t, map[string]int{"usr/lib/big": 2 << 20})
	dir := folder(t)
	s := spec(t)
	var sent *atomic.Int64
	s.Base, sent = pulled(t, img)
	cache := openCache(t, dir)
	p := make1(t, project(t, false), s, build.Known{Cache: cache})
	sent.Store(0)
	if _, err := p.Unpacked(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cache.Save(); err != nil {
		t.Fatal(err)
	}
	next := openCache(t, dir)
	p = make1(t, project(t, false), s, build.Known{Cache: next})
	if !p.Local() {
		t.Error("the cache does not know the base")
	}
	deep := inventoryOf(t, p, true)
	if n := sent.Load(); n != 1 || deep.Layers[0].FileCount != 1 {
		t.Errorf("%d blobs were downloaded, %+v", n, deep.Layers[0])
	}
	before := inventory.Of(predecessor(t, p))
	if before.Layers[0].Listed != inventory.None {
		t.Errorf("the manifest lists the base: %+v", before.Layers[0])
	}
	recalled := next.Recall(before)
	if diff := cmp.Diff(deep.Layers[0], recalled.Layers[0]); diff != "" {
		t.Errorf("recalled (-want +got):\n%s", diff)
	}
	if before.Layers[0].Listed != inventory.None {
		t.Error("Recall changed its argument")
	}
	var none *build.Cache
	if diff := cmp.Diff(before, none.Recall(before)); diff != "" {
		t.Errorf("no cache recalls:\n%s", diff)
	}
	entries, err := os.ReadDir(dir.Name() + "/paths")
	if err != nil || len(entries) != 1 {
		t.Fatalf("lists %v, %v", entries, err)
	}
	for _, text := range []string{"", "no gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"} {
		if err := dir.WriteFile("paths/"+entries[0].Name(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if openCache(t, dir).Recall(before).Layers[0].Listed != inventory.None {
			t.Errorf("recalled from %q", text)
		}
	}
}

// The cache keeps the newest listings only.
func TestListingsAreBounded(t *testing.T) {
	dir := folder(t)
	if err := dir.Mkdir("paths", 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		path := fmt.Sprintf("paths/%064d.gz", i)
		if err := dir.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := dir.Chtimes(path, time.Time{}, time.Unix(int64(1000+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	s := spec(t)
	s.Base, _ = pulled(t, archived(t, map[string]int{"a": 1}))
	cache := openCache(t, dir)
	inventoryOf(t, make1(t, project(t, false), s, build.Known{Cache: cache}), true)
	if err := cache.Save(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir.Name() + "/paths")
	if err != nil || len(entries) != 64 {
		t.Fatalf("%d lists, %v", len(entries), err)
	}
	if _, err := dir.Stat(fmt.Sprintf("paths/%064d.gz", 99)); err != nil {
		t.Error(err)
	}
}

// A base layer that is no archive is the base's fault, and says which.
func TestInventoryOfBrokenBase(t *testing.T) {
	s := spec(t)
	s.Base, _ = pulled(t, withLayer(t, archived(t), []byte(strings.Repeat("no tar", 200))))
	p := make1(t, project(t, false), s, build.Known{})
	_, err := p.Inventory(t.Context(), true)
	_, again := p.Unpacked(t.Context())
	for _, err := range []error{err, again} {
		if !errors.Is(err, build.ErrInput) || !errors.Is(err, inventory.ErrLayer) || !strings.Contains(err.Error(), "unpacking a layer of the base: sha256:") {
			t.Errorf("error %v", err)
		}
	}
}

// The summary of an image says what the build said; what was an app in the
// base is a base layer here.
func TestPathsAnnotation(t *testing.T) {
	root := project(t, false)
	first := make1(t, root, spec(t), build.Known{})
	manifest := predecessor(t, first)
	const want = "1 files=2 unpacked=5632 name=\"src in /app\"\n2000 app/lib/a.py\n100 app/main.py"
	if got := manifest.Layers[2].Annotations[inventory.PathsAnnotation]; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	now := inventoryOf(t, first, false)
	if diff := cmp.Diff(now.Layers, inventory.Of(manifest).Layers); diff != "" {
		t.Errorf("the manifest tells otherwise (-build +manifest):\n%s", diff)
	}

	if _, err := layout.Write(root.Name()+"/layout", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: first.Images[0]})); err != nil {
		t.Fatal(err)
	}
	s := spec(t)
	var err error
	if s.Base, err = base.Open(t.Context(), "oci:layout", base.Options{Project: root}); err != nil {
		t.Fatal(err)
	}
	second := make1(t, root, s, build.Known{})
	if !second.Local() {
		t.Error("a layout in the project is not local")
	}
	var kinds []string
	for _, d := range predecessor(t, second).Layers {
		kinds = append(kinds, d.Annotations[build.KindAnnotation])
	}
	if diff := cmp.Diff([]string{"base", "base", "base", "config", "model", "app"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if got := manifest.Layers[2].Annotations[build.KindAnnotation]; got != string(layer.KindApp) {
		t.Errorf("the base's own manifest was changed to %q", got)
	}
	changes := inventory.Compare(inventoryOf(t, second, false), now)
	if changes.Total.Compressed.Growth() != now.Compressed() || !changes.PathsComplete {
		t.Errorf("changes %+v", changes)
	}
}

// A cache that cannot be written says so, and is written whole or not at all.
func TestSaveFails(t *testing.T) {
	dir := folder(t)
	if err := dir.WriteFile("paths", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := spec(t)
	s.Base, _ = pulled(t, archived(t, map[string]int{"a": 1}))
	cache := openCache(t, dir)
	inventoryOf(t, make1(t, project(t, false), s, build.Known{Cache: cache}), true)
	err := cache.Save()
	if err == nil || !strings.Contains(err.Error(), "writing the layer cache: ") {
		t.Errorf("Save: %v", err)
	}
	if _, err := dir.Stat("layers.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("layers.json after a failure: %v", err)
	}
	if err := dir.Remove("paths"); err != nil {
		t.Fatal(err)
	}
	if err := dir.MkdirAll("layers.json/x", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := cache.Save(); err == nil || !strings.Contains(err.Error(), "writing the layer cache: ") {
		t.Errorf("Save over a directory: %v", err)
	}
	entries, err := os.ReadDir(dir.Name())
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Reading the base stops with the run.
func TestInventoryStops(t *testing.T) {
	s := spec(t)
	var sent *atomic.Int64
	s.Base, sent = pulled(t, archived(t, map[string]int{"a": 1}))
	p := make1(t, project(t, false), s, build.Known{})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	sent.Store(0)
	if _, err := p.Inventory(ctx, true); !errors.Is(err, context.Canceled) || errors.Is(err, build.ErrInput) {
		t.Errorf("Inventory after cancel: %v", err)
	}
	if _, err := p.Inventory(ctx, false); err != nil {
		t.Errorf("what is known needs nobody: %v", err)
	}
}
