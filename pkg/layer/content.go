package layer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Content is a file's bytes, wherever they are. Its size is fixed; an Open
// that finds another one fails. The caller closes what Open returns.
type Content interface {
	Size() int64
	Open() (io.ReadSeekCloser, error)
	// Stamp changes whenever the bytes may have changed, without reading them.
	// Settled says when they last did.
	Stamp() string
	Settled() time.Time
}

// ErrChanged is returned when a file is not the one that was planned.
var ErrChanged = errors.New("file changed while it was being read")

// bytesContent is content held in memory, for the few files that ai-ship writes itself.
type bytesContent []byte

// Bytes is content from memory.
func Bytes(b []byte) Content { return bytesContent(b) }

func (b bytesContent) Size() int64        { return int64(len(b)) }
func (b bytesContent) Stamp() string      { return fmt.Sprintf("bytes:%x", sha256.Sum256(b)) }
func (b bytesContent) Settled() time.Time { return time.Time{} }
func (b bytesContent) Open() (io.ReadSeekCloser, error) {
	return nopCloser{bytes.NewReader(b)}, nil
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// file is content on disk below a root that no path can leave.
type file struct {
	root *os.Root
	name string
	info fs.FileInfo
}

// File is the content of a regular file of the project. Symlinks are followed
// as long as they stay below root. Nothing is held open.
func File(root *os.Root, name string) (Content, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: %s is not a regular file", name, info.Mode().Type())
	}
	return file{root: root, name: name, info: info}, nil
}

func (f file) Size() int64 { return f.info.Size() }

func (f file) Stamp() string {
	inode, changed := identity(f.info)
	return fmt.Sprintf("file:%d:%d:%d:%d", f.info.Size(), f.info.ModTime().UnixNano(), inode, changed.UnixNano())
}

func (f file) Settled() time.Time {
	_, changed := identity(f.info)
	if f.info.ModTime().After(changed) {
		return f.info.ModTime()
	}
	return changed
}

// Open fails with ErrChanged when another file stands at the name by now, and
// so does the read that reaches the end, when the file changed meanwhile.
func (f file) Open() (io.ReadSeekCloser, error) {
	r, err := f.root.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", f.name, err)
	}
	opened := &openFile{File: r, want: f}
	if err := opened.check(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return opened, nil
}

// openFile is a file that must stay what it was.
type openFile struct {
	*os.File
	want file
}

func (o *openFile) Read(p []byte) (int, error) {
	n, err := o.File.Read(p)
	if err == io.EOF {
		if changed := o.check(); changed != nil {
			return n, changed
		}
	}
	return n, err
}

func (o *openFile) check() error {
	now, err := o.Stat()
	want := o.want.info
	if err == nil && (!os.SameFile(now, want) || now.Size() != want.Size() || !now.ModTime().Equal(want.ModTime())) {
		err = ErrChanged
	}
	if err != nil {
		return fmt.Errorf("reading %q: %w", o.want.name, err)
	}
	return nil
}
