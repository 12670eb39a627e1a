package modelfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	hdf5Magic   = "\x89HDF\r\n\x1a\n"
	hdf5Overlap = 4 << 10   // bytes that a finding at the end of a piece is shown of what follows
	maxHDF5Text = 256 << 20 // bytes that may be read as JSON in one file, most of them in vain

	maxHDF5Probes = 256 << 10 // places that are looked at because of what seems to lead to them
)

// inspectHDF5 checks the superblock, and then searches the whole file for what
// matters instead of following its trees: any JSON object that describes a Keras
// model, wherever it lies, and links to other files.
//
// Limit: a description that is compressed, or cut into several parts, is not
// found, but said to be missing when its attribute's name is there.
func inspectHDF5(ctx context.Context, in *input) {
	in.card.Format = HDF5
	base := hdf5Base(in)
	if base < 0 {
		in.unscanned("the HDF5 signature is missing")
		return
	}
	width, err := hdf5Superblock(in, base)
	if err != nil {
		in.unscanned("the HDF5 superblock: %v", err)
	}
	h := &hdf5{in: in, base: base, width: width, text: maxHDF5Text, probes: maxHDF5Probes}
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
// file format specification), and returns how many bytes addresses and lengths have.
func hdf5Superblock(in *input, base int64) (width int, err error) {
	const usual = 8
	b := in.at(base, 96)
	if len(b) < 48 {
		return usual, errors.New("it ends early")
	}
	var size, lengths, end int
	switch b[8] {
	case 0:
		size, lengths, end = int(b[13]), int(b[14]), 24
	case 1:
		size, lengths, end = int(b[13]), int(b[14]), 28
	case 2, 3:
		size, lengths, end = int(b[9]), int(b[10]), 12
	default:
		return usual, errors.New("it is of an unknown version")
	}
	if size != 4 && size != 8 || lengths != size {
		return usual, errors.New("its addresses and lengths have neither 4 nor 8 bytes")
	}
	end += 2 * size                                                    // behind the base address and another one
	if eof := littleEndian(b[end : end+size]); eof > uint64(in.Size) { //nolint:gosec // Size is not negative
		return size, errors.New("the file ends before where it says")
	}
	return size, nil
}

type hdf5 struct {
	in      *input
	base    int64
	width   int   // bytes of an address
	probes  int   // that are left
	text    int64 // what may still be read as JSON
	configs int
	named   bool // model_config is in it
	broken  bool
	after   int64 // end of the JSON that was read last
}

// begins are the bytes that look knows; most of a file are others.
const begins = "\x01\x02\x03\x04\x05\x07FG{"

// search goes through the whole file once.
func (h *hdf5) search(ctx context.Context) {
	const piece = 1 << 20
	var known [256]bool
	for i := range len(begins) {
		known[begins[i]] = true
	}
	buf := make([]byte, min(piece+hdf5Overlap, h.in.Size))
	for off := int64(0); off < h.in.Size && h.in.alive(ctx); off += piece {
		b := h.in.fill(buf, off)
		h.named = h.named || bytes.Contains(b, []byte("model_config"))
		for i := 0; i < min(piece, len(b)); i++ {
			if i+8 < len(b) && binary.LittleEndian.Uint64(b[i:]) == 0 { // arrays of zeros, and holes
				i += 7
			} else if known[b[i]] {
				h.look(ctx, b[i:], off+int64(i))
			}
		}
	}
}

// look goes by the first byte of b, which stands at off, to what may begin there.
func (h *hdf5) look(ctx context.Context, b []byte, off int64) {
	switch b[0] {
	case '{':
		if h.in.alive(ctx) {
			h.description(ctx, b, off)
		}
	case 1:
		h.link(b, off)
		h.attribute(ctx, b, off)
	case 2, 3:
		h.attribute(ctx, b, off)
	case 4, 5:
		h.virtual(b, off)
	case 7:
		h.external(b, off)
	case 'F':
		// A heap whose objects are filtered (III.G): names of links may be compressed.
		if len(b) > 9 && string(b[:5]) == "FRHP\x00" && (b[7] != 0 || b[8] != 0) {
			h.in.unscanned("the file has a heap at offset %d that is compressed", off)
		}
	case 'G':
		if bytes.HasPrefix(b, []byte("GCOL\x01\x00\x00\x00")) {
			h.collection(ctx, off)
		}
	}
}

// probe is at, for what is said to lie at an address; nil when too many were.
func (h *hdf5) probe(address uint64, n int) []byte {
	if address > uint64(h.in.Size) { //nolint:gosec // Size is not negative
		return nil
	}
	if h.probes--; h.probes < 0 {
		h.in.unscanned("the file has more that looks like an address than the limit for one file")
		return nil
	}
	return h.in.at(h.base+int64(address), n) //nolint:gosec // at most Size
}

// description reads the JSON object at off when there is one.
func (h *hdf5) description(ctx context.Context, b []byte, off int64) {
	if off < h.after || !beginsJSON(h.spaced(b, off)) {
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
			h.broken = h.broken || looks || size == maxKerasText && errors.Is(err, io.ErrUnexpectedEOF)
			return
		}
	}
}

// spaced is b, or where that is a brace and nothing but space, the same with less
// space and what stands behind it.
func (h *hdf5) spaced(b []byte, off int64) []byte {
	const space = " \t\r\n"
	if len(bytes.TrimLeft(b[1:], space)) > 0 || len(b) < hdf5Overlap {
		return b
	}
	for at := off + int64(len(b)); at < h.in.Size && at-off < maxKerasText; at += window {
		more := h.in.at(at, window)
		if h.text -= int64(len(more)); h.text < 0 {
			h.in.unscanned("the file holds more that looks like JSON than the limit for one file")
			return b
		}
		if rest := bytes.TrimLeft(more, space); len(rest) > 0 {
			return append([]byte{'{'}, h.in.at(at+int64(len(more)-len(rest)), 512)...)
		}
	}
	return b
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
