package inventory

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The limits of a stream are too large to be reached in a test, so that it
// starts right below them.
func TestLimits(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"a", "b"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]lister{
		"entries": {entries: maxEntries - 1},
		"names":   {names: maxNames - 1},
	} {
		l.tar = tar.NewReader(bytes.NewReader(b.Bytes()))
		if err := l.list(); err == nil || !strings.Contains(err.Error(), "more than 2000000 entries") {
			t.Errorf("%s: %v", name, err)
		}
		if len(l.files) != 1 {
			t.Errorf("%s: %d files", name, len(l.files))
		}
	}
	s := &source{stopped: t.Context().Err, r: &b, n: maxStream - 100}
	if _, err := s.Read(make([]byte, 512)); !errors.Is(err, ErrLayer) || !errors.Is(s.err, ErrLayer) {
		t.Errorf("Read beyond the limit: %v", err)
	}
}

// A large image is explained in no time that anybody notices.
func BenchmarkExplain(b *testing.B) {
	var inv Inventory
	for i := range 4 {
		l := Layer{Listed: All, FileCount: 50_000, Unpacked: 1 << 30}
		for j := range l.FileCount {
			l.Files = append(l.Files, File{Path: fmt.Sprintf("usr/lib/python3.12/site-packages/p%03d/module%d/f%06d.py", j%300, i, j), Size: int64(l.FileCount - j)})
		}
		inv.Layers = append(inv.Layers, l)
	}
	for b.Loop() {
		Compare(inv, Inventory{})
		Wastes(inv)
	}
}
