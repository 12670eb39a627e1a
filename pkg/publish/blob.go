package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// blob is one layer or config on its way to the registry. It belongs to one
// goroutine.
type blob struct {
	title  string // for events and messages
	size   int64
	digest v1.Hash // zero while unknown
	view   View    // nil: only readable from its start
	start  func() (io.ReadCloser, error)
	remote bool // its bytes come from a registry
	from   name.Repository
	mount  bool // from holds it
}

func layerBlob(l v1.Layer, target name.Repository) (*blob, error) {
	b := &blob{title: "layer", start: l.Compressed}
	if named, ok := l.(interface{ Name() string }); ok {
		b.title = named.Name()
	}
	var err error
	if b.size, err = l.Size(); err != nil {
		return nil, fmt.Errorf("reading the size of %s: %w", b.title, err)
	}
	b.view, _ = l.(View)
	if b.view == nil || b.view.Known() {
		if b.digest, err = l.Digest(); err != nil {
			return nil, fmt.Errorf("reading the digest of %s: %w", b.title, err)
		}
	}
	_, b.remote = l.(*remote.MountableLayer)
	b.from, b.mount = mountSource(l, target)
	return b, nil
}

func configBlob(img v1.Image) (*blob, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	digest, err := img.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	return &blob{title: "config", size: int64(len(raw)), digest: digest, start: open}, nil
}

func (b *blob) known() bool { return b.digest != v1.Hash{} }

// String names the blob in messages.
func (b *blob) String() string {
	if b.known() {
		return fmt.Sprintf("%s %s", b.title, b.digest)
	}
	return fmt.Sprintf("%s (%d bytes)", b.title, b.size)
}

// open gives the stored bytes from offset on. Only a View can start elsewhere than at 0.
func (b *blob) open(offset int64) (io.ReadCloser, error) {
	if b.view != nil {
		return b.view.OpenAt(offset)
	}
	return b.start()
}

// learn fills in the digest of a view that was read, and reads it (through r)
// when no single reader saw all of it, as after an upload in two parts.
func (b *blob) learn(ctx context.Context, r func(io.Reader) io.Reader) error {
	if b.known() {
		return nil
	}
	if !b.view.Known() {
		src, err := b.view.OpenAt(0)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, stoppable{ctx, r(src)})
		if closeErr := src.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	var err error
	b.digest, err = b.view.Digest()
	return err
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context //nolint:containedctx // an io call has no other way to be ended
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
