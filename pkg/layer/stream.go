package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"time"
)

// tarball is the tar stream as a view: entries and where each begins.
type tarball struct {
	entries []Entry
	starts  []int64 // offset of each entry; one more for the trailer
	size    int64   // of the whole stream
	mtime   time.Time
}

// trailerSize is the two zero blocks that end a tar stream.
const trailerSize = 2 * blockSize

// newTarball lays the entries out in the order given. Headers are made twice,
// here for their length and again when read, so that a hundred thousand of
// them do not stay in memory.
func newTarball(entries []Entry, mtime time.Time) (*tarball, error) {
	t := &tarball{entries: entries, mtime: mtime, starts: make([]int64, 0, len(entries)+1)}
	for _, e := range entries {
		header, err := e.header(mtime)
		if err != nil {
			return nil, err
		}
		t.starts = append(t.starts, t.size)
		t.size += int64(len(header)) + e.size() + padding(e.size())
	}
	t.starts = append(t.starts, t.size)
	t.size += trailerSize
	return t, nil
}

// padding is what fills a content of n bytes up to a whole block.
func padding(n int64) int64 { return (blockSize - n%blockSize) % blockSize }

// open streams from the offset on, which may be anywhere from 0 to size.
func (t *tarball) open(offset int64) (*stream, error) {
	if offset < 0 || offset > t.size {
		return nil, fmt.Errorf("opening layer at byte %d: it has %d", offset, t.size)
	}
	// The last span that begins at or before the offset.
	next := sort.Search(len(t.starts), func(i int) bool { return t.starts[i] > offset }) - 1
	return &stream{tarball: t, next: next, skip: offset - t.starts[next]}, nil
}

// stream reads a tarball; at most one file is open at a time.
type stream struct {
	tarball *tarball
	next    int         // span to open when parts are used up
	skip    int64       // bytes of that span to leave out
	parts   []io.Reader // what is left of the current span: header, content, padding
	content io.Closer   // the open file among parts, if any
}

func (s *stream) Read(p []byte) (int, error) {
	for {
		part, err := s.part()
		if err != nil {
			return 0, err
		}
		n, err := part.Read(p)
		if err == io.EOF {
			err = s.finish()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// part is what to read next, io.EOF behind the trailer.
func (s *stream) part() (io.Reader, error) {
	if len(s.parts) == 0 {
		if err := s.advance(); err != nil {
			return nil, err
		}
	}
	return s.parts[0], nil
}

// finish leaves a part that is used up.
func (s *stream) finish() error {
	_, wasContent := s.parts[0].(*exactly)
	s.parts = s.parts[1:]
	if wasContent {
		return s.closeContent()
	}
	return nil
}

func (s *stream) Close() error {
	s.parts, s.next = nil, len(s.tarball.starts)+1
	return s.closeContent()
}

func (s *stream) closeContent() error {
	if s.content == nil {
		return nil
	}
	err := s.content.Close()
	s.content = nil
	return err
}

// advance opens the next span, or returns io.EOF behind the trailer.
func (s *stream) advance() error {
	i, skip := s.next, s.skip
	s.next, s.skip = i+1, 0
	switch {
	case i > len(s.tarball.entries):
		return io.EOF
	case i == len(s.tarball.entries):
		s.parts = []io.Reader{zeros(trailerSize - skip)}
		return nil
	}
	e := s.tarball.entries[i]
	header, err := e.header(s.tarball.mtime)
	if err != nil {
		return err
	}
	parts := []io.Reader{bytes.NewReader(header[min(skip, int64(len(header))):])}
	skip = max(0, skip-int64(len(header)))
	if e.Content != nil {
		body, err := s.openContent(e, min(skip, e.size()))
		if err != nil {
			return err
		}
		parts = append(parts, body, zeros(padding(e.size())-max(0, skip-e.size())))
	}
	s.parts = parts
	return nil
}

func (s *stream) openContent(e Entry, skip int64) (io.Reader, error) {
	r, err := e.Content.Open()
	if err != nil {
		return nil, err
	}
	if skip > 0 {
		if _, err := r.Seek(skip, io.SeekStart); err != nil {
			return nil, errors.Join(fmt.Errorf("reading %q from byte %d: %w", e.Path, skip, err), r.Close())
		}
	}
	s.content = r
	return &exactly{r: r, left: e.size() - skip, path: e.Path}, nil
}

// exactly passes on as many bytes as the header promised, and fails when the
// content has fewer or more.
type exactly struct {
	r    io.Reader
	left int64
	path string
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, e.end()
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = fmt.Errorf("reading %q: %d bytes short: %w", e.path, e.left, ErrChanged)
	}
	if err == io.EOF {
		err = nil // end decides, in the next call
	}
	return n, err
}

// end expects the content to have nothing more to say.
func (e *exactly) end() error {
	var probe [1]byte
	n, err := e.r.Read(probe[:])
	if n > 0 || err == nil {
		return fmt.Errorf("reading %q: longer than planned: %w", e.path, ErrChanged)
	}
	return err
}

func zeros(n int64) io.Reader { return bytes.NewReader(make([]byte, n)) }
