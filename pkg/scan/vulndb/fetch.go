package vulndb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxAnswer bounds every answer of a registry that is not the blob.
const maxAnswer = 8 << 20 // bytes

// Retries within one source are short: the next source is waiting.
const (
	tries      = 2
	retryAfter = 300 * time.Millisecond
)

// from pulls and installs the database of one source. One that is older than
// what is on disk from the same list is refused, as mirrors lag behind.
func (p *puller) from(ctx context.Context, ref name.Reference, onDisk DB) (db DB, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := time.AfterFunc(p.options.Timeout, func() {
		cancel(fmt.Errorf("was not done after %s", p.options.Timeout))
	})
	defer timeout.Stop()
	stall := time.AfterFunc(p.options.Stall, func() {
		cancel(fmt.Errorf("sent nothing for %s", p.options.Stall))
	})
	defer stall.Stop()
	defer func() {
		// What gave up says why better than the call that noticed.
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()

	layer, digest, err := p.find(ctx, ref)
	if err != nil {
		return DB{}, err
	}
	if onDisk.Dir != "" && onDisk.Digest == digest.String() {
		return onDisk, nil
	}
	stall.Reset(p.options.Stall)
	blob, err := layer.Compressed()
	if err != nil {
		return DB{}, fmt.Errorf("reading layer: %w", err)
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	body := &ticking{r: blob, tick: func() { stall.Reset(p.options.Stall) }, done: stall.Stop}
	p.newerThan = onDisk.UpdatedAt
	return p.install(ctx, body, ref.Name(), digest.String())
}

// find reads the manifest and returns the one layer, and the manifest's digest.
func (p *puller) find(ctx context.Context, ref name.Reference) (v1.Layer, v1.Hash, error) {
	desc, err := remote.Get(ref, p.options.remote(ctx)...)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	if desc.MediaType != types.OCIManifestSchema1 && desc.MediaType != types.DockerManifestSchema2 {
		return nil, v1.Hash{}, fmt.Errorf("is of media type %q, expected an image manifest", desc.MediaType)
	}
	image, err := desc.Image()
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("reading manifest: %w", err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("reading manifest: %w", err)
	}
	digest, err := checkManifest(manifest, p.store.spec, p.limits.compressed)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	layer, err := image.LayerByDigest(digest)
	return layer, desc.Digest, err
}

// checkManifest looks for the facts that make an artifact a database, and
// returns the layer's digest.
func checkManifest(m *v1.Manifest, s spec, limit int64) (v1.Hash, error) {
	if len(m.Layers) != 1 {
		return v1.Hash{}, fmt.Errorf("is no %s: has %d layers, expected 1", s.noun, len(m.Layers))
	}
	layer := m.Layers[0]
	switch {
	case string(layer.MediaType) != s.mediaType:
		return v1.Hash{}, fmt.Errorf("is no %s: its layer is of media type %q, expected %q", s.noun, layer.MediaType, s.mediaType)
	case layer.Annotations[titleKey] != s.title:
		return v1.Hash{}, fmt.Errorf("is no %s: its layer has the title %q, expected %q", s.noun, layer.Annotations[titleKey], s.title)
	case layer.Size > limit:
		return v1.Hash{}, fmt.Errorf("its layer has %d bytes, at most %d are allowed", layer.Size, limit)
	}
	return layer.Digest, nil
}

func (o Options) remote(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(o.Keychain),
		remote.WithTransport(limited{o.Transport}),
		remote.WithRetryBackoff(remote.Backoff{Duration: retryAfter, Factor: 1, Steps: tries}),
	}
}

// limited bounds the answers of a registry. Blobs are bounded by their size in
// the manifest.
type limited struct{ next http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !isBlob(r) || resp.StatusCode >= http.StatusMultipleChoices {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{&bounded{r.Context(), resp.Body, maxAnswer}, resp.Body}
	}
	return resp, nil
}

// isBlob says whether a blob was asked for, if only before a redirect.
func isBlob(r *http.Request) bool {
	for r != nil {
		if strings.Contains(r.URL.Path, "/blobs/") {
			return true
		}
		if r.Response == nil {
			return false
		}
		r = r.Response.Request
	}
	return false
}

// ticking tells when bytes arrive, and when the last has.
type ticking struct {
	r    io.Reader
	tick func()
	done func() bool
}

func (t *ticking) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 {
		t.tick()
	}
	if err != nil {
		t.done()
	}
	return n, err
}
