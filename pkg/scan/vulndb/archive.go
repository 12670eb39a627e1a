package vulndb

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/org/ai-ship/pkg/hint"
)

// Limits of an archive. The public databases have about 100 MiB (advisories)
// and 800 MiB (Java) compressed.
const (
	maxCompressed = 1 << 30 // bytes of db.tar.gz
	maxUnpacked   = 4 << 30 // bytes of its members together
	maxTrailing   = 1 << 20 // bytes after the last member: tar's padding
	maxEntries    = 8       // members and folders
)

type limits struct {
	compressed, unpacked, trailing int64
}

func defaultLimits() limits { return limits{maxCompressed, maxUnpacked, maxTrailing} }

// file is what an archive's member is written to.
type file interface {
	io.WriteCloser
	Sync() error
}

// createFile makes a new file that nobody is meant to write again.
func createFile(dir *os.Root, name string) (file, error) {
	return dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
}

// extraction unpacks one archive into one empty folder.
type extraction struct {
	spec   spec
	limits limits
	dir    *os.Root
	create func(*os.Root, string) (file, error)

	left   int64             // bytes that members may still have
	hashes map[string]string // of members, by name, in hex
}

// run reads the archive to its end and returns the SHA-256 of the database
// file. Both members are flushed to the disk.
func (x *extraction) run(ctx context.Context, archive io.Reader) (sum string, err error) {
	x.left, x.hashes = x.limits.unpacked, make(map[string]string)
	source := &bounded{ctx: ctx, r: archive, left: x.limits.compressed}
	zip, err := gzip.NewReader(source)
	if err != nil {
		return "", fmt.Errorf("reading archive: %w", err)
	}
	reader := tar.NewReader(zip)
	for entries := 0; ; entries++ {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", fmt.Errorf("reading archive: %w", err)
		}
		if entries >= maxEntries {
			return "", fmt.Errorf("reading archive: holds more than %d entries", maxEntries)
		}
		if err := x.member(header, reader); err != nil {
			return "", err
		}
	}
	for _, name := range []string{x.spec.file, metadataFile} {
		if x.hashes[name] == "" {
			return "", fmt.Errorf("reading archive: has no %s", name)
		}
	}
	return x.hashes[x.spec.file], drain(zip, source, x.limits.trailing)
}

// drain reads what follows the last member, so that gzip's checksum and the
// artifact's digest are compared.
func drain(zip, source io.Reader, limit int64) error {
	for _, r := range []io.Reader{zip, source} {
		n, err := io.Copy(io.Discard, io.LimitReader(r, limit+1))
		if err != nil {
			return fmt.Errorf("reading archive to its end: %w", err)
		}
		if n > limit {
			return fmt.Errorf("reading archive: more than %d bytes follow its last member", limit)
		}
	}
	return nil
}

func (x *extraction) member(header *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(header.Name, "./")
	if header.Typeflag == tar.TypeDir && name == "" {
		return nil
	}
	if name != x.spec.file && name != metadataFile {
		return fmt.Errorf("reading archive: found member %q, expected %s and %s only", header.Name, x.spec.file, metadataFile)
	}
	if header.Typeflag != tar.TypeReg {
		return fmt.Errorf("reading archive: member %q is no regular file", header.Name)
	}
	if x.hashes[name] != "" {
		return fmt.Errorf("reading archive: holds member %q twice", name)
	}
	if name == metadataFile && header.Size > maxMetadata {
		return fmt.Errorf("reading archive: member %q has %d bytes, at most %d are allowed", name, header.Size, maxMetadata)
	}
	if header.Size > x.left {
		return fmt.Errorf("reading archive: its members have more than %d bytes", x.limits.unpacked)
	}
	x.left -= header.Size
	sum := sha256.New()
	if err := x.write(name, content, sum); err != nil {
		return err
	}
	x.hashes[name] = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (x *extraction) write(name string, content io.Reader, sum hash.Hash) (err error) {
	out, err := x.create(x.dir, name)
	if err != nil {
		return full(fmt.Errorf("writing %q: %w", name, err))
	}
	defer func() {
		if closed := out.Close(); err == nil && closed != nil {
			err = full(fmt.Errorf("writing %q: %w", name, closed))
		}
	}()
	from := &faults{r: content}
	if _, err := io.Copy(io.MultiWriter(out, sum), from); err != nil {
		if from.err != nil {
			return fmt.Errorf("reading archive: %w", err)
		}
		return full(fmt.Errorf("writing %q: %w", name, err))
	}
	if err := out.Sync(); err != nil {
		return full(fmt.Errorf("writing %q: %w", name, err))
	}
	return nil
}

// faults remembers that it was the reading that failed.
type faults struct {
	r   io.Reader
	err error
}

func (f *faults) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// full adds what to do about a full disk.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hint.Wrap(err, "make room on that disk, or name another cache folder: a database needs up to 4 GiB")
	}
	return err
}

// bounded ends with its context, and fails beyond its limit.
type bounded struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to get it
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errors.New("is larger than allowed")
	}
	return n, err
}
