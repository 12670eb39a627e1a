package modelfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

const lz4Magic = "\x04\x22\x4d\x18"

func inspectLZ4(ctx context.Context, in *input) { inspectStream(ctx, in, openLZ4) }

func openLZ4(r io.Reader) (io.Reader, error) { return &lz4{src: r}, nil }

// lz4 unpacks frames of the LZ4 format, 1.6.4, one after the other. Checksums are
// read over: what they would tell is whether the disk was at fault.
type lz4 struct {
	src      io.Reader
	history  []byte // 64 KiB at most, which blocks refer back to
	ready    []byte // unpacked and not yet read
	block    int    // most bytes of a block; 0 outside of frames
	linked   bool
	checks   bool // checksums behind blocks
	contents bool // and behind the frame
}

var errLZ4 = errors.New("the LZ4 stream is broken")

func (l *lz4) Read(p []byte) (int, error) {
	for len(l.ready) == 0 {
		if err := l.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// bytes reads exactly n; a stream that ends within is broken.
func (l *lz4) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	if got, err := io.ReadFull(l.src, b); err != nil {
		if got == 0 && errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("reading LZ4: %w", err)
	}
	return b, nil
}

// advance reads a frame's header, or one block of it.
func (l *lz4) advance() error {
	if l.block == 0 {
		return l.frame()
	}
	head, err := l.bytes(4)
	if err != nil {
		return noEOF(err)
	}
	size := int(littleEndian(head))
	if size == 0 {
		l.block = 0
		if l.contents {
			_, err = l.bytes(4)
		}
		return noEOF(err)
	}
	const stored = 1 << 31
	raw := size&stored != 0
	if size &^= stored; size > l.block {
		return errLZ4
	}
	b, err := l.bytes(size)
	if err != nil {
		return noEOF(err)
	}
	if l.checks {
		if _, err := l.bytes(4); err != nil {
			return noEOF(err)
		}
	}
	if !l.linked {
		l.history = nil
	}
	if raw {
		l.ready = b
	} else if l.ready, err = lz4Block(b, l.history, l.block); err != nil {
		return err
	}
	const window = 64 << 10 // bytes
	l.history = append(l.history, l.ready...)
	l.history = append([]byte(nil), l.history[max(0, len(l.history)-window):]...)
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (l *lz4) frame() error {
	head, err := l.bytes(4)
	if err != nil {
		return err // EOF: all frames are read
	}
	if head[0]&0xf0 == 0x50 && bytes.Equal(head[1:], []byte("\x2a\x4d\x18")) { // skippable
		size, err := l.bytes(4)
		if err == nil {
			_, err = io.CopyN(io.Discard, l.src, int64(littleEndian(size))) //nolint:gosec // 32 bits
		}
		return noEOF(err)
	}
	if string(head) != lz4Magic {
		return errLZ4
	}
	flags, err := l.bytes(2)
	if err != nil {
		return noEOF(err)
	}
	const version, dictionary, sized = 0x40, 0x01, 0x08
	id := flags[1] >> 4 & 7
	if flags[0]&0xc0 != version || flags[0]&dictionary != 0 || id < 4 {
		return errLZ4
	}
	rest := 1
	if flags[0]&sized != 0 {
		rest += 8
	}
	l.linked, l.checks, l.contents = flags[0]&0x20 == 0, flags[0]&0x10 != 0, flags[0]&0x04 != 0
	l.block, l.history = 1<<(8+2*id), nil
	_, err = l.bytes(rest)
	return noEOF(err)
}

// lz4Block unpacks one block of at most most bytes.
func lz4Block(b, history []byte, most int) ([]byte, error) {
	out := append([]byte(nil), history...)
	start := len(out)
	for len(b) > 0 {
		token := b[0]
		b = b[1:]
		literals, rest, ok := lz4Length(b, int(token>>4))
		if b = rest; !ok || literals > len(b) || len(out)-start+literals > most {
			return nil, errLZ4
		}
		out = append(out, b[:literals]...)
		if b = b[literals:]; len(b) == 0 {
			break
		}
		if len(b) < 2 {
			return nil, errLZ4
		}
		back := int(b[0]) | int(b[1])<<8
		length, rest, ok := lz4Length(b[2:], int(token&15))
		length += 4
		if b = rest; !ok || back == 0 || back > len(out) || len(out)-start+length > most {
			return nil, errLZ4
		}
		for from := len(out) - back; length > 0; length-- {
			out = append(out, out[from])
			from++
		}
	}
	return out[start:], nil
}

// lz4Length adds the bytes that carry on a length of 15.
func lz4Length(b []byte, n int) (int, []byte, bool) {
	if n < 15 {
		return n, b, true
	}
	for len(b) > 0 {
		c := b[0]
		b = b[1:]
		if n += int(c); c != 255 {
			return n, b, n < 1<<30
		}
	}
	return 0, nil, false
}
