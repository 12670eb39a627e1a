package inventory

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	maxEntries = 2_000_000 // of one layer's tar stream
	maxNames   = 256 << 20 // bytes of names in it
	maxStream  = 1 << 40   // bytes of it
)

// ErrLayer is returned for a tar stream that is damaged or beyond the limits.
var ErrLayer = errors.New("the layer is no usable tar archive")

// Read lists a layer's tar stream, largest file first, and counts its bytes
// to the end. Contents are hashed where File.ID asks for it, and not kept. Names are
// those of the image: whiteouts stand as what they delete
// (image-spec, layer.md, "Whiteouts"). The stream may have 2,000,000 entries,
// 256 MiB of names and 1 TiB of bytes. Errors of r come back as they are.
func Read(ctx context.Context, r io.Reader) (files []File, unpacked int64, err error) {
	in := &source{stopped: ctx.Err, r: r}
	l := lister{tar: tar.NewReader(in), linked: make(map[string]bool)}
	if err = l.list(); err == nil {
		_, err = io.CopyBuffer(io.Discard, in, make([]byte, 256<<10))
	}
	switch {
	case in.err != nil: // tar wraps or replaces what the stream itself says
		return nil, 0, in.err
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", ErrLayer, err)
	}
	for i, f := range l.files {
		l.files[i].Linked = f.Type == Regular && l.linked[f.Path]
	}
	slices.SortFunc(l.files, order)
	return l.files, in.n, nil
}

// source counts, stops with the context and at the limit, and remembers why.
type source struct {
	stopped func() error
	r       io.Reader
	n       int64
	err     error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.stopped(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err == nil && s.n > maxStream {
		err = fmt.Errorf("%w: larger than %d bytes", ErrLayer, int64(maxStream))
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type lister struct {
	tar     *tar.Reader
	files   []File
	linked  map[string]bool
	entries int
	names   int
	bytes   int64 // sum of sizes
}

func (l *lister) list() error {
	for {
		h, err := l.tar.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		l.entries++
		l.names += len(h.Name) + len(h.Linkname)
		if l.entries > maxEntries || l.names > maxNames {
			return fmt.Errorf("more than %d entries or %d bytes of names", maxEntries, maxNames)
		}
		if h.Size < 0 || h.Size > maxBytes-l.bytes {
			return fmt.Errorf("%q: %d bytes are more than an image can hold", h.Name, h.Size)
		}
		if err := l.add(h); err != nil {
			return err
		}
	}
}

func (l *lister) add(h *tar.Header) error {
	f := File{Path: inImage(h.Name)}
	if f.Path == "" {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if deleted, ok := whiteout(f.Path); ok {
			if deleted.Path != "" {
				l.files = append(l.files, deleted)
			}
			return nil
		}
		f.Size = h.Size
		l.bytes += h.Size
		if f.Size >= minID && !sparse(h) {
			sum := sha256.New()
			if _, err := io.Copy(sum, l.tar); err != nil {
				return err
			}
			f.ID = fmt.Sprintf("sha256:%x", sum.Sum(nil))
		}
	case tar.TypeSymlink:
		f.Type = Symlink
	case tar.TypeLink:
		f.Type = Hardlink
		l.linked[inImage(h.Linkname)] = true
	default:
		return nil
	}
	l.files = append(l.files, f)
	return nil
}

// sparse files promise more bytes than the stream holds, which are not worth
// making up.
func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// inImage is the path that a name of the archive has in the image; empty for
// the root. No name leads out of it.
func inImage(name string) string { return path.Clean("/" + name)[1:] }

// whiteout reads a whiteout's name. Markers that delete nothing, which aufs
// leaves behind or nobody may write, have no path.
func whiteout(p string) (File, bool) {
	dir, name := path.Split(p)
	rest, ok := strings.CutPrefix(name, ".wh.")
	switch {
	case !ok:
		return File{}, false
	case rest == ".wh..opq":
		return File{Path: path.Clean(dir), Type: Opaque}, true
	case slices.Contains([]string{"", ".", ".."}, rest), strings.HasPrefix(rest, ".wh."):
		return File{}, true
	}
	return File{Path: dir + rest, Type: Whiteout}, true
}
