package modelfile

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	hdf5Magic   = "\x89HDF\r\n\x1a\n"
	hdf5Overlap = 4 << 10   // bytes that a finding at the end of a piece is shown of what follows
	maxHDF5Text = 256 << 20 // bytes that may be read as JSON in one file, most of them in vain
)

// inspectHDF5 checks the superblock, and then searches the whole file for what
// matters instead of following its trees: any JSON object that describes a Keras
// model, wherever it lies, and links to other files.
//
// Limits: a description that is compressed, or cut into several parts, is not
// found, but said to be missing when its attribute's name is there. Virtual
// datasets, which also read other files, and pickles in PyTables' attributes are
// not looked for.
func inspectHDF5(ctx context.Context, in *input) {
	in.card.Format = HDF5
	base := hdf5Base(in)
	if base < 0 {
		in.unscanned("the HDF5 signature is missing")
		return
	}
	if err := hdf5Superblock(in, base); err != nil {
		in.unscanned("the HDF5 superblock: %v", err)
	}
	h := &hdf5{in: in, base: base, text: maxHDF5Text}
	h.search(ctx)
	if h.configs == 0 && h.named {
		in.unscanned("there is a model_config, but not its JSON")
	}
	if h.broken {
		in.unscanned("the file holds a model's description that is not readable as JSON")
	}
}

// hdf5Base is where the signature stands; -1 when it is nowhere.
func hdf5Base(in *input) int64 {
	for off := int64(0); off < in.Size; off = max(512, off*2) {
		if string(in.at(off, len(hdf5Magic))) == hdf5Magic {
			return off
		}
	}
	return -1
}

// hdf5Superblock checks the version and the end of the file (III.A of the HDF5
// file format specification).
func hdf5Superblock(in *input, base int64) error {
	b := in.at(base, 96)
	if len(b) < 48 {
		return errors.New("it ends early")
	}
	var size, end int
	switch b[8] {
	case 0:
		size, end = int(b[13]), 24
	case 1:
		size, end = int(b[13]), 28
	case 2, 3:
		size, end = int(b[9]), 12
	default:
		return errors.New("it is of an unknown version")
	}
	if size != 2 && size != 4 && size != 8 {
		return errors.New("its addresses have neither 2, 4 nor 8 bytes")
	}
	end += 2 * size                                                    // behind the base address and another one
	if eof := littleEndian(b[end : end+size]); eof > uint64(in.Size) { //nolint:gosec // Size is not negative
		return errors.New("the file ends before where it says")
	}
	return nil
}

type hdf5 struct {
	in      *input
	base    int64
	text    int64 // what may still be read as JSON
	configs int
	named   bool // model_config is in it
	broken  bool
	after   int64 // end of the JSON that was read last
}

// search goes through the whole file once.
func (h *hdf5) search(ctx context.Context) {
	const piece = 1 << 20
	buf := make([]byte, min(piece+hdf5Overlap, h.in.Size))
	for off := int64(0); off < h.in.Size && h.in.alive(ctx); off += piece {
		b := h.in.fill(buf, off)
		h.named = h.named || bytes.Contains(b, []byte("model_config"))
		for i := 0; i < min(piece, len(b)); i++ {
			switch b[i] {
			case '{':
				if !h.in.alive(ctx) {
					return
				}
				h.description(ctx, b[i:], off+int64(i))
			case 1:
				h.link(b[i:], off+int64(i))
			case 7:
				h.external(b[i:], off+int64(i))
			}
		}
	}
}

// description reads the JSON object at off when there is one.
func (h *hdf5) description(ctx context.Context, b []byte, off int64) {
	if off < h.after || !beginsJSON(b) {
		return
	}
	looks := bytes.Contains(b[:min(512, len(b))], []byte(`"class_name"`))
	for size := int64(4 << 10); ; size *= 8 {
		size = min(size, maxKerasText, h.in.Size-off)
		if h.text -= size; h.text < 0 {
			h.in.unscanned("the file holds more that looks like JSON than the limit for one file")
			return
		}
		text := h.in.at(off, int(size))
		if !h.in.alive(ctx) {
			return
		}
		dec := pythonDecoder(text)
		err := dec.SkipValue()
		if err == nil {
			h.text += size - dec.InputOffset() // read, but not in vain
			h.config(text[:dec.InputOffset()], off)
			return
		}
		short := errors.Is(err, io.ErrUnexpectedEOF) && size < min(maxKerasText, h.in.Size-off)
		if !short {
			h.broken = h.broken || looks
			return
		}
	}
}

// beginsJSON is a quick check, so that numbers are not taken for text.
func beginsJSON(b []byte) bool {
	const some = 24 // bytes; what describes a model is longer
	rest := bytes.TrimLeft(b[1:], " \t\r\n")
	if len(b) < some || len(rest) == 0 || rest[0] != '"' {
		return false
	}
	for _, c := range b[:some] {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

func (h *hdf5) config(text []byte, off int64) {
	h.after = off + int64(len(text))
	if !bytes.Contains(text, []byte(`class_name`)) && !bytes.Contains(text, []byte(`\u`)) {
		return
	}
	before := len(h.in.risks)
	top := kerasAt(h.in, text, off)
	for i := before; i < len(h.in.risks); i++ {
		r := &h.in.risks[i]
		if r.Severity == scan.Critical || r.Severity == scan.High {
			r.Why += " Files of HDF5 ignore safe_mode (CVE-2025-9905)."
		}
	}
	if class := top.text("class_name"); class != "" {
		if h.configs == 0 {
			h.in.card.Framework, h.in.card.Architecture = "keras", shown(class, maxName)
		}
		h.configs++
	}
}

// link looks for a link message (IV.A.2.g) whose link leads to another file: version
// 1, flags, type 64, …, the link's name, and two texts: a file and a path in it.
func (h *hdf5) link(b []byte, off int64) {
	const longest = 1024 // bytes of each text
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
	if size == 0 || size > longest || len(b) < at+int(size)+3 {
		return
	}
	at += int(size)
	info := int(littleEndian(b[at : at+2]))
	rest := b[at+2:]
	if info < 4 || info > 2*longest || len(rest) < info || rest[0] != 0 || rest[info-1] != 0 {
		return
	}
	file, path, ok := bytes.Cut(rest[1:info-1], []byte{0})
	if !ok || len(file) == 0 || bytes.IndexByte(path, 0) >= 0 || !isPlain(file) || !isPlain(path) {
		return
	}
	h.outside(off, string(file)+":"+string(path), "A link in the file leads to another file, which is read in its place.")
}

// external looks for a message of type 7 (IV.A.2.h): the dataset's numbers are in
// other files, whose names are in a local heap.
func (h *hdf5) external(b []byte, off int64) {
	for _, start := range []int{8, 4, 6} { // headers of version 1 and 2, these with and without creation order
		if len(b) < start+40 {
			return
		}
		m := b[start:]
		if start == 8 && (b[1] != 0 || b[5] != 0 || b[6] != 0 || b[7] != 0) || m[0] != 1 || m[1] != 0 || m[2] != 0 || m[3] != 0 {
			continue
		}
		slots, used, heap := littleEndian(m[4:6]), littleEndian(m[6:8]), littleEndian(m[8:16])
		if used == 0 || used > slots || heap > uint64(h.in.Size) { //nolint:gosec // Size is not negative
			continue
		}
		head := h.in.at(h.base+int64(heap), 32) //nolint:gosec // at most Size
		if len(head) < 32 || string(head[:4]) != "HEAP" {
			continue
		}
		name := h.heapText(littleEndian(head[24:32]), littleEndian(m[16:24]))
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
	name, _, _ := bytes.Cut(h.in.at(h.base+int64(data+off), longest), []byte{0}) //nolint:gosec // below 2 Size
	return string(name)
}

func (h *hdf5) outside(off int64, calls, why string) {
	h.in.risk(Risk{
		Rule: "hdf5-external", Severity: scan.High, Offset: off, Calls: calls, Why: why,
		Convert: "Write the file anew with everything in it.",
	})
}
