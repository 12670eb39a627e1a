package trivy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/org/ai-ship/pkg/scan/memory"
)

const (
	entryVersion = 3 // of the fields of entry and of what layers puts into it
	hidden       = "(not shown)"
)

// entry is a layer's result as it is remembered.
type entry struct {
	Blob types.BlobInfo
	Jars []string
	Java string // digest of the database that Jars were looked up in
}

// results holds the results of one scan's layers for trivy: those of this
// scan, and from memory those of earlier ones. Trivy's key of a layer is made of its diffID
// and the versions of the analyzers; it lacks whether secrets were looked for,
// which depends on the rest of the image, so that is the variant.
type results struct {
	*cache.MemoryCache
	memory  *memory.Memory
	variant string
	layers  bool // only layers are looked at, the config is not
	java    func(context.Context) string

	// Of the layer that was asked for last:
	key    string
	found  *entry // what memory had
	put    *types.BlobInfo
	search *search // nil when no secrets are looked for
}

func newResults(m *memory.Memory, java func(context.Context) string) *results {
	return &results{MemoryCache: cache.NewMemoryCache(), memory: m, java: java}
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

// MissingBlobs offers what memory has.
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

// PutBlob keeps a result without the secrets themselves, and not yet in memory.
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

// name is the entry's, of its form too.
func (r *results) name() string {
	return fmt.Sprintf("layer %d %s %s", entryVersion, r.key, r.variant)
}

// load reads the entry of r.key. Whatever is wrong with it, it counts as absent.
func (r *results) load(ctx context.Context) (*entry, bool) {
	data, ok := r.memory.Load(r.name())
	if !ok {
		return nil, false
	}
	var e entry
	if err := json.Unmarshal(data, &e); err != nil || e.Blob.SchemaVersion != types.BlobJSONSchemaVersion {
		return nil, false
	}
	if len(e.Jars) > 0 && e.Java != r.java(ctx) {
		return nil, false
	}
	return &e, true
}

// save keeps the result that was put last.
func (r *results) save(ctx context.Context, paths []string) error {
	if r.memory == nil || r.put == nil {
		return nil
	}
	e := entry{Blob: *r.put, Jars: paths}
	if len(paths) > 0 {
		e.Java = r.java(ctx)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return r.memory.Save(r.name(), data)
}
