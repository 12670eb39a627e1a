package layer_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/layer"
)

// counted is a content that counts how often it is opened.
type counted struct {
	layer.Content
	opened *int
}

func (c counted) Open() (io.ReadSeekCloser, error) {
	*c.opened++
	return c.Content.Open()
}

// weighed is a layer whose files' digests are wanted, and how often they are opened.
func weighed(t testing.TB, c layer.Compression) (l *layer.Layer, opened *int, want []string) {
	t.Helper()
	opened = new(int)
	all := append(entries(), layer.Entry{Path: "models/large", Content: layer.Bytes([]byte(strings.Repeat("weights", 100_000)))})
	for i := range all {
		if all[i].Content != nil {
			all[i].Content = counted{all[i].Content, opened}
		}
	}
	l = newLayer(t, layer.Spec{Kind: layer.KindModel, Entries: all, Compression: c, Digests: true})
	for _, e := range l.Entries() {
		if e.Content == nil {
			continue
		}
		r, err := e.Content.Open()
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%x", h.Sum(nil)))
	}
	*opened = 0
	return l, opened, want
}

// One pass over the files tells the layer's digest and theirs, however it is read.
func TestDigestsComeWithTheLayer(t *testing.T) {
	for name, pass := range map[string]func(*layer.Layer) error{
		"facts": func(l *layer.Layer) error { _, err := l.Facts(); return err },
		"in bytes": func(l *layer.Layer) error {
			r, err := l.Compressed()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, iotest.OneByteReader(r))
			return err
		},
		"in odd pieces": func(l *layer.Layer) error {
			r, err := l.Compressed()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 70_001))
			return err
		},
	} {
		for _, c := range []layer.Compression{layer.Plain, layer.Gzip} {
			l, opened, want := weighed(t, c)
			if l.Digests() != nil {
				t.Errorf("%s, %s: known before anything was read", name, c)
			}
			if err := pass(l); err != nil {
				t.Fatal(err)
			}
			if got := l.Digests(); !slices.Equal(got, want) {
				t.Errorf("%s, %s: digests %q, want %q", name, c, got, want)
			}
			read := *opened
			if again, err := l.Digested(); err != nil || !slices.Equal(again, want) || *opened != read || read != len(want) {
				t.Errorf("%s, %s: %v; opened %d files and then %d, want %d and no more", name, c, err, read, *opened-read, len(want))
			}
		}
	}
}

// So does sending files to a connection, which the kernel does.
func TestDigestsComeWithSending(t *testing.T) {
	plain, dir := files(t)
	l := newLayer(t, layer.Spec{Kind: layer.KindModel, Entries: plain.Entries(), Compression: layer.Plain, Digests: true})
	r, err := l.OpenAt(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	conn, received := pipe(t)
	if _, err := r.(io.WriterTo).WriteTo(conn); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	<-received
	var want []string
	for _, e := range l.Entries() {
		data := []byte("memory")
		if name := filepath.Base(e.Path); name != "memory" {
			if data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, fmt.Sprintf("%x", sha256.Sum256(data)))
	}
	if got := l.Digests(); !slices.Equal(got, want) {
		t.Errorf("digests %q, want %q", got, want)
	}
	a, err := l.Facts()
	if b, other := plain.Facts(); err != nil || other != nil || a != b {
		t.Errorf("with digests the layer is %v, without %v", a, b)
	}
}

func TestDigestsOfAKnownLayer(t *testing.T) {
	source, _, want := weighed(t, layer.Plain)
	facts, err := source.Facts()
	if err != nil {
		t.Fatal(err)
	}
	known, opened, _ := weighed(t, layer.Plain)
	known.Adopt(facts)
	if err := known.AdoptDigests(want); err != nil || !slices.Equal(known.Digests(), want) {
		t.Errorf("adopted %q, %v", known.Digests(), err)
	}
	if _, err := known.Digested(); err != nil || *opened != 0 {
		t.Errorf("%d files were opened, %v", *opened, err)
	}
	before, opened, _ := weighed(t, layer.Plain) // known from before anybody asked
	before.Adopt(facts)
	if before.Digests() != nil {
		t.Error("what nobody computed is known")
	}
	if got, err := before.Digested(); err != nil || !slices.Equal(got, want) || *opened != len(want) {
		t.Errorf("%q, %v, %d files were opened", got, err, *opened)
	}
	changed, _, _ := weighed(t, layer.Plain)
	changed.Adopt(layer.Facts{Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, DiffID: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, Size: 1})
	if got, err := changed.Digested(); !errors.Is(err, layer.ErrChanged) || changed.Digests() != nil {
		t.Errorf("of other files: %q, %v", got, err)
	}
	if err := changed.AdoptDigests(want[1:]); err == nil || changed.Digests() != nil {
		t.Errorf("one too few: %v", err)
	}
	unasked := newLayer(t, layer.Spec{Entries: entries(), ModTime: time.Unix(0, 0)})
	if _, err := unasked.Facts(); err != nil || unasked.Digests() != nil {
		t.Errorf("unasked: %q, %v", unasked.Digests(), err)
	}
	if got, err := unasked.Digested(); err == nil {
		t.Errorf("unasked: %q", got)
	}
	if err := unasked.AdoptDigests(want); err == nil {
		t.Error("unasked, they are adopted")
	}
}

// BenchmarkDigests reads an unknown layer as a push does, without and with its
// files' digests.
func BenchmarkDigests(b *testing.B) {
	weights := []layer.Entry{{Path: "w", Content: layer.Bytes(make([]byte, 64<<20))}}
	for _, wanted := range []bool{false, true} {
		b.Run(fmt.Sprint(wanted), func(b *testing.B) {
			b.SetBytes(64 << 20)
			for b.Loop() {
				l := newLayer(b, layer.Spec{Entries: weights, Compression: layer.Plain, Digests: wanted})
				r, err := l.Compressed()
				if err != nil {
					b.Fatal(err)
				}
				io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, 256<<10))
				r.Close()
			}
		})
	}
}
