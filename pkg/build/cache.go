package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/seal"
)

const (
	cacheFile    = "layers.json"
	cacheVersion = 1
	maxCache     = 16 << 20 // bytes of the cache file
	maxFacts     = 4096     // layers that are remembered
	maxDigests   = 65_536   // files of them whose digests are
	// grain is how long after a change a file may change again without its
	// times showing it, on any file system in use.
	grain = 2 * time.Second
)

// Cache remembers on this machine what layers were found to be, keyed by their
// files' sizes, inodes and times. Losing it costs a read and nothing else. A nil
// Cache is empty and keeps nothing. It is safe for concurrent use.
type Cache struct {
	dir   *os.Root
	key   seal.Key
	now   func() time.Time
	mu    sync.Mutex
	dirty bool
	facts cached
	lists map[string][]byte // listings not yet saved, as stored, by digest of a base's layer
}

type cached struct {
	Version  int                    `json:"version"`
	Layers   map[string]layer.Facts `json:"layers"`   // by stamp
	Unpacked map[string]int64       `json:"unpacked"` // bytes, by digest of a base's layer
	Digests  map[string][]string    `json:"digests"`  // layer.Layer.Digests, by stamp
}

// OpenCache reads the cache in dir. One that is missing, damaged, of another
// version or not sealed with key is empty: it says what is shipped, so that what a
// commit put there must not be believed. The root stays the caller's to close.
func OpenCache(dir *os.Root, key seal.Key, now func() time.Time) (*Cache, error) {
	c := newCache(dir, now)
	c.key = key
	f, err := dir.Open(cacheFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the layer cache: %w", err)
	}
	if err == nil {
		defer f.Close()
		sealed, err := io.ReadAll(io.LimitReader(f, maxCache))
		text, ours := key.Unseal(cacheFile, sealed)
		if err != nil || !ours || json.Unmarshal(text, &c.facts) != nil || c.facts.Version != cacheVersion {
			c.facts = cached{}
		}
	}
	c.facts.prepare()
	return c, nil
}

// newCache is an empty cache; without dir it lasts as long as the process.
func newCache(dir *os.Root, now func() time.Time) *Cache {
	c := &Cache{dir: dir, now: now, lists: make(map[string][]byte)}
	c.facts.prepare()
	return c
}

func (f *cached) prepare() {
	if f.Layers == nil {
		f.Layers = make(map[string]layer.Facts)
	}
	if f.Unpacked == nil {
		f.Unpacked = make(map[string]int64)
	}
	if f.Digests == nil {
		f.Digests = make(map[string][]string)
	}
	f.Version = cacheVersion
}

// adopt makes a layer known if the cache knows it.
func (c *Cache) adopt(l *layer.Layer) bool {
	if c == nil {
		return false
	}
	stamp, _ := l.Stamp()
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.facts.Layers[stamp]
	if !ok {
		return false
	}
	l.Adopt(f)
	if digests, ok := c.facts.Digests[stamp]; ok {
		_ = l.AdoptDigests(digests) // those of another layer, or that nobody wants, are left
	}
	return true
}

// store keeps a known layer, unless a file of it is so young that a later
// change could have the same times.
func (c *Cache) store(l *layer.Layer) {
	if c == nil || c.dir == nil || !l.Known() {
		return
	}
	stamp, settled := l.Stamp()
	facts, err := l.Facts()
	if err != nil || c.now().Sub(settled) < grain {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(stamp, l.Digests())
	if c.facts.Layers[stamp] == facts {
		return
	}
	if len(c.facts.Layers) >= maxFacts {
		clear(c.facts.Layers)
	}
	c.facts.Layers[stamp], c.dirty = facts, true
}

// keep remembers the digests of a layer's files.
func (c *Cache) keep(stamp string, digests []string) {
	if len(digests) == 0 || len(digests) > maxDigests || len(c.facts.Digests[stamp]) > 0 {
		return
	}
	total := len(digests)
	for _, d := range c.facts.Digests {
		total += len(d)
	}
	if total > maxDigests {
		clear(c.facts.Digests)
	}
	c.facts.Digests[stamp], c.dirty = digests, true
}

// Save writes the cache, whole or not at all. Without news it does nothing.
func (c *Cache) Save() error {
	if c == nil || c.dir == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil
	}
	if err := c.saveLists(); err != nil {
		return fmt.Errorf("writing the layer cache: %w", err)
	}
	text, err := json.Marshal(c.facts)
	if err != nil {
		return fmt.Errorf("writing the layer cache: %w", err)
	}
	if err := c.write(cacheFile, c.key.Seal(cacheFile, text)); err != nil {
		return fmt.Errorf("writing the layer cache: %w", err)
	}
	c.dirty = false
	return nil
}

// write puts a file in place whole or not at all.
func (c *Cache) write(name string, text []byte) error {
	part := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := c.dir.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	if err := c.dir.Rename(part, name); err != nil {
		return errors.Join(err, c.dir.Remove(part))
	}
	return nil
}
