package layer_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/org/ai-ship/pkg/layer"
)

// long needs a pax header: it fits neither of ustar's name fields.
var long = strings.Repeat("long-directory-name/", 14) + "weights.bin"

func entries() []layer.Entry {
	return []layer.Entry{
		{Path: "models/b.bin", Content: layer.Bytes(bytes.Repeat([]byte("b"), 1000))},
		{Path: "models", Mode: fs.ModeDir | 0o700},
		{Path: "models/a.bin", Content: layer.Bytes(bytes.Repeat([]byte("a"), 512)), UID: 10001, GID: 10001},
		{Path: "models/empty", Content: layer.Bytes(nil)},
		{Path: "models/latest", Mode: fs.ModeSymlink, Link: "a.bin"},
		{Path: "models/run.sh", Mode: 0o4711, Content: layer.Bytes([]byte("#!/bin/sh\n"))},
		{Path: long, Content: layer.Bytes([]byte("x"))},
	}
}

func newLayer(t testing.TB, spec layer.Spec) *layer.Layer {
	t.Helper()
	l, err := layer.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t testing.TB, open func() (io.ReadCloser, error)) []byte {
	t.Helper()
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The digests are part of the promise: equal files give equal layers, on any
// machine and with any later version that keeps the format number.
func TestDigestsStay(t *testing.T) {
	for _, tc := range []struct {
		compression    layer.Compression
		digest, diffID string
	}{
		{layer.Plain, plainDigest, plainDigest},
		{layer.Gzip, gzipDigest, plainDigest},
	} {
		t.Run(string(tc.compression), func(t *testing.T) {
			l := newLayer(t, layer.Spec{Kind: layer.KindModel, Entries: entries(), Compression: tc.compression})
			digest, err := l.Digest()
			if err != nil {
				t.Fatal(err)
			}
			diffID, err := l.DiffID()
			if err != nil {
				t.Fatal(err)
			}
			if digest.String() != tc.digest || diffID.String() != tc.diffID {
				t.Errorf("digest %s, diffID %s; want %s, %s", digest, diffID, tc.digest, tc.diffID)
			}
		})
	}
}

func TestLayerIsValid(t *testing.T) {
	for _, c := range []layer.Compression{layer.Plain, layer.Gzip} {
		l := newLayer(t, layer.Spec{Kind: layer.KindApp, Entries: entries(), Compression: c})
		stored, plain := read(t, l.Compressed), read(t, l.Uncompressed)
		digest, _, err := v1.SHA256(bytes.NewReader(stored))
		if err != nil {
			t.Fatal(err)
		}
		diffID, _, err := v1.SHA256(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Facts()
		if want := (layer.Facts{Digest: digest, DiffID: diffID, Size: int64(len(stored))}); err != nil || got != want {
			t.Errorf("%s: facts %v, %v; want %v", c, got, err, want)
		}
	}
	// The library's own check knows gzip layers only.
	if err := validate.Layer(newLayer(t, layer.Spec{Entries: entries(), Compression: layer.Gzip})); err != nil {
		t.Error(err)
	}
}

func TestMediaTypes(t *testing.T) {
	for _, tc := range []struct {
		c      layer.Compression
		docker bool
		want   types.MediaType
	}{
		{layer.Plain, false, types.OCIUncompressedLayer},
		{layer.Gzip, false, types.OCILayer},
		{layer.Plain, true, types.DockerUncompressedLayer},
		{layer.Gzip, true, types.DockerLayer},
	} {
		got, err := newLayer(t, layer.Spec{Compression: tc.c, Docker: tc.docker}).MediaType()
		if err != nil || got != tc.want {
			t.Errorf("%s, docker %v: %s, %v; want %s", tc.c, tc.docker, got, err, tc.want)
		}
	}
}

func TestTarHoldsTheEntries(t *testing.T) {
	when := time.Unix(1700000000, 0)
	l := newLayer(t, layer.Spec{Entries: entries(), Compression: layer.Plain, ModTime: when})
	type row struct {
		name, link string
		mode       int64
		uid, size  int
		kind       byte
	}
	want := []row{
		{long, "", 0o644, 0, 1, tar.TypeReg},
		{"models/", "", 0o755, 0, 0, tar.TypeDir},
		{"models/a.bin", "", 0o644, 10001, 512, tar.TypeReg},
		{"models/b.bin", "", 0o644, 0, 1000, tar.TypeReg},
		{"models/empty", "", 0o644, 0, 0, tar.TypeReg},
		{"models/latest", "a.bin", 0o777, 0, 0, tar.TypeSymlink},
		{"models/run.sh", "", 0o755, 0, 10, tar.TypeReg},
	}
	var got []row
	r := tar.NewReader(bytes.NewReader(read(t, l.Uncompressed)))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(when) {
			t.Errorf("%s: modified %s, want %s", h.Name, h.ModTime, when)
		}
		got = append(got, row{h.Name, h.Linkname, h.Mode, h.Uid, int(h.Size), h.Typeflag})
	}
	if !slices.Equal(got, want) {
		t.Errorf("entries\n%v\nwant\n%v", got, want)
	}
}

// Resuming an upload stands on this: the view is the same from every offset.
func TestOpenAtEveryOffset(t *testing.T) {
	for _, c := range []layer.Compression{layer.Plain, layer.Gzip} {
		l := newLayer(t, layer.Spec{Entries: entries(), Compression: c})
		whole := read(t, l.Compressed)
		for off := 0; off <= len(whole); off += 7 {
			part := read(t, func() (io.ReadCloser, error) { return l.OpenAt(int64(off)) })
			if !bytes.Equal(part, whole[off:]) {
				t.Fatalf("%s: from byte %d: %d bytes that differ from the whole", c, off, len(part))
			}
		}
		if r, err := l.OpenAt(int64(len(whole)) + 1); err == nil {
			r.Close()
			t.Errorf("%s: opened behind the end", c)
		}
	}
}

func TestReadingOnceMakesPlainKnown(t *testing.T) {
	l := newLayer(t, layer.Spec{Entries: entries(), Compression: layer.Plain})
	if l.Known() {
		t.Fatal("known before it was read")
	}
	body := read(t, l.Compressed)
	size, err := l.Size()
	if !l.Known() || err != nil || size != int64(len(body)) {
		t.Errorf("after reading: known %v, size %d, %v; want %d bytes", l.Known(), size, err, len(body))
	}
	half, err := newLayer(t, layer.Spec{Entries: entries(), Compression: layer.Plain}).OpenAt(100)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	io.Copy(io.Discard, half)
}

func TestNewRefuses(t *testing.T) {
	content := layer.Bytes([]byte("x"))
	for _, tc := range []struct {
		name  string
		entry layer.Entry
		want  string
	}{
		{"absolute", layer.Entry{Path: "/etc/passwd", Content: content}, "clean path relative"},
		{"parent", layer.Entry{Path: "../x", Content: content}, "clean path relative"},
		{"unclean", layer.Entry{Path: "a//b", Content: content}, "clean path relative"},
		{"empty", layer.Entry{Content: content}, "clean path relative"},
		{"nul", layer.Entry{Path: "a\x00b", Content: content}, "clean path relative"},
		{"no content", layer.Entry{Path: "a"}, "file without content"},
		{"no target", layer.Entry{Path: "a", Mode: fs.ModeSymlink}, "symlink without a target"},
		{"device", layer.Entry{Path: "a", Mode: fs.ModeDevice}, "neither a file, a directory nor a symlink"},
		{"twice", layer.Entry{Path: "twice", Content: content}, "two files for /twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := layer.New(layer.Spec{Entries: []layer.Entry{{Path: "twice", Content: content}, tc.entry}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New: %v, want %q", err, tc.want)
			}
		})
	}
}

func TestFileChanges(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, path string)
	}{
		{"grown", func(t *testing.T, p string) { write(t, p, "longer than before") }},
		{"same size", func(t *testing.T, p string) { write(t, p, "other!") }},
		{"replaced", func(t *testing.T, p string) {
			write(t, p+".new", "before")
			if err := os.Rename(p+".new", p); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root, dir := project(t)
			path := filepath.Join(dir, "w.bin")
			write(t, path, "before")
			content, err := layer.File(root, "w.bin")
			if err != nil {
				t.Fatal(err)
			}
			tc.change(t, path)
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(path, later, later); err != nil {
				t.Fatal(err)
			}
			l := newLayer(t, layer.Spec{Entries: []layer.Entry{{Path: "w.bin", Content: content}}, Compression: layer.Plain})
			if _, err := l.Digest(); !errors.Is(err, layer.ErrChanged) {
				t.Errorf("Digest: %v, want ErrChanged", err)
			}
		})
	}
}

// A write between the first and the last byte must not go unseen.
func TestFileChangesWhileRead(t *testing.T) {
	root, dir := project(t)
	path := filepath.Join(dir, "w.bin")
	write(t, path, strings.Repeat("w", 4096))
	content, err := layer.File(root, "w.bin")
	if err != nil {
		t.Fatal(err)
	}
	l := newLayer(t, layer.Spec{Entries: []layer.Entry{{Path: "w.bin", Content: content}}, Compression: layer.Plain})
	r, err := l.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Repeat("x", 4096))
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, layer.ErrChanged) {
		t.Errorf("reading on: %v, want ErrChanged", err)
	}
}

func TestFileStaysInside(t *testing.T) {
	root, dir := project(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "x")
	if err := os.Symlink(secret, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"out": "escapes", "../secret": "escapes", "sub": "not a regular file",
		"fifo": "not a regular file", "none": "no such file",
	} {
		if _, err := layer.File(root, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("File(%q): %v, want %q", name, err, want)
		}
	}
}

func project(t testing.TB) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
