package layer_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/layer"
)

const (
	plainDigest = "sha256:f6f8f13a1bd2ba36a1b594f4c299c307d8420bf4665277a7107e27792bf48fab"
	gzipDigest  = "sha256:6bce5bf0c00151f79913aed5ccaecf4d119bd61ee5331e7827c378ea7fb71387"
)

func recipe(t *testing.T, spec layer.Spec) string {
	t.Helper()
	r, err := newLayer(t, spec).Recipe()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecipeNamesAllThatDecidesTheBytes(t *testing.T) {
	base := layer.Spec{Kind: layer.KindApp, Entries: entries(), Compression: layer.Gzip}
	same := base
	same.Name = "another name"
	same.Entries = slices.Clone(entries())
	slices.Reverse(same.Entries)
	if recipe(t, base) != recipe(t, same) {
		t.Error("name or order of entries changed the recipe")
	}
	seen := map[string]string{recipe(t, base): "base"}
	for name, change := range map[string]func(*layer.Spec){
		"kind":        func(s *layer.Spec) { s.Kind = layer.KindModel },
		"compression": func(s *layer.Spec) { s.Compression = layer.Plain },
		"time":        func(s *layer.Spec) { s.ModTime = time.Unix(1, 0) },
		"content":     func(s *layer.Spec) { s.Entries[0].Content = layer.Bytes(bytes.Repeat([]byte("c"), 1000)) },
		"owner":       func(s *layer.Spec) { s.Entries[0].UID = 7 },
		"path":        func(s *layer.Spec) { s.Entries[0].Path = "models/c.bin" },
		"executable":  func(s *layer.Spec) { s.Entries[0].Mode = 0o100 },
	} {
		spec := base
		spec.Entries = entries()
		change(&spec)
		r := recipe(t, spec)
		if other, ok := seen[r]; ok {
			t.Errorf("%s gives the recipe of %s", name, other)
		}
		seen[r] = name
	}
}

func TestReuseReadsNothingMore(t *testing.T) {
	l := newLayer(t, layer.Spec{Kind: layer.KindApp, Entries: entries(), Compression: layer.Gzip})
	want := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	if err := l.Reuse(v1.Descriptor{Digest: want, Size: 42}); err != nil {
		t.Fatal(err)
	}
	digest, err := l.Digest()
	size, err2 := l.Size()
	if err != nil || err2 != nil || digest != want || size != 42 || !l.Known() {
		t.Errorf("digest %s, size %d, %v, %v; want what the predecessor had", digest, size, err, err2)
	}
}

// A plain layer's digest is its content's, so a predecessor cannot lie about it.
func TestReuseRefusesAForgedPlainLayer(t *testing.T) {
	l := newLayer(t, layer.Spec{Kind: layer.KindModel, Entries: entries(), Compression: layer.Plain, Name: "weights"})
	forged := v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, Size: l.Unpacked()}
	err := l.Reuse(forged)
	if err == nil || !strings.Contains(err.Error(), `reusing layer "weights"`) {
		t.Errorf("Reuse: %v", err)
	}
}

func TestStampFollowsTheFiles(t *testing.T) {
	root, dir := project(t)
	path := filepath.Join(dir, "w.bin")
	write(t, path, "before")
	stamp := func() string {
		content, err := layer.File(root, "w.bin")
		if err != nil {
			t.Fatal(err)
		}
		l := newLayer(t, layer.Spec{Entries: []layer.Entry{{Path: "w.bin", Content: content}, {Path: "x", Content: layer.Bytes(nil)}}})
		s, settled := l.Stamp()
		if time.Since(settled) > time.Hour {
			t.Errorf("settled %s", settled)
		}
		return s
	}
	first := stamp()
	if again := stamp(); again != first {
		t.Error("stamp changed without the file")
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if stamp() == first {
		t.Error("stamp did not follow the modification time")
	}
}

func TestWithParents(t *testing.T) {
	got := layer.WithParents([]layer.Entry{
		{Path: "usr/local/lib/acme/x", Content: layer.Bytes(nil)},
		{Path: "models/v1/w.bin", Content: layer.Bytes(nil)},
		{Path: "models/v1/x.bin", Content: layer.Bytes(nil)},
	})
	var dirs []string
	for _, e := range got {
		if e.Mode.IsDir() {
			dirs = append(dirs, e.Path)
		}
	}
	if want := []string{"usr/local/lib/acme", "models/v1", "models"}; !slices.Equal(dirs, want) {
		t.Errorf("parents %q, want %q", dirs, want)
	}
}

// FuzzTar holds the view against the standard library's reader: whatever the
// names and sizes, the stream parses back to the entries.
func FuzzTar(f *testing.F) {
	f.Add("a", "b/c", []byte("content"), uint16(3))
	f.Add(long, "ünï/codé", bytes.Repeat([]byte{0}, 511), uint16(600))
	f.Add("x\n=y", "100 path=z", []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, first, second string, content []byte, offset uint16) {
		in := []layer.Entry{{Path: first, Content: layer.Bytes(content)}, {Path: second, Content: layer.Bytes([]byte("2")), Mode: 0o111}}
		l, err := layer.New(layer.Spec{Entries: in, Compression: layer.Plain})
		if err != nil {
			return
		}
		whole := read(t, l.Compressed)
		if int64(len(whole)) != l.Unpacked() || len(whole)%512 != 0 {
			t.Fatalf("%d bytes, planned %d", len(whole), l.Unpacked())
		}
		off := int64(offset) % (l.Unpacked() + 1)
		if part := read(t, func() (io.ReadCloser, error) { return l.OpenAt(off) }); !bytes.Equal(part, whole[off:]) {
			t.Fatalf("from byte %d the stream differs", off)
		}
		r := tar.NewReader(bytes.NewReader(whole))
		for _, e := range l.Entries() {
			h, err := r.Next()
			if err != nil {
				t.Fatalf("reading back %q: %v", e.Path, err)
			}
			if h.Name != e.Path || h.Size != e.Content.Size() {
				t.Fatalf("read back %q with %d bytes, want %q with %d", h.Name, h.Size, e.Path, e.Content.Size())
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatalf("after the last entry: %v", err)
		}
	})
}

// BenchmarkPlain reads an unknown layer, which hashes it on the way.
func BenchmarkPlain(b *testing.B) {
	weights := []layer.Entry{{Path: "w", Content: layer.Bytes(make([]byte, 64<<20))}}
	b.SetBytes(64 << 20)
	for b.Loop() {
		l := newLayer(b, layer.Spec{Entries: weights, Compression: layer.Plain})
		r, err := l.Compressed()
		if err != nil {
			b.Fatal(err)
		}
		io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, 32<<10))
		r.Close()
	}
}
