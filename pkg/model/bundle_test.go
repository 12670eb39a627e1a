package model_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/model"
	"github.com/org/ai-ship/pkg/tree"
)

const mib = 1 << 20

// sized is content that only has a size.
type sized int64

func (s sized) Size() int64                    { return int64(s) }
func (sized) Open() (io.ReadSeekCloser, error) { return nil, io.ErrUnexpectedEOF }
func (sized) Stamp() string                    { return "" }
func (sized) Settled() time.Time               { return time.Time{} }

func files(sizes ...int64) []tree.File {
	var fs []tree.File
	for i, s := range sizes {
		fs = append(fs, tree.File{Source: fmt.Sprintf("f%04d", i), Entry: layer.Entry{Path: fmt.Sprintf("f%04d", i), Content: sized(s)}})
	}
	return fs
}

func TestBundle(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files []tree.File
		want  []int // files of each layer
	}{
		{"none", nil, nil},
		{"small ones together", files(1, 2, 3), []int{3}},
		{"shards alone, the rest together", files(1, 400*mib, 2, 400*mib, 3), []int{1, 1, 3}},
		{"up to the bound", files(100*mib, 100*mib, 100*mib, 56*mib, 1), []int{2, 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int
			for _, g := range model.Bundle(tc.files) {
				got = append(got, len(g))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("layers of %v files, want %v", got, tc.want)
			}
		})
	}
}

// Whatever the model, every file is in exactly one layer and there are few.
func TestBundleKeepsEveryFileOnce(t *testing.T) {
	for _, n := range []int{1, 63, 64, 65, 500, 3000} {
		for _, size := range []int64{1, 200 * mib, 300 * mib, 5000 * mib} {
			in := files(slices.Repeat([]int64{size}, n)...)
			groups := model.Bundle(in)
			if len(groups) > 64 {
				t.Errorf("%d files of %d bytes: %d layers", n, size, len(groups))
			}
			seen := map[string]bool{}
			for _, g := range groups {
				for _, f := range g {
					seen[f.Path] = true
				}
			}
			if len(seen) != n {
				t.Errorf("%d files of %d bytes: %d of them bundled", n, size, len(seen))
			}
		}
	}
}

func TestCompression(t *testing.T) {
	link := tree.File{Entry: layer.Entry{Path: "l", Link: "x"}}
	if c := model.Compression(append(files(15*mib), link)); c != layer.Gzip {
		t.Errorf("15 MiB: %s", c)
	}
	if c := model.Compression(files(8*mib, 8*mib)); c != layer.Plain {
		t.Errorf("16 MiB: %s", c)
	}
}

func TestNewest(t *testing.T) {
	if _, _, ok := model.Newest(nil); ok {
		t.Error("the newest of no files")
	}
	fs := files(1, 2, 3)
	when := time.Unix(1700000000, 0)
	fs[1].ModTime = when
	if path, modified, ok := model.Newest(fs); !ok || path != "f0001" || !modified.Equal(when) {
		t.Errorf("newest %q at %s", path, modified)
	}
}
