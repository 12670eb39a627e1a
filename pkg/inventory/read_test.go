package inventory_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

// archive writes headers; a regular file's content is zeros.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func regular(name string, size int64) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size}
}

func TestRead(t *testing.T) {
	text := archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./usr/"},
		regular("./usr/lib/libc.so.6", mib), regular("/etc/passwd", 3), regular("../../etc/shadow", 2), tar.Header{Typeflag: tar.TypeSymlink, Name: "."},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "usr/bin"},
		tar.Header{Typeflag: tar.TypeLink, Name: "etc/passwd-", Linkname: "/etc/passwd"},
		tar.Header{Typeflag: tar.TypeChar, Name: "dev/null"},
		regular("var/lib/apt/.wh.lists", 0), regular("opt/.wh..wh..opq", 0), regular(".wh..wh..opq", 0),
		regular("opt/.wh..wh.plnk", 0), regular("opt/.wh.", 0), regular("opt/.wh..", 0), regular("opt/.wh...", 0))
	text = append(text, make([]byte, 10240)...) // tar pads to its record size
	files, n, err := inventory.Read(t.Context(), bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.File{
		{Path: "usr/lib/libc.so.6", Size: mib, ID: fmt.Sprintf("sha256:%x", sha256.Sum256(make([]byte, mib)))},
		{Path: "etc/passwd", Size: 3, Linked: true},
		{Path: "etc/shadow", Size: 2},
		{Path: ".", Type: inventory.Opaque},
		{Path: "bin", Type: inventory.Symlink},
		{Path: "etc/passwd-", Type: inventory.Hardlink},
		{Path: "opt", Type: inventory.Opaque},
		{Path: "var/lib/apt/lists", Type: inventory.Whiteout},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n != int64(len(text)) {
		t.Errorf("unpacked %d, want %d", n, len(text))
	}
}

// Our own layers read back as they are listed from their entries.
func TestReadIsOfLayer(t *testing.T) {
	l, err := layer.New(layer.Spec{Kind: layer.KindApp, Name: "x", Compression: layer.Plain, Entries: layer.WithParents([]layer.Entry{
		{Path: "app/main.py", Content: layer.Bytes([]byte("1"))},
		{Path: "app/big", Content: layer.Bytes(make([]byte, mib))},
		{Path: "app/link", Mode: fs.ModeSymlink, Link: "main.py"},
	})})
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.OfLayer(l)
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files, n, err := inventory.Read(t.Context(), r)
	if err != nil || n != want.Unpacked || want.FileCount != 2 || want.Listed != inventory.All {
		t.Errorf("%d bytes, want %+v: %v", n, want, err)
	}
	if files[0].ID == "" || want.Files[0].ID == "" {
		t.Error("a file of 1 MiB has no ID")
	}
	files[0].ID, want.Files[0].ID = "", ""
	if diff := cmp.Diff(want.Files, files); diff != "" {
		t.Errorf("files (-entries +stream):\n%s", diff)
	}
}

// Two paths that were copied from one file have one ID; a copy of it has another.
func TestOfLayerIdentity(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	content := func(name string) layer.Content {
		c, err := layer.File(root, name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, name := range []string{"a", "b"} {
		if err := root.WriteFile(name, make([]byte, mib), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := layer.New(layer.Spec{Kind: layer.KindModel, Compression: layer.Plain, Entries: []layer.Entry{
		{Path: "m/1", Content: content("a")}, {Path: "m/2", Content: content("a")}, {Path: "m/3", Content: content("b")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := inventory.OfLayer(l).Files
	if f[0].ID != f[1].ID || f[0].ID == f[2].ID {
		t.Errorf("IDs %q %q %q", f[0].ID, f[1].ID, f[2].ID)
	}
}

func TestReadRefuses(t *testing.T) {
	broken := errors.New("connection lost")
	good := archive(t, regular("a", 2*mib))
	sparse := archive(t, regular("a", 0))
	copy(sparse[124:136], "\x80\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00") // a size of 2^52, in base 256
	sum := 0
	copy(sparse[148:156], "        ")
	for _, c := range sparse[:512] {
		sum += int(c)
	}
	copy(sparse[148:156], fmt.Sprintf("%06o\x00 ", sum))
	for name, tc := range map[string]struct {
		r    io.Reader
		is   error
		want string
	}{
		"no tar":      {strings.NewReader(strings.Repeat("{\"not\": \"a tar\"}", 100)), inventory.ErrLayer, "invalid tar header"},
		"truncated":   {bytes.NewReader(good[:mib]), inventory.ErrLayer, "unexpected EOF"},
		"lost":        {io.MultiReader(bytes.NewReader(good[:mib]), failing{broken}), broken, "connection lost"},
		"lost behind": {io.MultiReader(bytes.NewReader(good), failing{broken}), broken, "connection lost"},
		"huge size":   {bytes.NewReader(sparse), inventory.ErrLayer, "more than an image can hold"},
	} {
		t.Run(name, func(t *testing.T) {
			files, n, err := inventory.Read(t.Context(), tc.r)
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) || files != nil || n != 0 {
				t.Errorf("Read: %d files, %d bytes, %v, want %q", len(files), n, err, tc.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := inventory.Read(ctx, bytes.NewReader(good)); err != context.Canceled {
		t.Errorf("Read after cancel: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A sparse file is listed with its size, and no zeros are made up to hash it.
func TestReadSparse(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	// GNU format 1.0: the content begins with the map of what is there, here nothing.
	body := append([]byte("0\n"), make([]byte, 510)...)
	records := map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "hole", "GNU.sparse.realsize": "1099511627776"}
	// The writer refuses these records, so that they are written by hand.
	var pax strings.Builder
	for _, k := range []string{"GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize"} {
		record := fmt.Sprintf(" %s=%s\n", k, records[k])
		n := len(record) + 2
		fmt.Fprintf(&pax, "%d%s", n, record)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "PaxHeaders/x", Size: int64(pax.Len()), Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, pax.String()); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "x", Size: int64(len(body)), Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text := b.Bytes()
	text[156] = tar.TypeXHeader
	sum := 0
	copy(text[148:156], "        ")
	for _, c := range text[:512] {
		sum += int(c)
	}
	copy(text[148:156], fmt.Sprintf("%06o\x00 ", sum))
	files, _, err := inventory.Read(t.Context(), bytes.NewReader(text))
	if diff := cmp.Diff([]inventory.File{{Path: "hole", Size: 1 << 40}}, files); err != nil || diff != "" {
		t.Errorf("Read: %v (-want +got):\n%s", err, diff)
	}
}

// Whatever is read can be kept and read back, and no path leads out.
func FuzzRead(f *testing.F) {
	f.Add(archive(f, regular("./a", 3), regular("b/.wh.c", 0), regular(".wh..wh..opq", 0)))
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "../y"}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		files, n, err := inventory.Read(t.Context(), bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, inventory.ErrLayer) {
				t.Errorf("error %v", err)
			}
			return
		}
		if n != int64(len(text)) {
			t.Errorf("%d bytes of %d", n, len(text))
		}
		l := inventory.Layer{Files: files, Unpacked: n}
		for _, f := range files {
			if strings.HasPrefix(f.Path, "/") || strings.HasPrefix(f.Path, "../") || f.Path == "" || f.Size < 0 {
				t.Errorf("file %+v", f)
			}
			if f.Type == inventory.Regular {
				l.FileCount++
			}
		}
		back, err := inventory.Decode(inventory.Encode(l))
		if err != nil || len(back.Files) != len(files) {
			t.Errorf("Decode: %d files of %d, %v", len(back.Files), len(files), err)
		}
	})
}
