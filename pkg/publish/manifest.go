package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// manifest is a manifest as it is written.
type manifest struct {
	raw    []byte
	digest v1.Hash
	media  types.MediaType
}

func newManifest(a Artifact) (manifest, error) {
	raw, err := a.RawManifest()
	if err != nil {
		return manifest{}, fmt.Errorf("reading manifest: %w", err)
	}
	media, err := a.MediaType()
	if err != nil {
		return manifest{}, fmt.Errorf("reading manifest: %w", err)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return manifest{}, fmt.Errorf("hashing manifest: %w", err)
	}
	claimed, err := a.Digest()
	if err != nil {
		return manifest{}, fmt.Errorf("reading manifest: %w", err)
	}
	if claimed != digest {
		return manifest{}, fmt.Errorf("reading manifest: its digest is %s, found one of %s", claimed, digest)
	}
	return manifest{raw, digest, media}, nil
}

// pushManifests writes each image's config and manifest, then the indexes. It
// returns them in the order of writing, the artifact itself last.
func (s *client) pushManifests(ctx context.Context, parts *contents) ([]manifest, error) {
	var written []manifest
	put := func(a Artifact) error {
		m, err := newManifest(a)
		if err != nil {
			return err
		}
		if err := s.put(ctx, m); err != nil {
			return fmt.Errorf("pushing manifest %s to %q: %w", m.digest, s.repo, err)
		}
		written = append(written, m)
		return nil
	}
	for _, img := range parts.images {
		config, err := configBlob(img)
		if err != nil {
			return nil, err
		}
		if err := s.place(ctx, config); err != nil {
			return nil, err
		}
		if err := put(img); err != nil {
			return nil, err
		}
	}
	for _, index := range parts.indexes {
		if err := put(index); err != nil {
			return nil, err
		}
	}
	return written, nil
}

// put writes a manifest unless the registry has it already, whole and right.
func (s *client) put(ctx context.Context, m manifest) error {
	return s.retry.run(ctx, func() error {
		found, err := s.has(ctx, m)
		if found && err == nil || err != nil && temporary(err) {
			return err
		}
		r, err := s.do(ctx, call{
			method: http.MethodPut,
			url:    s.path("/manifests/" + m.digest.String()),
			header: http.Header{"Content-Type": {string(m.media)}},
			body: newBody(io.NopCloser(bytes.NewReader(m.raw)), int64(len(m.raw)), func(n int) {
				s.tally.uploaded.Add(int64(n))
			}),
			want: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted},
		})
		if err != nil {
			return err
		}
		return m.matches(r)
	})
}

// confirm asks for a manifest that was written. Registries may take a moment,
// so one that is missing is asked for again.
func (s *client) confirm(ctx context.Context, m manifest) error {
	return s.retry.run(ctx, func() error {
		found, err := s.has(ctx, m)
		if err == nil && !found {
			err = &againError{errors.New("the registry has not got it")}
		}
		return err
	})
}

// has asks once whether the registry has the manifest.
func (s *client) has(ctx context.Context, m manifest) (bool, error) {
	r, err := s.do(ctx, call{
		method: http.MethodHead,
		url:    s.path("/manifests/" + m.digest.String()),
		header: http.Header{"Accept": {string(m.media)}},
		want:   []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil || r.status == http.StatusNotFound {
		return false, err
	}
	if r.length >= 0 && r.length != int64(len(m.raw)) {
		return true, &finalError{fmt.Errorf("it has %d bytes, expected %d", r.length, len(m.raw))}
	}
	return true, m.matches(r)
}

func (m manifest) matches(r reply) error {
	if got := r.header.Get("Docker-Content-Digest"); got != "" && got != m.digest.String() {
		return &finalError{fmt.Errorf("the registry stored it as %s", quote(got))}
	}
	return nil
}
