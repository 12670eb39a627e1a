package memory

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/seal"
)

// What a folder may hold.
const (
	MaxEntry   = 256 << 20 // bytes
	MaxEntries = 512
)

// part begins the name of a file that is still being written.
const part = ".new-"

// Memory is a folder of entries by name. A nil Memory is empty and keeps nothing.
// It is safe for concurrent use.
type Memory struct {
	dir     *os.Root
	key     seal.Key
	version string
}

// New is the memory in dir, which stays the caller's to close. What another
// version wrote is not seen.
func New(dir *os.Root, key seal.Key, version string) *Memory {
	return &Memory{dir: dir, key: key, version: version}
}

// Load is what Save was given for name. Whatever is wrong with it, it counts as
// absent.
func (m *Memory) Load(name string) ([]byte, bool) {
	if m == nil {
		return nil, false
	}
	name, file := m.file(name)
	f, err := m.dir.Open(file)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	sealed, err := io.ReadAll(io.LimitReader(f, sha256.Size+MaxEntry+1))
	if err != nil || len(sealed) > sha256.Size+MaxEntry {
		return nil, false
	}
	return m.key.Unseal(name, sealed)
}

// Save keeps data under name, whole or not at all. More than MaxEntry is not
// kept.
func (m *Memory) Save(name string, data []byte) error {
	if m == nil || len(data) > MaxEntry {
		return nil
	}
	name, file := m.file(name)
	temp := part + rand.Text()
	err := m.dir.WriteFile(temp, m.key.Seal(name, data), 0o600)
	if err == nil {
		err = m.dir.Rename(temp, file)
	}
	if err != nil {
		if gone := m.dir.Remove(temp); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return fmt.Errorf("keeping a scan's result: %w", err)
	}
	m.sweep()
	return nil
}

func (m *Memory) file(name string) (full, file string) {
	full = m.version + " " + name
	return full, fmt.Sprintf("%x", sha256.Sum256([]byte(full)))
}

// sweep removes the oldest entries above the bound. It fails silently: another
// process may be doing the same.
func (m *Memory) sweep() {
	all, err := fs.ReadDir(m.dir.FS(), ".")
	if err != nil || len(all) <= MaxEntries {
		return
	}
	var files []fs.FileInfo
	for _, e := range all {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, f := range files[:max(0, len(files)-MaxEntries)] {
		_ = m.dir.Remove(f.Name())
	}
}
