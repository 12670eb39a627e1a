package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/layer"
)

const (
	cacheFile    = "layers.json"
	cacheVersion = 1
	maxCache     = 16 << 20 // bytes of the cache file
	maxFacts     = 4096     // layers that are remembered
	// grain is how long after a change a file may change again without its
	// times showing it, on any file system in use.
	grain = 2 * time.Second
)

// Cache remembers on this machine what layers were found to be, keyed by their
// files' sizes, inodes and times. Losing it costs a read and nothing else. A nil
// Cache is empty and keeps nothing. It is safe for concurrent use.
type Cache struct {
	dir   *os.Root
	now   func() time.Time
	mu    sync.Mutex
	dirty bool
	facts cached
}

type cached struct {
	Version  int                    `json:"version"`
	Layers   map[string]layer.Facts `json:"layers"`   // by stamp
	Unpacked map[string]int64       `json:"unpacked"` // bytes, by digest of a base's layer
}

// OpenCache reads the cache in dir. One that is missing, damaged or of another
// version is empty. The root stays the caller's to close.
func OpenCache(dir *os.Root, now func() time.Time) (*Cache, error) {
	c := &Cache{dir: dir, now: now}
	f, err := dir.Open(cacheFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the layer cache: %w", err)
	}
	if err == nil {
		defer f.Close()
		if json.NewDecoder(io.LimitReader(f, maxCache)).Decode(&c.facts) != nil || c.facts.Version != cacheVersion {
			c.facts = cached{}
		}
	}
	if c.facts.Layers == nil {
		c.facts.Layers = make(map[string]layer.Facts)
	}
	if c.facts.Unpacked == nil {
		c.facts.Unpacked = make(map[string]int64)
	}
	c.facts.Version = cacheVersion
	return c, nil
}

func (c *Cache) lookup(l *layer.Layer) (layer.Facts, bool) {
	if c == nil {
		return layer.Facts{}, false
	}
	stamp, _ := l.Stamp()
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.facts.Layers[stamp]
	return f, ok
}

// store keeps a known layer, unless a file of it is so young that a later
// change could have the same times.
func (c *Cache) store(l *layer.Layer) {
	if c == nil || !l.Known() {
		return
	}
	stamp, settled := l.Stamp()
	facts, err := l.Facts()
	if err != nil || c.now().Sub(settled) < grain {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.facts.Layers[stamp] == facts {
		return
	}
	if len(c.facts.Layers) >= maxFacts {
		clear(c.facts.Layers)
	}
	c.facts.Layers[stamp], c.dirty = facts, true
}

func (c *Cache) unpacked(ctx context.Context, l v1.Layer) (int64, error) {
	digest, err := l.Digest()
	if err != nil {
		return 0, err
	}
	if c != nil {
		c.mu.Lock()
		n, ok := c.facts.Unpacked[digest.String()]
		c.mu.Unlock()
		if ok {
			return n, nil
		}
	}
	n, err := count(ctx, l)
	if err != nil || c == nil {
		return n, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts.Unpacked[digest.String()], c.dirty = n, true
	return n, nil
}

// Save writes the cache, whole or not at all. Without news it does nothing.
func (c *Cache) Save() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil
	}
	text, err := json.Marshal(c.facts)
	if err != nil {
		return fmt.Errorf("writing the layer cache: %w", err)
	}
	part := fmt.Sprintf("%s.%d", cacheFile, os.Getpid())
	if err := c.dir.WriteFile(part, text, 0o644); err != nil {
		return fmt.Errorf("writing the layer cache: %w", err)
	}
	if err := c.dir.Rename(part, cacheFile); err != nil {
		return fmt.Errorf("writing the layer cache: %w", errors.Join(err, c.dir.Remove(path.Clean(part))))
	}
	c.dirty = false
	return nil
}
