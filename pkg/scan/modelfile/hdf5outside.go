package modelfile

import (
	"bytes"
	"fmt"
	"math"

	"github.com/org/ai-ship/pkg/scan"
)

// link looks for a link message (IV.A.2.g) whose link leads to another file: version
// 1, flags, type 64, …, the link's name, and two texts: a file and a path in it.
func (h *hdf5) link(b []byte, off int64) {
	const longest = math.MaxUint16 // bytes of each text
	if len(b) < 16 || b[1]&0xe8 != 8 || b[2] != 64 {
		return
	}
	at := 3
	if b[1]&4 != 0 { // creation order
		at += 8
	}
	if b[1]&16 != 0 { // character set
		at++
	}
	wide := 1 << (b[1] & 3)
	if len(b) < at+wide+2 {
		return
	}
	size := littleEndian(b[at : at+wide])
	at += wide
	if size == 0 || size > longest {
		return
	}
	at += int(size)
	if len(b) < at+2 {
		if b = h.probe(uint64(off-h.base), at+2); len(b) < at+2 { //nolint:gosec // off is behind base
			return
		}
	}
	info := int(littleEndian(b[at : at+2]))
	if len(b) < at+2+info {
		b = h.probe(uint64(off-h.base), at+2+info) //nolint:gosec // off is behind base
	}
	if info < 4 || len(b) < at+2+info || b[at+2] != 0 || b[at+1+info] != 0 {
		return
	}
	rest := b[at+2:]
	file, path, ok := bytes.Cut(rest[1:info-1], []byte{0})
	if !ok || len(file) == 0 || bytes.IndexByte(path, 0) >= 0 || !isPlain(file) || !isPlain(path) {
		return
	}
	h.outside(off, string(file)+":"+string(path), "A link in the file leads to another file, which is read in its place.")
}

// external looks for a message of type 7 (IV.A.2.h): the dataset's numbers are in
// other files, whose names are in a local heap.
func (h *hdf5) external(b []byte, off int64) {
	w := h.width
	for _, start := range []int{8, 4, 6} { // headers of version 1 and 2, these with and without creation order
		if len(b) < start+8+4*w {
			return
		}
		m := b[start:]
		if start == 8 && (b[1] != 0 || b[5] != 0 || b[6] != 0 || b[7] != 0) || m[0] != 1 || m[1] != 0 || m[2] != 0 || m[3] != 0 {
			continue
		}
		slots, used, heap := littleEndian(m[4:6]), littleEndian(m[6:8]), littleEndian(m[8:8+w])
		if used == 0 || used > slots {
			continue
		}
		head := h.probe(heap, 8+3*w)
		if len(head) < 8+3*w || string(head[:4]) != "HEAP" {
			continue
		}
		name := h.heapText(littleEndian(head[8+2*w:]), littleEndian(m[8+w:8+2*w]))
		h.outside(off, name, "The numbers of a dataset are read from another file.")
		return
	}
}

// heapText is a text in a local heap; empty when it is not there.
func (h *hdf5) heapText(data, off uint64) string {
	const longest = 1024
	if data > uint64(h.in.Size) || off > uint64(h.in.Size) { //nolint:gosec // Size is not negative
		return ""
	}
	name, _, _ := bytes.Cut(h.probe(data+off, longest), []byte{0})
	return string(name)
}

// virtual looks for a layout message (IV.A.2.i) of version 4 or 5 and class 3: the
// dataset is put together of others, by a list in the global heap of how many there
// are, and of each the file, the dataset, and two selections.
func (h *hdf5) virtual(b []byte, off int64) {
	w := h.width
	if len(b) < 6+w || b[1] != 3 {
		return
	}
	address, index := littleEndian(b[2:2+w]), littleEndian(b[2+w:6+w])
	if address == 0 || index == 0 || index > math.MaxUint16 || string(h.probe(address, 4)) != "GCOL" {
		return
	}
	calls := "a list that cannot be followed"
	h.objects(h.base+int64(address), func(number uint64, at, size int64) bool { //nolint:gosec // was looked at
		if number != index {
			return true
		}
		list := h.in.at(at, int(min(size, window)))
		if len(list) < 2+w || list[0] != 0 {
			return false
		}
		file, rest, _ := bytes.Cut(list[1+w:], []byte{0})
		if count := littleEndian(list[1 : 1+w]); count == 1 && string(file) == "." {
			calls = ""
		} else {
			path, _, _ := bytes.Cut(rest, []byte{0})
			calls = fmt.Sprintf("%s:%s (the first of %d)", file, path, count)
		}
		return false
	})
	if calls != "" {
		h.outside(off, calls, "A virtual dataset is put together of others, which may lie in other files.")
	}
}

// objects calls each for the objects of a collection of the global heap (III.E), as
// long as it returns true.
func (h *hdf5) objects(at int64, each func(number uint64, at, size int64) bool) {
	w := int64(h.width)
	head := h.in.at(at, int(8+w))
	if int64(len(head)) < 8+w {
		return
	}
	end := min(uint64(h.in.Size), uint64(at)+littleEndian(head[8:])) //nolint:gosec // not negative
	for at += 8 + w; uint64(at) < end && h.in.spend(1); {            //nolint:gosec // not negative
		o := h.in.at(at, int(8+w))
		if int64(len(o)) < 8+w {
			return
		}
		number, size := littleEndian(o[:2]), littleEndian(o[8:])
		if number == 0 && size >= uint64(8+w) && size <= end-uint64(at) { //nolint:gosec // not negative
			at += int64(size) //nolint:gosec // free space, its own header included
			continue
		}
		if at += 8 + w; number == 0 || size > end-uint64(at) || !each(number, at, int64(size)) { //nolint:gosec // checked
			return
		}
		at += (int64(size) + 7) &^ 7 //nolint:gosec // checked
	}
}

func (h *hdf5) outside(off int64, calls, why string) {
	h.in.risk(Risk{
		Rule: "hdf5-external", Severity: scan.High, Offset: off, Calls: calls, Why: why,
		Convert: "Write the file anew with everything in it.",
	})
}
