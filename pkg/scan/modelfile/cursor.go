package modelfile

import (
	"bytes"
	"context"
)

const window = 64 << 10 // bytes that a cursor reads at once, and the longest piece it returns

// cursor reads a content forward in pieces. What is skipped is not read.
type cursor struct {
	ctx context.Context //nolint:containedctx // lives for one call of an inspector
	in  *input
	off int64  // of the next byte
	buf []byte // starts at off
	all []byte // of which buf is a part
}

func newCursor(ctx context.Context, in *input, off int64) *cursor {
	return &cursor{ctx: ctx, in: in, off: off}
}

// left is how many bytes lie ahead.
func (c *cursor) left() int64 { return c.in.Size - c.off }

// peek is n bytes from off, fewer at the end; n is at most window. They are valid
// until the next call that goes further.
func (c *cursor) peek(n int) []byte {
	if len(c.buf) < n && int64(len(c.buf)) < c.left() {
		c.buf = nil
		if c.in.alive(c.ctx) {
			if c.all == nil {
				c.all = make([]byte, min(window, c.in.Size))
			}
			c.buf = c.in.fill(c.all, c.off)
		}
	}
	return c.buf[:min(n, len(c.buf))]
}

// take is exactly n bytes and goes behind them; false when there are not as many.
func (c *cursor) take(n int) ([]byte, bool) {
	b := c.peek(n)
	if len(b) < n {
		return nil, false
	}
	c.off += int64(n)
	c.buf = c.buf[n:]
	return b, true
}

// skip goes n bytes ahead; false when there are not as many.
func (c *cursor) skip(n int64) bool {
	if n < 0 || n > c.left() {
		return false
	}
	c.off += n
	c.buf = c.buf[min(n, int64(len(c.buf))):]
	return true
}

// line is what stands before the next line feed, which it goes behind; false
// when there is none within limit bytes, which is below window.
func (c *cursor) line(limit int) (string, bool) {
	i := bytes.IndexByte(c.peek(min(512, limit+1)), '\n')
	if i < 0 {
		i = bytes.IndexByte(c.peek(limit+1), '\n')
	}
	if i < 0 {
		return "", false
	}
	b, _ := c.take(i + 1)
	return string(b[:i]), true
}
