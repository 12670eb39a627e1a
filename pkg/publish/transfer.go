package publish

import (
	"maps"
	"sync"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Origin says how a blob came to be in the repository.
type Origin string

const (
	Uploaded Origin = "uploaded"
	Mounted  Origin = "mounted" // the registry took it from another of its repositories
	Skipped  Origin = "skipped" // the repository had it
)

// Event tells how far one blob is. Done falls when an upload starts over.
type Event struct {
	Digest string // "" while unknown
	Name   string // what the layer calls itself (a Name() string method), else "layer" or "config"
	Done   int64  // bytes
	Total  int64  // bytes
	Origin Origin // set in the blob's last event
}

// Transfer counts the bytes that a push moved. Uploaded, Downloaded and Read
// include what was moved again after a failure; Mounted and Skipped are the
// sizes of the blobs that did not have to move.
type Transfer struct {
	Uploaded   int64 `json:"uploaded"`
	Mounted    int64 `json:"mounted"`
	Skipped    int64 `json:"skipped"`
	Downloaded int64 `json:"downloaded"` // of base layers, from their registry
	Read       int64 `json:"read"`       // of layers and configs made here
}

// tally is the Transfer and the origins of a push under way.
type tally struct {
	uploaded, mounted, skipped, downloaded, read atomic.Int64

	mu      sync.Mutex
	origins map[v1.Hash]Origin
}

func newTally() *tally { return &tally{origins: make(map[v1.Hash]Origin)} }

func (t *tally) settle(b *blob, origin Origin) {
	switch origin {
	case Mounted:
		t.mounted.Add(b.size)
	case Skipped:
		t.skipped.Add(b.size)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.origins[b.digest] = origin
}

func (t *tally) transfer() Transfer {
	return Transfer{
		Uploaded:   t.uploaded.Load(),
		Mounted:    t.mounted.Load(),
		Skipped:    t.skipped.Load(),
		Downloaded: t.downloaded.Load(),
		Read:       t.read.Load(),
	}
}

func (t *tally) list() map[v1.Hash]Origin {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.origins)
}
