package trivy

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

// view is an image as trivy wants it. Name and tags go into the fingerprints
// of its findings, so they are those that the image will have.
type view struct {
	v1.Image
	name   string
	id     string
	config *v1.ConfigFile
	layer  func(v1.Hash) (v1.Layer, error)
}

func (v *view) Name() string                              { return v.name }
func (v *view) ID() (string, error)                       { return v.id, nil }
func (v *view) RepoTags() []string                        { return []string{v.name} }
func (v *view) RepoDigests() []string                     { return nil }
func (v *view) ConfigFile() (*v1.ConfigFile, error)       { return v.config, nil }
func (v *view) LayerByDiffID(h v1.Hash) (v1.Layer, error) { return v.layer(h) }
func (v *view) Layers() ([]v1.Layer, error)               { return nil, errors.New("reading layers: not offered") }
func (v *view) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	return nil, fmt.Errorf("reading %s: not offered", h)
}

// proof is what is known of a layer after it was read.
type proof struct {
	whole bool  // read to its end, and the hash is the diffID
	err   error // why not
}

var errUnread = errors.New("it was not read to its end")

// checked is a layer that hashes what is read from it, because trivy takes a
// cut archive for a short one. It is used by pointer: trivy looks at the fields
// of what it points to.
type checked struct {
	v1.Layer
	about  scan.Layer
	live   func() error // the context's error
	proof  *proof
	copies *search // nil, or what sees all that is read
}

// Digest is the manifest's, so that it need not be computed.
func (c *checked) Digest() (v1.Hash, error) { return c.about.Digest, nil }

func (c *checked) Uncompressed() (io.ReadCloser, error) {
	*c.proof = proof{err: errUnread}
	r, err := c.Layer.Uncompressed()
	if err != nil {
		c.proof.err = err
		return nil, err
	}
	process.stream = newAhead(&reader{ReadCloser: r, layer: c, hash: sha256.New()}, c.proof)
	return process.stream, nil
}

// readAhead reads a layer in a goroutine of its own: unpacking and hashing take as
// long as what trivy does meanwhile.
type readAhead struct {
	buf   *bufio.Reader
	from  *io.PipeReader
	done  chan error // of closing the layer
	proof *proof
	ended bool
	read  int64 // bytes
}

func newAhead(r io.ReadCloser, p *proof) *readAhead {
	from, to := io.Pipe()
	a := &readAhead{buf: bufio.NewReaderSize(from, ahead), from: from, done: make(chan error, 1), proof: p}
	go func() {
		_, err := io.CopyBuffer(to, struct{ io.Reader }{r}, make([]byte, ahead))
		_ = to.CloseWithError(err) // never fails
		a.done <- r.Close()
	}()
	return a
}

func (a *readAhead) Read(p []byte) (int, error) {
	n, err := a.buf.Read(p)
	a.read += int64(n)
	a.ended = a.ended || err != nil
	return n, err
}

// Close ends the goroutine, and waits for it. What only the goroutine has read
// to its end was not looked at.
func (a *readAhead) Close() error {
	_ = a.from.Close() // never fails
	err := <-a.done
	if !a.ended {
		*a.proof = proof{err: errUnread}
	}
	return err
}

type reader struct {
	io.ReadCloser
	layer *checked
	hash  hash.Hash
}

// Read fails when the scan's context ended: trivy itself reads on.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.layer.live(); err != nil {
		return 0, err
	}
	n, err := r.ReadCloser.Read(p)
	r.hash.Write(p[:n])
	if r.layer.copies != nil {
		_, _ = r.layer.copies.Write(p[:n]) // it tells itself what it lacks
	}
	switch {
	case err == nil:
	case err != io.EOF:
		*r.layer.proof = proof{err: err}
	default:
		got := hex.EncodeToString(r.hash.Sum(nil))
		if r.layer.about.DiffID.Algorithm != "sha256" || got != r.layer.about.DiffID.Hex {
			*r.layer.proof = proof{err: fmt.Errorf("its content is sha256:%s", got)}
			break
		}
		*r.layer.proof = proof{whole: true}
	}
	return n, err
}
