package build_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/layer"
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
