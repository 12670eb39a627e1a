package publish

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// WriteTarball writes img as a file for docker load, which will tag it ref. The
// file is complete or as it was before. A layer whose digest is not known is
// read twice: the format wants the digest first.
func WriteTarball(ctx context.Context, file string, ref name.Tag, img v1.Image) (err error) {
	work, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("writing image tarball %q: %w", file, err)
	}
	defer func() {
		if err != nil {
			_ = work.Close()
			_ = os.Remove(work.Name())
			err = fmt.Errorf("writing image tarball %q: %w", file, err)
		}
	}()
	buffered := bufio.NewWriterSize(work, copyBuffer)
	if err := tarball.Write(ref, img, stoppableWriter{ctx, buffered}); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := work.Chmod(0o644); err != nil {
		return err
	}
	if err := work.Close(); err != nil {
		return err
	}
	return os.Rename(work.Name(), file)
}

// stoppableWriter is a writer that ends with its context.
type stoppableWriter struct {
	ctx context.Context //nolint:containedctx // an io call has no other way to be ended
	w   io.Writer
}

func (s stoppableWriter) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}
