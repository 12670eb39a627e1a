package memory

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/org/ai-ship/pkg/scan"
)

// Files remembers what one scanner found in each file of an image, by the file's
// path, kind and stamp. It is for what depends on these and on the file's content
// alone. Files without a stamp are not remembered. It is safe for concurrent use.
type Files[T any] struct {
	memory *Memory
	name   string
	mu     sync.Mutex
	before map[string]T // by key
	now    map[string]T // of this scan
	news   bool
}

// Of is what the scanner of that name, which holds its rules' version, remembers
// of a platform's image.
func Of[T any](m *Memory, scanner, platform string) *Files[T] {
	f := &Files[T]{memory: m, name: "files " + scanner + " " + platform, now: make(map[string]T)}
	if data, ok := m.Load(f.name); ok && json.Unmarshal(data, &f.before) != nil {
		f.before = nil
	}
	return f
}

// Get is what Put was given for a file that has not changed since.
func (f *Files[T]) Get(file scan.File) (found T, ok bool) {
	if f.memory == nil || file.Stamp == "" {
		return found, false
	}
	k := key(file)
	f.mu.Lock()
	defer f.mu.Unlock()
	if found, ok = f.before[k]; ok {
		f.now[k] = found
	}
	return found, ok
}

// Put remembers what was found in a file that was read to its end.
func (f *Files[T]) Put(file scan.File, found T) {
	if f.memory == nil || file.Stamp == "" {
		return
	}
	k := key(file)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[k], f.news = found, true
}

// Save keeps what this scan got and put, and forgets the rest. Without news it
// writes nothing.
func (f *Files[T]) Save() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.news {
		return nil
	}
	data, err := json.Marshal(f.now)
	if err != nil {
		return fmt.Errorf("keeping a scan's result: %w", err)
	}
	f.news = false
	return f.memory.Save(f.name, data)
}

// key is half a SHA-256 in hex: 25,000 files of an app make 1 MB of them.
func key(f scan.File) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %q", f.Kind, f.Path, f.Size, f.Stamp))
	return fmt.Sprintf("%x", sum[:16])
}
