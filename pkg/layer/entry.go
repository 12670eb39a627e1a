package layer

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Entry is one path of a layer.
type Entry struct {
	Path string      // slash-separated, relative to the image's root, clean
	Mode fs.FileMode // type bits for a directory or symlink; any executable bit makes 0755, else 0644
	UID  int
	GID  int
	Link string // target of a symlink
	// Content of a regular file; nil for everything else.
	Content Content
}

// blockSize is the unit of a tar stream (POSIX.1-2017, pax, "ustar Interchange Format").
const blockSize = 512

// perm reduces a mode to what an image should carry: readable by all, written
// by its owner, executable where it was. Set-id and sticky bits never pass.
func (e Entry) perm() int64 {
	if e.Mode.IsDir() || e.Mode&0o111 != 0 {
		return 0o755
	}
	if e.Mode&fs.ModeSymlink != 0 {
		return 0o777
	}
	return 0o644
}

// size is the length of the content, which must not change while the layer lives.
func (e Entry) size() int64 {
	if e.Content == nil {
		return 0
	}
	return e.Content.Size()
}

// header is the entry's tar header, extended header blocks included.
func (e Entry) header(mtime time.Time) ([]byte, error) {
	h := &tar.Header{
		Name: e.Path, Mode: e.perm(), Uid: e.UID, Gid: e.GID,
		ModTime: mtime, Size: e.size(), Linkname: e.Link,
	}
	switch {
	case e.Mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, e.Path+"/"
	case e.Mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
	default:
		h.Typeflag = tar.TypeReg
	}
	var buf bytes.Buffer
	if err := tar.NewWriter(&buf).WriteHeader(h); err != nil {
		return nil, fmt.Errorf("writing tar header of %q: %w", e.Path, err)
	}
	return buf.Bytes(), nil
}

// check refuses what a tar stream must not hold.
func (e Entry) check() error {
	switch {
	case e.Path == "" || e.Path == "." || path.IsAbs(e.Path) || path.Clean(e.Path) != e.Path,
		e.Path == ".." || strings.HasPrefix(e.Path, "../"), strings.ContainsRune(e.Path, 0):
		return fmt.Errorf("layer path %q: expected a clean path relative to the image's root", e.Path)
	case e.Mode&fs.ModeSymlink != 0 && e.Link == "":
		return fmt.Errorf("layer path %q: symlink without a target", e.Path)
	case e.Mode.IsRegular() && e.Content == nil:
		return fmt.Errorf("layer path %q: file without content", e.Path)
	case e.Mode.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0:
		return fmt.Errorf("layer path %q: %s is neither a file, a directory nor a symlink", e.Path, e.Mode.Type())
	}
	return nil
}

// standing says whether every base has the directory. Some have modes (tmp) or
// are symlinks (lib) that an entry of ours would destroy.
func standing(dir string) bool {
	switch dir {
	case "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc", "root",
		"run", "sbin", "srv", "sys", "tmp", "usr", "usr/bin", "usr/lib", "usr/local", "usr/local/bin",
		"usr/local/lib", "usr/share", "var", "var/cache", "var/lib", "var/log", "var/run", "var/tmp":
		return true
	}
	return false
}

// WithParents adds the directories that lead to the entries and are not among
// them, except those that every base already has.
func WithParents(entries []Entry) []Entry {
	have := make(map[string]bool, len(entries))
	for _, e := range entries {
		have[e.Path] = true
	}
	all := slices.Clone(entries)
	for _, e := range entries {
		for dir := path.Dir(e.Path); dir != "." && !have[dir]; dir = path.Dir(dir) {
			have[dir] = true
			if !standing(dir) {
				all = append(all, Entry{Path: dir, Mode: fs.ModeDir})
			}
		}
	}
	return all
}
