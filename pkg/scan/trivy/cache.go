package trivy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
)

const (
	maxEntry     = 256 << 20 // bytes of a layer's cached result
	entryVersion = 2         // of the fields of entry and of what layers puts into it
	hidden       = "(not shown)"
)

// entry is a layer's result as it stands on disk.
type entry struct {
	Version int
	Key     string // what the file's name is the hash of
	Blob    types.BlobInfo
	Jars    []string
	Java    string // digest of the database that Jars were looked up in
}

// results holds the results of one scan's layers for trivy: in memory, and
// below dir those of earlier scans. Trivy's key of a layer is made of its diffID
// and the versions of the analyzers; it lacks whether secrets were looked for,
// which depends on the rest of the image, so that is the variant.
type results struct {
	*cache.MemoryCache
	dir     string // "" keeps nothing
	variant string
	layers  bool // only layers are looked at, the config is not
	java    func(context.Context) string

	// Of the layer that was asked for last:
	key    string
	found  *entry // what the disk had
	put    *types.BlobInfo
	search *search // nil when no secrets are looked for
}

func newResults(dir string, java func(context.Context) string) *results {
	if dir != "" {
		dir = filepath.Join(dir, "layers")
	}
	return &results{MemoryCache: cache.NewMemoryCache(), dir: dir, java: java}
}

// begin says that the next layer is looked at.
func (r *results) begin(secrets bool) {
	r.layers, r.key, r.found, r.put, r.search = true, "", nil, nil, nil
	r.variant = "packages"
	if secrets {
		r.variant = "secrets"
	}
}

// endSearch ends the layer's search, if there is one, and says what it missed.
func (r *results) endSearch() error {
	if r.search == nil {
		return nil
	}
	_, err := r.search.take()
	return err
}

// MissingBlobs offers what the disk has.
func (r *results) MissingBlobs(ctx context.Context, artifact string, keys []string) (bool, []string, error) {
	missingArtifact, missing, err := r.MemoryCache.MissingBlobs(ctx, artifact, keys)
	if err != nil || !r.layers {
		return missingArtifact, missing, err
	}
	var still []string
	for _, key := range missing {
		r.key = key
		if e, ok := r.load(ctx); ok {
			r.found = e
			if err := r.MemoryCache.PutBlob(ctx, key, e.Blob); err != nil {
				return false, nil, err
			}
			continue
		}
		still = append(still, key)
	}
	return false, still, nil
}

// PutBlob keeps a result without the secrets themselves, and not yet on disk.
func (r *results) PutBlob(ctx context.Context, key string, blob types.BlobInfo) error {
	if r.search != nil {
		blob.Secrets, _ = r.search.take() // see endSearch
	}
	for i := range blob.Secrets {
		censor(&blob.Secrets[i])
	}
	r.put = &blob
	return r.MemoryCache.PutBlob(ctx, key, blob)
}

func (r *results) PutArtifact(ctx context.Context, key string, info types.ArtifactInfo) error {
	if info.Secret != nil {
		censor(info.Secret)
	}
	return r.MemoryCache.PutArtifact(ctx, key, info)
}

// censor removes what trivy quotes around a secret: it hides the secret, but a
// second one on a neighbouring line would be seen.
func censor(s *types.Secret) {
	for i := range s.Findings {
		s.Findings[i].Match, s.Findings[i].Code = hidden, types.Code{}
	}
}

func (r *results) file() (name, key string) {
	key = fmt.Sprintf("%s %s %d", r.key, r.variant, entryVersion)
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(r.dir, hex.EncodeToString(sum[:])+".json"), key
}

// load reads the entry of r.key. Whatever is wrong with it, it counts as absent.
func (r *results) load(ctx context.Context) (*entry, bool) {
	if r.dir == "" {
		return nil, false
	}
	name, key := r.file()
	f, err := os.Open(name)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	var sum [sha256.Size]byte
	if _, err := io.ReadFull(f, sum[:]); err != nil {
		return nil, false
	}
	data, err := io.ReadAll(io.LimitReader(f, maxEntry))
	if err != nil || sha256.Sum256(data) != sum {
		return nil, false
	}
	var e entry
	if err := json.Unmarshal(data, &e); err != nil || e.Version != entryVersion || e.Key != key || e.Blob.SchemaVersion != types.BlobJSONSchemaVersion {
		return nil, false
	}
	if len(e.Jars) > 0 && e.Java != r.java(ctx) {
		return nil, false
	}
	return &e, true
}

// save writes the result that was put last, by rename, its checksum first.
func (r *results) save(ctx context.Context, paths []string) error {
	if r.dir == "" || r.put == nil {
		return nil
	}
	name, key := r.file()
	e := entry{Version: entryVersion, Key: key, Blob: *r.put, Jars: paths}
	if len(paths) > 0 {
		e.Java = r.java(ctx)
	}
	data, err := json.Marshal(e)
	if err != nil || len(data) >= maxEntry {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	return replace(name, io.MultiReader(bytes.NewReader(sum[:]), bytes.NewReader(data)))
}

// replace writes a file whole or not at all.
func replace(name string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
