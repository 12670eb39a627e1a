package trivy_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/scan/trivy"
	"github.com/org/ai-ship/pkg/seal"
)

func entries(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// remember has results kept in a folder of the test's own.
func remember(t *testing.T, o *trivy.Options) (dir string) {
	t.Helper()
	dir = t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	o.Memory = memory.New(root, seal.New("ours"), "test")
	return dir
}

func TestSecondScanReadsNothing(t *testing.T) {
	o := options(t)
	remember(t, &o)
	base, app := layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), dist("zope.interface", "5.0"), environment())
	target := image(base, app).target(t)
	first := scanned(t, o, target)
	if base.read.Load() == 0 || app.read.Load() == 0 {
		t.Fatal("the first scan read nothing")
	}
	base.read.Store(0)
	app.read.Store(0)
	second := scanned(t, o, target)
	if n := base.read.Load() + app.read.Load(); n > 0 {
		t.Errorf("the second scan read %d bytes", n)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second scan differs (-first +second):\n%s", diff)
	}

	// Another app on the same base reads only the app.
	scanned(t, o, image(base, layer(t, dist("requests", "2.19.0"))).target(t))
	if n := base.read.Load(); n > 0 {
		t.Errorf("the base was read again: %d bytes", n)
	}
}

func TestDamagedEntriesAreReadAgain(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty": func([]byte) []byte { return nil },
		"cut":   func(d []byte) []byte { return d[:len(d)/2] },
		"bit":   func(d []byte) []byte { d[len(d)-10] ^= 1; return d },
		"a version": func(d []byte) []byte {
			return bytes.ReplaceAll(d, []byte(`"9.0.0"`), []byte(`"9.9.0"`))
		},
		"only a sum": func(d []byte) []byte { return d[:32] },
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			dir := remember(t, &o)
			target := image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"))).target(t)
			want := scanned(t, o, target)
			names := entries(t, dir)
			if len(names) != 2 {
				t.Fatalf("entries %q, want two", names)
			}
			for _, name := range names {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				write(t, name, string(damage(bytes.Clone(data))))
			}
			if diff := cmp.Diff(want, scanned(t, o, target)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever commits to the repository can put results where ours are kept.
func TestResultsOfOthersAreNotBelieved(t *testing.T) {
	o := options(t)
	dir := remember(t, &o)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	theirs := o
	for name, m := range map[string]*memory.Memory{
		"another key":     memory.New(root, seal.New("theirs"), "test"),
		"no key":          memory.New(root, seal.Key{}, "test"),
		"another version": memory.New(root, seal.New("ours"), "older"),
	} {
		l := layer(t, dist("pillow", "9.0.0"), file{"app/a.txt", name})
		target := image(nil, l).target(t)
		theirs.Memory = m
		for range 2 {
			l.read.Store(0)
			scanned(t, theirs, target)
		}
		if l.read.Load() > 0 {
			t.Fatalf("%s: nothing was kept", name)
		}
		if scanned(t, o, target); l.read.Load() == 0 {
			t.Errorf("%s: the result was believed", name)
		}
	}
}

func TestIncompleteLayersAreNotKept(t *testing.T) {
	o := options(t)
	dir := remember(t, &o)
	cut := cutAt(t, 2048, dist("pillow", "9.0.0"), dist("requests", "2.19.0"))
	scanned(t, o, image(cut).target(t))
	scanned(t, o, image(layer(t, file{site + "a-1.dist-info/METADATA", "\x00"})).target(t))
	if names := entries(t, dir); len(names) > 0 {
		t.Errorf("kept %q", names)
	}
	// The layer was cut on its way; this time it comes whole.
	cut.open = layer(t, dist("pillow", "9.0.0"), dist("requests", "2.19.0")).open
	if found := scanned(t, o, image(cut).target(t)); len(found.Vulnerabilities) != 2 {
		t.Errorf("found %q, want both", ids(found.Vulnerabilities))
	}
}

// A layer of the base is not searched for secrets. The same layer may be ours
// in another image, where it is.
func TestBaseResultsAreNotUsedForOurLayers(t *testing.T) {
	o := options(t)
	remember(t, &o)
	shared, app := layer(t, append(debian(), environment())...), layer(t, dist("pillow", "9.0.0"))
	asBase := image(shared, app)
	asBase.history = []v1.History{{CreatedBy: "ADD rootfs"}, {CreatedBy: "CMD [\"bash\"]", EmptyLayer: true}, {CreatedBy: "COPY app"}}
	found := scanned(t, o, asBase.target(t))
	if len(found.Secrets) > 0 || len(found.Skipped) != 1 || found.Skipped[0].Layer != asBase.target(t).Layers[0].Digest {
		t.Fatalf("secrets %q, skipped %+v, want none and the base's layer", ids(found.Secrets), found.Skipped)
	}
	asOurs := asBase
	asOurs.kinds = []string{"app", "app"}
	if found := scanned(t, o, asOurs.target(t)); len(found.Secrets) != 2 || len(found.Skipped) > 0 {
		t.Errorf("secrets %q, skipped %+v, want two and none", ids(found.Secrets), found.Skipped)
	}
}

func TestSettingsAreNotMixed(t *testing.T) {
	o := options(t)
	remember(t, &o)
	target := image(layer(t, debian()...), layer(t, environment())).target(t)
	without := o
	without.Secrets = false
	if found := scanned(t, without, target); len(found.Secrets) > 0 {
		t.Errorf("found %q, want no secrets", ids(found.Secrets))
	}
	if found := scanned(t, o, target); len(found.Secrets) != 2 {
		t.Errorf("found %q, want two secrets", ids(found.Secrets))
	}
}

func TestOneLayerTwice(t *testing.T) {
	app := layer(t, dist("pillow", "9.0.0"))
	found := scanned(t, options(t), image(layer(t, debian()...), app, app).target(t))
	if len(found.Vulnerabilities) != 3 || len(found.Incomplete) > 0 {
		t.Errorf("found %q, incomplete %v, want three and none", ids(found.Vulnerabilities), found.Incomplete)
	}
}

func TestUnwritableCacheIsAnError(t *testing.T) {
	o := options(t)
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o.Memory = memory.New(root, seal.New("ours"), "test")
	root.Close()
	_, err = engineScan(t, o, image(layer(t, debian()...)).target(t))
	if err == nil {
		t.Fatal("no error")
	}
	contains(t, err.Error(), "keeping the result of layer sha256:")
}

// The reader ends in pieces, as files and networks do.
func TestShortReads(t *testing.T) {
	l := layer(t, dist("pillow", "9.0.0"))
	whole := l.open
	l.open = func() (io.ReadCloser, error) {
		r, err := whole()
		return struct {
			io.Reader
			io.Closer
		}{oneByte{r}, r}, err
	}
	if found := scanned(t, options(t), image(nil, l).target(t)); len(found.Vulnerabilities) != 1 || len(found.Incomplete) > 0 {
		t.Errorf("found %q, incomplete %v", ids(found.Vulnerabilities), found.Incomplete)
	}
}

type oneByte struct{ io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.Reader.Read(p[:min(len(p), 1)]) }
