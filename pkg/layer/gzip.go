package layer

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
)

// compressor is gzip as a reader: it pulls plain bytes, and holds no more than
// one chunk's output.
type compressor struct {
	plain io.ReadCloser
	out   bytes.Buffer
	zip   *gzip.Writer
	chunk []byte
	err   error
}

// newCompressor compresses at the default level and leaves name, time and
// operating system out of the header, so that equal input gives equal output.
func newCompressor(plain io.ReadCloser) *compressor {
	c := &compressor{plain: plain, chunk: make([]byte, copySize)}
	c.zip = gzip.NewWriter(&c.out)
	return c
}

func (c *compressor) Read(p []byte) (int, error) {
	for c.out.Len() == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.fill()
	}
	return c.out.Read(p)
}

func (c *compressor) fill() {
	n, err := c.plain.Read(c.chunk)
	if _, werr := c.zip.Write(c.chunk[:n]); werr != nil && c.err == nil {
		c.err = werr
	}
	if err == io.EOF {
		err = c.zip.Close()
		if err == nil {
			err = io.EOF
		}
	}
	if err != nil && c.err == nil {
		c.err = err
	}
}

func (c *compressor) Close() error { return c.plain.Close() }
