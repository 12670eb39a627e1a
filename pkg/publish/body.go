package publish

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errSpent   = errors.New("the request was repeated after its body had been sent")
	errStuck   = errors.New("reading it: a read did not return")
	errTooLong = errors.New("it is longer than it said")
	errEarly   = errors.New("the registry accepted it before it had all of it")
)

// sourceError is a failure to read what was to be sent.
type sourceError struct {
	err    error
	remote bool // read from another registry, so that a second try may succeed
}

func (e *sourceError) Error() string { return "reading it: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// body is what one request sends: exactly size bytes of a source.
//
// net/http closes a body in its own time, from other goroutines, even while
// it reads. A source may keep state over its readers, so body lets the engine
// wait until nobody reads any more, and only then closes the source.
type body struct {
	source io.ReadCloser
	size   int64
	remote bool
	moved  func(n int)   // counts what was read
	feed   func(n int)   // keeps the request's watchdog quiet; set by client.do
	grace  time.Duration // for net/http to let go after the request; set by client.do

	turn   chan struct{} // held during a read
	spent  atomic.Bool   // a request has taken it
	done   atomic.Bool   // no more reads
	closed chan struct{} // closed by Close
	once   sync.Once

	// Guarded by turn.
	read int64
	eof  bool
	err  error // first failure of the source
}

func newBody(source io.ReadCloser, size int64, moved func(int)) *body {
	return &body{
		source: source, size: size, moved: moved, feed: func(int) {},
		turn: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// Read reads straight into p: there is no copy between the layer and net/http.
func (b *body) Read(p []byte) (int, error) {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if err := b.ended(); err != nil {
		return 0, err
	}
	n, err := b.source.Read(p)
	b.count(int64(n))
	if err := b.judge(err); err != nil {
		return n, err
	}
	return n, err
}

// ended is why there is nothing more to read; nil when there is.
func (b *body) ended() error {
	if b.done.Load() {
		return errSpent
	}
	return b.err
}

// count notes that bytes have been read and are on their way.
func (b *body) count(n int64) {
	b.read += n
	b.moved(int(n))
	b.feed(int(n))
}

// judge keeps the first failure of the source, of which err is what it said last.
func (b *body) judge(err error) error {
	switch {
	case b.read > b.size:
		b.err = &sourceError{fmt.Errorf("it is longer than its %d bytes", b.size), b.remote}
	case err == io.EOF:
		b.eof = true
		if b.read < b.size {
			b.err = &sourceError{fmt.Errorf("it ended after %d of %d bytes", b.read, b.size), b.remote}
		}
	case err != nil:
		b.err = &sourceError{err, b.remote}
	}
	return b.err
}

// WriteTo lets a source that can write itself do so, which spares the copies
// between the file and the socket; connection calls it.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	source, ok := b.source.(io.WriterTo)
	if !ok {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if err := b.ended(); err != nil {
		return 0, err
	}
	m := &meter{to: w, body: b}
	n, err := source.WriteTo(m)
	if m.err != nil {
		return n, m.err
	}
	if err == nil {
		err = io.EOF
	}
	return n, b.judge(err)
}

// meter counts what a source writes, and lets no byte pass that the request
// did not promise.
type meter struct {
	to   io.Writer
	body *body
	err  error // of to, not of the source
}

func (m *meter) Write(p []byte) (int, error) {
	if int64(len(p)) > m.body.size-m.body.read {
		return 0, errTooLong
	}
	n, err := m.to.Write(p)
	m.body.count(int64(n))
	m.err = err
	return n, err
}

// ReadFrom hands a piece of a file to a connection, which has the kernel move
// it. What does not say how much it is goes through Write.
func (m *meter) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{m}, r)
	}
	if limited.N > m.body.size-m.body.read {
		return 0, errTooLong
	}
	n, err := io.Copy(m.to, r)
	m.body.count(n)
	m.err = err
	return n, err
}

// Close tells that net/http is done; the source stays open until release.
func (b *body) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// settle waits until a request that succeeded has read the body to its end. It
// returns an error when the source held something else than was promised.
func (b *body) settle() error {
	timer := time.NewTimer(b.grace)
	defer timer.Stop()
	select {
	case <-b.closed:
	case <-timer.C:
	}
	read, eof := b.progress()
	if read < b.size {
		return errEarly
	}
	// A layer's digest is only final after io.EOF.
	var probe [1]byte
	for !eof {
		if _, err := b.Read(probe[:]); err != nil && err != io.EOF {
			return err
		}
		_, eof = b.progress()
	}
	return nil
}

func (b *body) progress() (read int64, eof bool) {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	return b.read, b.eof
}

// release ends all reading and closes the source. The error is the source's own.
func (b *body) release() error {
	b.done.Store(true)
	timer := time.NewTimer(b.grace)
	defer timer.Stop()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-timer.C:
		// A read that hangs can only be ended by closing under it.
		_ = b.source.Close()
		return errStuck
	}
	if err := b.source.Close(); err != nil && b.err == nil && b.eof {
		b.err = &sourceError{err, b.remote}
	}
	return b.err
}
