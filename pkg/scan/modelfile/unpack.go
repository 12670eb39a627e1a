package modelfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	maxHeld   = 4 << 20  // unpacked bytes that are held; a longer content is unpacked again
	maxRecent = 4 << 20  // bytes to which one can go back
	maxWindow = 64 << 20 // bytes that a zstd stream may ask to look back
)

// opener starts a decompressor at the beginning of a content.
type opener func(io.Reader) (io.Reader, error)

func openGzip(r io.Reader) (io.Reader, error)  { return gzip.NewReader(r) }
func openZlib(r io.Reader) (io.Reader, error)  { return zlib.NewReader(r) }
func openBzip2(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }
func openFlate(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }
func openZstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("opening zstd: %w", err)
	}
	return d.IOReadCloser(), nil
}

// unpacked is the content of a compressed stream. It can be read anywhere, at the
// price of unpacking again from the start to go back; what is unpacked counts
// against the file's budget each time.
type unpacked struct {
	in   *input          // the packed content
	ctx  context.Context //nolint:containedctx // lives for one call of an inspector
	open opener

	held   []byte // the first bytes
	tail   []byte // the last ones, before size
	recent []byte // the ones before at
	size   int64

	r   io.Reader
	src *bufio.Reader
	at  int64 // of r
}

var errBudget = errors.New("it unpacks to more than the limit for one file")

// restart begins to unpack from the start.
func (u *unpacked) restart() error {
	u.close()
	u.src = bufio.NewReaderSize(&faulty{u.in, io.NewSectionReader(u.in, 0, u.in.Size)}, window)
	r, err := u.open(u.src)
	if err != nil {
		return err
	}
	u.r, u.at, u.recent = r, 0, u.recent[:0]
	return nil
}

func (u *unpacked) close() {
	if c, ok := u.r.(io.Closer); ok {
		_ = c.Close()
	}
	u.r = nil
}

// faulty notes an error of the source itself, which is not one of the content.
type faulty struct {
	in *input
	r  io.Reader
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.in.fail(err)
	}
	return n, err //nolint:wrapcheck // io.Reader
}

// read is the next piece, counted.
func (u *unpacked) read(p []byte) (int, error) {
	if !u.in.alive(u.ctx) {
		return 0, u.in.err
	}
	n, err := u.r.Read(p)
	u.at += int64(n)
	if u.in.left.inflated -= int64(n); u.in.left.inflated < 0 {
		return n, errBudget
	}
	return n, err //nolint:wrapcheck // io.Reader
}

// measure unpacks the whole content once: for its length, its checksums and its
// two ends. The error is the content's; what came before it can be read.
func (u *unpacked) measure(each func([]byte)) error {
	if err := u.restart(); err != nil {
		return err
	}
	const ends = maxComment + endSize + 1 // bytes in which a zip's end record lies
	buf := make([]byte, window)
	for {
		n, err := u.read(buf)
		p := buf[:n]
		each(p)
		if room := maxHeld - len(u.held); room > 0 {
			u.held = append(u.held, p[:min(n, room)]...)
		}
		if u.size >= maxHeld-int64(ends) {
			u.tail = append(u.tail, p...)
			if len(u.tail) > 4*ends {
				u.tail = append([]byte(nil), u.tail[len(u.tail)-ends:]...)
			}
		}
		u.size += int64(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ReadAt reads held bytes, or unpacks up to off.
func (u *unpacked) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		if off+int64(n) >= u.size {
			return n, io.EOF
		}
		got, err := u.piece(p[n:min(n+maxRecent, len(p))], off+int64(n))
		if n += got; err != nil {
			return n, err
		}
	}
	return n, nil
}

// piece reads at most maxRecent bytes.
func (u *unpacked) piece(p []byte, off int64) (int, error) {
	p = p[:min(int64(len(p)), u.size-off)]
	if off+int64(len(p)) <= int64(len(u.held)) {
		return copy(p, u.held[off:]), nil
	}
	if from := u.size - int64(len(u.tail)); off >= from {
		return copy(p, u.tail[off-from:]), nil
	}
	if u.r == nil || off < u.at-int64(len(u.recent)) {
		if err := u.restart(); err != nil {
			return 0, err
		}
	}
	for u.at < off+int64(len(p)) {
		if err := u.forward(); err != nil {
			return 0, err
		}
	}
	return copy(p, u.recent[int64(len(u.recent))-(u.at-off):]), nil
}

// forward unpacks a little more, and keeps it.
func (u *unpacked) forward() error {
	if len(u.recent) > 2*maxRecent {
		u.recent = append(u.recent[:0], u.recent[len(u.recent)-maxRecent:]...)
	}
	u.recent = slices.Grow(u.recent, window)
	n := len(u.recent)
	got, err := u.read(u.recent[n : n+window])
	u.recent = u.recent[:n+got]
	if got > 0 && !errors.Is(err, errBudget) {
		return nil // another error comes again
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// unpack makes in's content that of the decompressor, and reports what is wrong
// with it; false when nothing came out. packed is what in had before.
func unpack(ctx context.Context, in *input, packed io.ReaderAt, size int64, open opener, each func([]byte)) bool {
	from := *in
	from.Size, from.ReaderAt = size, packed
	u := &unpacked{in: &from, ctx: ctx, open: open}
	err := u.measure(each)
	switch {
	case err == nil && u.rest():
		in.unscanned("data follows the compressed content")
	case err != nil && in.alive(ctx):
		in.unscanned("it unpacks to %d bytes and then no more: %v", u.size, err)
	}
	u.close()
	u.recent = nil
	in.Size, in.ReaderAt = u.size, u
	if u.size <= int64(len(u.held)) {
		in.ReaderAt = bytes.NewReader(u.held)
	}
	return u.size > 0
}

// rest reports whether the decompressor left something unread.
func (u *unpacked) rest() bool {
	_, err := u.src.Peek(1)
	return err == nil
}

// inspectStream inspects what a compressed file holds. What joblib compresses is
// joblib's.
func inspectStream(ctx context.Context, in *input, open opener) {
	in.card.Format = Archive
	content := in.inside("content", in.Size, in.ReaderAt)
	if content == nil || !unpack(ctx, content, in.ReaderAt, in.Size, open, func([]byte) {}) {
		return
	}
	inspect(ctx, content)
	if f := content.card.Format; f == Pickle || f == Joblib {
		in.card = content.card
	}
}

func inspectGzip(ctx context.Context, in *input)  { inspectStream(ctx, in, openGzip) }
func inspectZlib(ctx context.Context, in *input)  { inspectStream(ctx, in, openZlib) }
func inspectBzip2(ctx context.Context, in *input) { inspectStream(ctx, in, openBzip2) }
func inspectZstd(ctx context.Context, in *input)  { inspectStream(ctx, in, openZstd) }

func isBzip2(_ context.Context, _ *input, head []byte) bool {
	return len(head) > 9 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isZlib looks whether something comes out, for the signature is a single byte.
func isZlib(_ context.Context, in *input, head []byte) bool {
	const deflate, dictionary = 8, 0x20
	if len(head) < 8 || head[0]&15 != deflate || head[0]>>4 > 7 || head[1]&dictionary != 0 || (int(head[0])<<8|int(head[1]))%31 != 0 {
		return false
	}
	r, err := zlib.NewReader(io.NewSectionReader(in, 0, in.Size))
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }()
	const enough = 64 // bytes that chance does not unpack
	n, err := io.ReadFull(r, make([]byte, enough))
	return n == enough || n > 0 && errors.Is(err, io.ErrUnexpectedEOF)
}

// isZstd also takes skippable frames (RFC 8878, 3.1.2).
func isZstd(_ context.Context, _ *input, head []byte) bool {
	return len(head) >= 4 && (string(head[:4]) == "\x28\xb5\x2f\xfd" || head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18")
}

// isClosed takes formats that are not unpacked: 7z, RAR, xz, lzma, lzip, cabinet,
// joblib's own before 0.10, and PyTorch's flatbuffers.
func isClosed(_ context.Context, _ *input, head []byte) bool {
	for _, magic := range []string{"7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "\xfd7zXZ\x00", "LZIP", "MSCF\x00\x00\x00\x00", "ZF0x"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if len(head) >= 8 && string(head[4:8]) == "PTMF" { // a flatbuffer of PyTorch for phones, which holds bytecode
		return true
	}
	if len(head) < 13 || head[0] != 0x5d || head[1] != 0 || !isWindow(uint32(littleEndian(head[1:5]))) { //nolint:gosec // lzma: properties, window; four bytes
		return false
	}
	size := littleEndian(head[5:13])
	return size == 1<<64-1 || size < 1<<40
}

// isWindow reports whether an lzma stream may have such a window: a power of two,
// or that and half of it.
func isWindow(n uint32) bool {
	high := bits.Len32(n)
	return n == math.MaxUint32 || n == 0 || n&(n-1) == 0 || high > 1 && n == 3<<(high-2)
}

// inspectClosed says that the content cannot be looked at.
func inspectClosed(_ context.Context, in *input) {
	in.card.Format = Archive
	in.unscanned("a 7z, RAR, xz, lzma, lzip or cabinet archive, or a flatbuffer of PyTorch, is not unpacked")
}

// Compression methods of a zip (APPNOTE.TXT §4.4.5).
const (
	methodStored  = 0
	methodDeflate = 8
	methodBzip2   = 12
	methodZstd    = 93
	methodXZ      = 95
)

// open makes m's content that of the member, unpacked, and checks it against what
// the archive says; false when there is nothing to look at.
func (p packed) open(ctx context.Context, m *input) bool {
	const checked = 64 << 20 // bytes of a stored member whose checksum is computed
	sum := crc32.NewIEEE()
	each := func(b []byte) { _, _ = sum.Write(b) }
	var open opener
	switch p.method {
	case methodStored:
		if p.packed > checked {
			return true
		}
		if p.packed != p.unpacked && p.as == "" {
			m.unscanned("a stored member of %d bytes says that it has %d", p.packed, p.unpacked)
		}
		if _, err := io.Copy(sum, &faulty{m, io.NewSectionReader(m, 0, m.Size)}); err != nil || !m.alive(ctx) {
			return false
		}
		p.check(m, sum.Sum32())
		return m.Size > 0
	case methodDeflate:
		open = openFlate
	case methodBzip2:
		open = openBzip2
	case methodZstd:
		open = openZstd
	default:
		m.unscanned("compression method %d is not supported", p.method)
		return false
	}
	if p.packed == 0 {
		return false
	}
	some := unpack(ctx, m, m.ReaderAt, p.packed, open, each)
	if p.flags&flagDescriptor == 0 || p.unpacked > 0 {
		if m.Size != p.unpacked {
			m.unscanned("it unpacks to %d bytes, expected %d", m.Size, p.unpacked)
		}
		p.check(m, sum.Sum32())
	}
	return some
}

func (p packed) check(m *input, sum uint32) {
	if sum != p.crc {
		m.unscanned("its checksum is %08x, expected %08x: some readers give up here and others do not", sum, p.crc)
	}
}
