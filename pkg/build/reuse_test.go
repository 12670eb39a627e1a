package build_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/seal"
)

func predecessor(t *testing.T, p *build.Product) v1.Manifest {
	t.Helper()
	m, err := p.Images[0].Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

func reused(p *build.Product) map[layer.Kind]bool {
	m := make(map[layer.Kind]bool)
	for _, l := range p.Images[0].Own() {
		m[l.Kind()] = l.Reused
	}
	return m
}

// A fresh machine that finds its predecessor in the registry builds nothing.
func TestReuseByRecipe(t *testing.T) {
	root := project(t, true)
	first := make1(t, root, spec(t), build.Known{})
	want := digest(t, first)
	again := make1(t, root, spec(t), build.Known{Predecessors: []v1.Manifest{predecessor(t, first)}})
	for _, l := range again.Images[0].Own() {
		if !l.Reused || !l.Known() {
			t.Errorf("%s: reused %v, known %v", l.Name(), l.Reused, l.Known())
		}
	}
	if got := digest(t, again); got != want {
		t.Errorf("digest %s, want the first build's %s", got, want)
	}
	if err := root.WriteFile("src/main.py", []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	changed := make1(t, root, spec(t), build.Known{Predecessors: []v1.Manifest{predecessor(t, first)}})
	if got := reused(changed); got[layer.KindApp] || !got[layer.KindModel] || !got[layer.KindConfig] {
		t.Errorf("after a code change: reused %v", got)
	}
}

// Without a predecessor a large layer is left for the push to hash.
func TestLargeLayersStayUnknown(t *testing.T) {
	root := project(t, true)
	p := make1(t, root, spec(t), build.Known{})
	for _, l := range p.Images[0].Own() {
		_, plain := l.PlainSize()
		if l.Known() == plain {
			t.Errorf("%s: plain %v, known %v", l.Name(), plain, l.Known())
		}
	}
}

func TestCache(t *testing.T) {
	root := project(t, true)
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	later := func() time.Time { return time.Now().Add(time.Hour) }
	open := func(now func() time.Time) *build.Cache {
		c, err := build.OpenCache(dir, seal.New("ours"), now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	young := open(time.Now)
	p := make1(t, root, spec(t), build.Known{Cache: young})
	want := digest(t, p)
	p.Remember()
	if err := young.Save(); err != nil {
		t.Fatal(err)
	}
	if got := reused(make1(t, root, spec(t), build.Known{Cache: open(later)})); got[layer.KindApp] || got[layer.KindModel] {
		t.Errorf("layers of files that had just changed were remembered: %v", got)
	}

	old := open(later)
	p = make1(t, root, spec(t), build.Known{Cache: old})
	digest(t, p)
	p.Remember()
	if err := old.Save(); err != nil {
		t.Fatal(err)
	}
	again := make1(t, root, spec(t), build.Known{Cache: open(later)})
	if got := reused(again); !got[layer.KindApp] || !got[layer.KindModel] {
		t.Errorf("remembered layers were not reused: %v", got)
	}
	if got := digest(t, again); got != want {
		t.Errorf("digest %s with the cache, %s without", got, want)
	}
	if err := root.WriteFile("models/tokenizer.json", []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if digest(t, make1(t, root, spec(t), build.Known{Cache: open(later)})) == want {
		t.Error("a changed file was not seen through the cache")
	}
}

// The cache lies in the project, where a commit can put one. The stamp of a layer
// without files of the project can be told beforehand, and what it is said to be
// would be shipped in its place.
func TestForgedCache(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	later := func() time.Time { return time.Now().Add(time.Hour) }
	ours, err := build.OpenCache(dir, seal.New("ours"), later)
	if err != nil {
		t.Fatal(err)
	}
	p := make1(t, project(t, false), spec(t), build.Known{Cache: ours})
	want := digest(t, p)
	p.Remember()
	if err := ours.Save(); err != nil {
		t.Fatal(err)
	}
	data, err := dir.ReadFile("layers.json")
	if err != nil {
		t.Fatal(err)
	}
	text := data[bytes.IndexByte(data, '{'):]
	other := regexp.MustCompile(`"sha256:[0-9a-f]{64}"([,}])`).ReplaceAll(text, []byte(`"sha256:`+strings.Repeat("0", 64)+`"$1`))
	if bytes.Equal(text, other) {
		t.Fatal("nothing was forged")
	}
	for name, forged := range map[string][]byte{
		"plain": other, "under the seal": append(bytes.Clone(data[:len(data)-len(text)]), other...), "sealed by others": seal.New("theirs").Seal("layers.json", other),
	} {
		if err := dir.WriteFile("layers.json", forged, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := build.OpenCache(dir, seal.New("ours"), later)
		if err != nil {
			t.Fatal(err)
		}
		again := make1(t, project(t, false), spec(t), build.Known{Cache: c})
		if got := digest(t, again); got != want || reused(again)[layer.KindConfig] {
			t.Errorf("%s: the forged cache was believed: digest %s, want %s", name, got, want)
		}
	}
}

// A cache that cannot be read is an empty one; it never breaks a build.
func TestCacheDamaged(t *testing.T) {
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, text := range []string{"", "{", `{"version":99,"layers":{"x":{}}}`, "[]"} {
		if err := dir.WriteFile("layers.json", seal.New("ours").Seal("layers.json", []byte(text)), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := build.OpenCache(dir, seal.New("ours"), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		make1(t, project(t, false), spec(t), build.Known{Cache: c})
	}
	var none *build.Cache
	if err := none.Save(); err != nil {
		t.Error(err)
	}
}

// What is learned of model files while their layer is hashed stays known, and is
// nobody's claim where it was not learned.
func TestModelDigests(t *testing.T) {
	root := project(t, true)
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	wanted := spec(t)
	wanted.ModelDigests = true
	built := func(s build.Spec) (*build.Product, *build.Cache) {
		t.Helper()
		cache, err := build.OpenCache(dir, seal.New("ours"), func() time.Time { return time.Now().Add(time.Hour) })
		if err != nil {
			t.Fatal(err)
		}
		return make1(t, root, s, build.Known{Cache: cache}), cache
	}
	known := func(p *build.Product) bool {
		t.Helper()
		for _, l := range p.Images[0].Own() {
			if l.Kind() == layer.KindModel && l.Digests() == nil {
				return false
			}
			if l.Kind() != layer.KindModel && l.Digests() != nil {
				t.Errorf("%s layer %s has digests of files", l.Kind(), l.Name())
			}
		}
		return true
	}
	keep := func(p *build.Product, c *build.Cache) {
		t.Helper()
		digest(t, p)
		p.Remember()
		if err := c.Save(); err != nil {
			t.Fatal(err)
		}
	}

	plain, cache := built(spec(t))
	keep(plain, cache)
	if known(plain) {
		t.Error("digests are known that nobody asked for")
	}
	if files, err := build.ModelFiles(plain.Images); err == nil {
		t.Errorf("files %+v of layers that nobody looked into", files)
	}

	// A layer that is known from before is read for its files, once.
	first, cache := built(wanted)
	if known(first) {
		t.Error("digests are known that nobody computed")
	}
	files, err := build.ModelFiles(first.Images)
	if err != nil || len(files) == 0 || !known(first) {
		t.Fatalf("%+v, %v", files, err)
	}
	keep(first, cache)
	if a, b := digest(t, plain), digest(t, first); a != b {
		t.Errorf("the image is %s with digests and %s without", b, a)
	}
	again, _ := built(wanted)
	if !known(again) {
		t.Error("what was learned is forgotten")
	}
	target, err := again.Images[0].Target("acme/digits:1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := root.ReadFile(f.Path)
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != f.SHA256 || int64(len(data)) != f.Size {
			t.Errorf("%+v, %v", f, err)
		}
		if !slices.ContainsFunc(target.Files, func(s scan.File) bool { return s.Path == f.Path && s.SHA256 == f.SHA256 }) {
			t.Errorf("scanners are not told of %+v", f)
		}
	}
}
