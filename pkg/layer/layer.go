package layer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Kind says what a layer is for; it stands in reports and in the recipe.
type Kind string

const (
	KindBase   Kind = "base"
	KindPython Kind = "python"
	KindApp    Kind = "app"
	KindModel  Kind = "model"
	KindConfig Kind = "config"
)

// Compression is how a layer is stored.
type Compression string

const (
	Plain Compression = "none" // model weights do not compress, and gzip is slow
	Gzip  Compression = "gzip"
)

// format is the version of everything that decides a layer's bytes but is not
// in its entries: mode policy, header format, gzip level. A change of any of
// them makes a new version, and so new recipes.
const format = "1"

// Spec is what a layer is made of.
type Spec struct {
	Kind        Kind
	Name        string // for people: what the layer holds
	Entries     []Entry
	Compression Compression
	ModTime     time.Time // of every entry; whole seconds
	Docker      bool      // Docker's media types, else OCI's
	Digests     bool      // each file's sha256 is learned with the layer's; it costs a second hash
}

// Facts are what is known of a layer once it has been read.
type Facts struct {
	Digest v1.Hash `json:"digest"` // of the stored form
	DiffID v1.Hash `json:"diffID"` // of the tar stream
	Size   int64   `json:"size"`   // bytes of the stored form
}

// Layer is a v1.Layer made from a Spec. It is safe for concurrent use.
type Layer struct {
	spec    Spec
	tarball *tarball
	stamp   func() (string, time.Time) // once: the entries do not change

	mu      sync.Mutex
	diffID  *v1.Hash
	facts   *Facts
	digests []string // nil: not known
}

var _ v1.Layer = (*Layer)(nil)

// New checks and sorts the entries. Two entries for one path are an error;
// no content is read.
func New(spec Spec) (*Layer, error) {
	spec.Entries = slices.SortedFunc(slices.Values(spec.Entries), func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	for i, e := range spec.Entries {
		if err := e.check(); err != nil {
			return nil, err
		}
		if i > 0 && spec.Entries[i-1].Path == e.Path {
			return nil, fmt.Errorf("layer %q: two files for /%s", spec.Name, e.Path)
		}
	}
	t, err := newTarball(spec.Entries, spec.ModTime)
	if err != nil {
		return nil, err
	}
	l := &Layer{spec: spec, tarball: t}
	l.stamp = sync.OnceValues(l.makeStamp)
	return l, nil
}

func (l *Layer) Kind() Kind       { return l.spec.Kind }
func (l *Layer) Name() string     { return l.spec.Name }
func (l *Layer) Entries() []Entry { return l.spec.Entries }

// Unpacked is the length of the tar stream in bytes.
func (l *Layer) Unpacked() int64 { return l.tarball.size }

// Adopt takes facts that were learned elsewhere, from a cache or a
// predecessor, so that nothing has to be read. Whoever calls it vouches for
// them; a registry still refuses bytes that are not of the digest.
func (l *Layer) Adopt(f Facts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts, l.diffID = &f, &f.DiffID
}

// Known says whether Digest and Size answer without reading.
func (l *Layer) Known() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts != nil
}

// MediaType follows the base's family, since mixing the two in one manifest
// confuses clients.
func (l *Layer) MediaType() (types.MediaType, error) {
	switch {
	case l.spec.Docker && l.spec.Compression == Gzip:
		return types.DockerLayer, nil
	case l.spec.Docker:
		return types.DockerUncompressedLayer, nil
	case l.spec.Compression == Gzip:
		return types.OCILayer, nil
	default:
		return types.OCIUncompressedLayer, nil
	}
}

// Digest is the digest of the stored form; it reads the files when it is not known.
func (l *Layer) Digest() (v1.Hash, error) {
	f, err := l.Facts()
	return f.Digest, err
}

// Size is the length of the stored form in bytes. A plain layer always knows it.
func (l *Layer) Size() (int64, error) {
	if l.spec.Compression == Plain {
		return l.tarball.size, nil
	}
	f, err := l.Facts()
	return f.Size, err
}

// DiffID is the digest of the tar stream. Of a gzip layer it costs a read but
// no compression.
func (l *Layer) DiffID() (v1.Hash, error) {
	l.mu.Lock()
	known := l.diffID
	l.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	if err := l.read(); err != nil {
		return v1.Hash{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.diffID, nil
}

// read reads the tar stream for what is learned of it.
func (l *Layer) read() error {
	r, err := l.openPlain(0)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r}, make([]byte, copySize)); err != nil {
		return fmt.Errorf("reading layer %q: %w", l.spec.Name, err)
	}
	return nil
}

// copySize is large enough that hashing, not system calls, takes the time.
const copySize = 256 << 10 // bytes

// Facts reads the layer when they are not known. Concurrent calls may both
// read; they come to the same facts.
func (l *Layer) Facts() (Facts, error) {
	l.mu.Lock()
	known := l.facts
	l.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	if l.spec.Compression == Plain {
		_, err := l.DiffID()
		if err != nil {
			return Facts{}, err
		}
		return l.known(), nil
	}
	r, err := l.OpenAt(0)
	if err != nil {
		return Facts{}, err
	}
	defer r.Close()
	digest := sha256.New()
	size, err := io.CopyBuffer(digest, struct{ io.Reader }{r}, make([]byte, copySize))
	if err != nil {
		return Facts{}, fmt.Errorf("compressing layer %q: %w", l.spec.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts = &Facts{Digest: sum(digest), DiffID: *l.diffID, Size: size}
	return *l.facts, nil
}

func (l *Layer) known() Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.facts
}

// Compressed opens the stored form. The caller closes it.
func (l *Layer) Compressed() (io.ReadCloser, error) { return l.OpenAt(0) }

// Uncompressed opens the tar stream. The caller closes it.
func (l *Layer) Uncompressed() (io.ReadCloser, error) { return l.openPlain(0) }

// OpenAt opens the stored form at an offset. A plain layer seeks; a gzip layer
// has to compress again what it leaves out. The caller closes it.
func (l *Layer) OpenAt(offset int64) (io.ReadCloser, error) {
	if l.spec.Compression == Plain {
		return l.openPlain(offset)
	}
	plain, err := l.openPlain(0)
	if err != nil {
		return nil, err
	}
	r := newCompressor(plain)
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		r.Close()
		return nil, fmt.Errorf("opening layer %q at byte %d: %w", l.spec.Name, offset, err)
	}
	return r, nil
}

// openPlain opens the tar stream; read from its start to its end, it makes the
// diffID known, and the digests of files where they are asked for.
func (l *Layer) openPlain(offset int64) (io.ReadCloser, error) {
	s, err := l.tarball.open(offset)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset > 0 || l.diffID != nil && (!l.spec.Digests || l.digests != nil) {
		return s, nil
	}
	return &learner{stream: s, seen: l.observe(), layer: l}, nil
}

// learn keeps the diffID, which of a plain layer is all there is to know, and the
// digests of files. What was adopted stays: of another stream nothing is learned.
func (l *Layer) learn(seen *observer) {
	diffID := sum(seen.stream)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.diffID != nil && *l.diffID != diffID {
		return
	}
	if seen.files != nil {
		l.digests = seen.files.digests
	}
	if l.diffID != nil {
		return
	}
	l.diffID = &diffID
	if l.spec.Compression == Plain {
		l.facts = &Facts{Digest: diffID, DiffID: diffID, Size: l.tarball.size}
	}
}

// learner hashes what passes and tells the layer at the end.
type learner struct {
	*stream
	seen  *observer
	layer *Layer
}

func (r *learner) Read(p []byte) (int, error) {
	n, err := r.stream.Read(p)
	_, _ = r.seen.Write(p[:n]) // never fails
	if err == io.EOF {
		r.layer.learn(r.seen)
	}
	return n, err
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// PlainSize is the stored size of a plain layer, which is known without
// reading; ok is false for a compressed one.
func (l *Layer) PlainSize() (size int64, ok bool) {
	return l.tarball.size, l.spec.Compression == Plain
}
