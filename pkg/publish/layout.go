package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	// copyBuffer is how much of a layer is read and written at once.
	copyBuffer = 256 << 10 // bytes

	layoutFile = "oci-layout"
	indexFile  = "index.json"
	// refName is the annotation that names a manifest in a layout (image spec, "Annotations").
	refName = "org.opencontainers.image.ref.name"
)

// WriteLayout writes a as an OCI image layout (image spec 1.1) that holds
// nothing else. ref, if any, becomes the entry's ref.name annotation.
//
// dir is complete or as it was before: everything is written beside it and
// then renamed. An existing layout is replaced; any other folder that is not
// empty is refused. Each layer is read once.
func WriteLayout(ctx context.Context, dir string, a Artifact, ref string) error {
	if err := writeLayout(ctx, dir, a, ref); err != nil {
		return fmt.Errorf("writing OCI layout %q: %w", dir, err)
	}
	return nil
}

func writeLayout(ctx context.Context, dir string, a Artifact, ref string) error {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	dir = filepath.Clean(dir)
	if err := replaceable(dir); err != nil {
		return err
	}
	parts, err := takeApart(a)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) // what is left of it
	fresh := filepath.Join(work, "new")
	l := layout{blobs: filepath.Join(fresh, "blobs", "sha256")}
	if err := os.MkdirAll(l.blobs, 0o755); err != nil {
		return err
	}
	if err := l.write(ctx, parts); err != nil {
		return err
	}
	if err := l.writeIndex(fresh, a, ref); err != nil {
		return err
	}
	return swap(dir, fresh, filepath.Join(work, "old"))
}

// replaceable refuses a folder that holds something else than a layout.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	isLayout := false
	for _, e := range entries {
		isLayout = isLayout || e.Name() == layoutFile && e.Type().IsRegular()
	}
	if len(entries) > 0 && !isLayout {
		return hint.Wrap(fmt.Errorf("the folder is not empty and has no %s file, expected a layout, an empty folder or none", layoutFile),
			"name another folder, or remove this one")
	}
	return nil
}

// swap puts fresh in the place of dir, whose former content goes to old.
func swap(dir, fresh, old string) error {
	err := os.Rename(dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	had := err == nil
	if err := os.Rename(fresh, dir); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, dir))
		}
		return err
	}
	return nil
}

type layout struct {
	blobs string // folder of the blobs
}

func (l layout) write(ctx context.Context, parts *contents) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(defaultJobs)
	for _, layer := range parts.layers {
		group.Go(func() error { return l.writeLayer(inner, layer) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var manifests []Artifact
	for _, img := range parts.images {
		config, err := configBlob(img)
		if err != nil {
			return err
		}
		if err := l.writeBlob(ctx, config); err != nil {
			return err
		}
		manifests = append(manifests, img)
	}
	for _, index := range parts.indexes {
		manifests = append(manifests, index)
	}
	for _, a := range manifests {
		m, err := newManifest(a)
		if err != nil {
			return err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.raw)), nil }
		if err := l.writeBlob(ctx, &blob{title: "manifest", size: int64(len(m.raw)), digest: m.digest, start: open}); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) writeLayer(ctx context.Context, layer v1.Layer) error {
	b := &blob{title: "layer", start: layer.Compressed}
	var err error
	if b.size, err = layer.Size(); err != nil {
		return err
	}
	b.view, _ = layer.(View)
	if b.view == nil || b.view.Known() {
		if b.digest, err = layer.Digest(); err != nil {
			return err
		}
	}
	return l.writeBlob(ctx, b)
}

// writeBlob writes b under its digest, which is checked unless the layer makes
// it itself while it is read.
func (l layout) writeBlob(ctx context.Context, b *blob) (err error) {
	source, err := b.open(0)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.CreateTemp(l.blobs, ".blob.*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing %s: %w", b, err)
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	var sum hash.Hash
	target := struct{ io.Writer }{file} // hides ReadFrom, which would copy in small pieces
	if b.known() {
		sum = sha256.New()
		target.Writer = io.MultiWriter(file, sum)
	}
	n, err := io.CopyBuffer(target, stoppable{ctx, source}, make([]byte, copyBuffer))
	if err != nil {
		return err
	}
	if n != b.size {
		return fmt.Errorf("it has %d bytes, expected %d", n, b.size)
	}
	if sum != nil {
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != b.digest.Hex {
			return fmt.Errorf("its digest is sha256:%s", got)
		}
	} else if b.digest, err = b.view.Digest(); err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(l.blobs, b.digest.Hex))
}

func (l layout) writeIndex(dir string, a Artifact, ref string) error {
	m, err := newManifest(a)
	if err != nil {
		return err
	}
	entry := v1.Descriptor{MediaType: m.media, Size: int64(len(m.raw)), Digest: m.digest}
	if ref != "" {
		entry.Annotations = map[string]string{refName: ref}
	}
	index, err := json.Marshal(v1.IndexManifest{
		SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{entry},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, indexFile), index, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, layoutFile), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)
}
