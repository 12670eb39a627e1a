package layer

import (
	"fmt"
	"io"
)

// sendSize is how much of a file is hashed and then sent: it should still be in
// the processor's cache when the kernel takes it.
const sendSize = 256 << 10 // bytes

// writeTo writes what is left of the stream, and shows every byte to observer,
// which may be nil. A writer that is an io.ReaderFrom, as a TCP connection is,
// gets the files themselves, so that the kernel moves their bytes (sendfile(2))
// instead of copying them in and out of the process.
//
// What is observed and what is sent are two reads of one page. Should the file
// change between them, the digest tells: a registry takes no other bytes.
func (s *stream) writeTo(w io.Writer, observer io.Writer) (written int64, err error) {
	buf := make([]byte, sendSize)
	for {
		part, err := s.part()
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := send(w, part, observer, buf)
		written += n
		if err != nil {
			return written, err
		}
		if err := s.finish(); err != nil {
			return written, err
		}
	}
}

// send writes one part to its end.
func send(w io.Writer, part io.Reader, observer io.Writer, buf []byte) (int64, error) {
	to, canTake := w.(io.ReaderFrom)
	content, isContent := part.(*exactly)
	if canTake && isContent {
		if f, ok := content.r.(*openFile); ok {
			return content.sendFile(to, f, observer, buf)
		}
	}
	if observer != nil {
		part = io.TeeReader(part, observer)
	}
	// The bare interfaces keep io.CopyBuffer from going around the buffer.
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{part}, buf)
}

// sendFile lets the kernel send the rest of a file, a piece after the other.
func (e *exactly) sendFile(to io.ReaderFrom, f *openFile, observer io.Writer, buf []byte) (sent int64, err error) {
	for e.left > 0 {
		piece := buf[:min(e.left, int64(len(buf)))]
		if observer != nil {
			// The file's own offset stays where it is, for the kernel to send from.
			n, err := f.ReadAt(piece, f.want.Size()-e.left)
			if n < len(piece) {
				return sent, fmt.Errorf("reading %q: %d bytes short: %w", e.path, e.left, orChanged(err))
			}
			if _, err := observer.Write(piece); err != nil {
				return sent, err
			}
		}
		n, err := to.ReadFrom(&io.LimitedReader{R: f.File, N: int64(len(piece))})
		e.left, sent = e.left-n, sent+n
		if err != nil {
			return sent, err
		}
		if n < int64(len(piece)) {
			return sent, fmt.Errorf("reading %q: %d bytes short: %w", e.path, e.left, ErrChanged)
		}
	}
	if err := e.end(); err != io.EOF {
		return sent, err
	}
	return sent, nil
}

// orChanged takes the end of a file that should go on for a change of it.
func orChanged(err error) error {
	if err == io.EOF {
		return ErrChanged
	}
	return err
}

// WriteTo writes what is left of the stream; see writeTo.
func (s *stream) WriteTo(w io.Writer) (int64, error) { return s.writeTo(w, nil) }

// WriteTo writes what is left, and tells the layer what passed, as reading to
// the end does.
func (r *learner) WriteTo(w io.Writer) (int64, error) {
	n, err := r.writeTo(w, r.seen)
	if err == nil {
		r.layer.learn(r.seen)
	}
	return n, err
}
