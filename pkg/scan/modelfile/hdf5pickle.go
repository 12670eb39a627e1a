package modelfile

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/org/ai-ship/pkg/scan"
)

// attribute looks for an attribute message (IV.A.2.m) whose value is a text.
// PyTables, and pandas by it, unpickles those that end with a dot
// (tables/attributeset.py, AttributeSet.__getattr__).
func (h *hdf5) attribute(ctx context.Context, b []byte, off int64) {
	const fixed, longest = 8, 64 << 10
	if len(b) < 24 || b[0] == 1 && b[1] != 0 || b[1] > 3 {
		return
	}
	name, kind, space := int(littleEndian(b[2:4])), int(littleEndian(b[4:6])), int(littleEndian(b[6:8]))
	at := fixed
	switch b[0] {
	case 1:
		name, kind, space = (name+7)&^7, (kind+7)&^7, (space+7)&^7
	case 3:
		if at++; b[8] > 1 {
			return
		}
	}
	if name < 2 || kind < 8 || kind > 256 || space < 4 || space > 256 || b[at] == 0 {
		return
	}
	need := at + name + kind + space
	if len(b) < need {
		if b = h.probe(uint64(off-h.base), need); len(b) < need { //nolint:gosec // off is behind base
			return
		}
	}
	typed := b[at+name:]
	const text = 3 // class
	switch {
	case bytes.IndexByte(b[at:at+name], 0) < 0:
		return
	case b[0] > 1 && b[1]&1 != 0: // the type lies elsewhere
		h.pickled(ctx, "attribute", off+int64(need), longest)
	case typed[0]&0x0f == text && typed[0]>>4 >= 1 && typed[0]>>4 <= 5:
		h.pickled(ctx, "attribute", off+int64(need), int64(littleEndian(typed[4:8]))) //nolint:gosec // four bytes
	}
}

// collection looks at the objects of the global heap, where arrays of texts and of
// PyTables' pickled objects (VLArray of ObjectAtom) lie.
func (h *hdf5) collection(ctx context.Context, off int64) {
	h.objects(off, func(_ uint64, at, size int64) bool {
		h.pickled(ctx, "object", at, size)
		return h.in.alive(ctx)
	})
}

// pickled inspects a value that may be a pickle.
func (h *hdf5) pickled(ctx context.Context, what string, at, size int64) {
	size = min(size, h.in.Size-at)
	if size < 3 {
		return
	}
	content := io.NewSectionReader(h.in, at, size)
	within := &input{Source: Source{Path: h.in.Path, Size: size, ReaderAt: content}, findings: h.in.findings}
	if within.Size -= padding(within); within.Size < 3 || !pickleAt(ctx, within, 0) {
		return
	}
	h.in.risk(Risk{
		Rule: "hdf5-pickle", Severity: scan.Medium, Offset: at, Calls: what,
		Why:     "The file holds a pickle where PyTables, or pandas by it, unpickles what it finds.",
		Convert: "Store numbers and texts only, as h5py does.",
	})
	if m := h.in.inside(fmt.Sprintf("%s@%d", what, at), within.Size, content); m != nil {
		inspectPickle(ctx, m)
	}
}

// padding is how many bytes at the end of a text only fill it up.
func padding(in *input) int64 {
	const most = 4 << 10
	tail := in.at(max(0, in.Size-most), most)
	return int64(len(tail) - len(bytes.TrimRight(tail, "\x00 ")))
}
