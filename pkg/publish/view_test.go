package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/stream"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// noise is pseudo-random bytes that can be read anywhere: a block of prime
// length, repeated.
type noise struct{ block []byte }

func newNoise(seed uint64) noise {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	block := make([]byte, 1048583)
	_, _ = source.Read(block)
	return noise{block}
}

func (n noise) fill(p []byte, offset int64) {
	for len(p) > 0 {
		k := copy(p, n.block[offset%int64(len(n.block)):])
		p, offset = p[k:], offset+int64(k)
	}
}

// testView is a View over noise. While it is unknown, asking for its digest is
// an error, so that a test sees when someone asks too early.
type testView struct {
	noise
	size int64
	name string
	fail func(offset int64) error // called before each read; nil never fails

	mu     sync.Mutex
	digest v1.Hash
	opened int // readers so far
}

func newView(seed uint64, size int64) *testView {
	return &testView{noise: newNoise(seed), size: size}
}

// known is the same view with its digest already computed.
func (v *testView) known(t testing.TB) *testView {
	t.Helper()
	r, err := v.OpenAt(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *testView) Known() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.digest != v1.Hash{}
}

func (v *testView) Digest() (v1.Hash, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if (v.digest == v1.Hash{}) {
		return v1.Hash{}, stream.ErrNotComputed
	}
	return v.digest, nil
}

func (v *testView) Name() string {
	if v.name == "" {
		return "layer"
	}
	return v.name
}

func (v *testView) DiffID() (v1.Hash, error)             { return v.Digest() }
func (v *testView) Size() (int64, error)                 { return v.size, nil }
func (v *testView) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }
func (v *testView) Compressed() (io.ReadCloser, error)   { return v.OpenAt(0) }
func (v *testView) Uncompressed() (io.ReadCloser, error) { return v.OpenAt(0) }

func (v *testView) OpenAt(offset int64) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opened++
	r := &viewReader{view: v, offset: offset}
	if offset == 0 {
		r.sum = sha256.New()
	}
	return r, nil
}

func (v *testView) readers() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.opened
}

type viewReader struct {
	view   *testView
	offset int64
	sum    hash.Hash
}

func (r *viewReader) Read(p []byte) (int, error) {
	if r.view.fail != nil {
		if err := r.view.fail(r.offset); err != nil {
			return 0, err
		}
	}
	p = p[:min(int64(len(p)), r.view.size-r.offset)]
	if len(p) == 0 {
		if r.sum != nil {
			r.view.mu.Lock()
			r.view.digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(r.sum.Sum(nil))}
			r.view.mu.Unlock()
		}
		return 0, io.EOF
	}
	r.view.fill(p, r.offset)
	if r.sum != nil {
		r.sum.Write(p)
	}
	r.offset += int64(len(p))
	return len(p), nil
}

func (r *viewReader) Close() error { return nil }
