package publish

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// defaultJobs is the number of streams at once.
const defaultJobs = 4

// Registry pushes to registries. Its zero value works, without credentials.
type Registry struct {
	Transport http.RoundTripper // nil: one tuned for uploads, made for each push
	Keychain  authn.Keychain    // nil: anonymous
	Jobs      int               // streams at once; 0 is 4
	Progress  func(Event)       // may be nil; called from many goroutines
	Retry     Retry

	patience patience // tests shorten it
	small    int64    // bytes; tests shorten it, 0 is smallBlob
}

func (r Registry) jobs() int {
	if r.Jobs <= 0 {
		return defaultJobs
	}
	return r.Jobs
}

// Result is what a push left in the registry.
type Result struct {
	Digest   name.Digest // of the artifact, in the repository
	Transfer Transfer
	Origins  map[v1.Hash]Origin // of every layer and config
}

// Push writes a to repo by digest and returns when the registry has confirmed
// every manifest. It writes no tag. The same push may be repeated at any time;
// what arrived before is skipped.
//
// On failure Result is zero, and the registry may hold blobs and manifests
// that nothing points to. The error is ErrDenied when the credentials were
// refused, the context's when that ended.
func (r Registry) Push(ctx context.Context, repo name.Repository, a Artifact) (Result, error) {
	parts, err := takeApart(a)
	if err != nil {
		return Result{}, err
	}
	s, err := r.connect(ctx, repo, parts.mounts(repo))
	if err != nil {
		return Result{}, err
	}
	defer s.close()

	// layers
	if err := s.pushLayers(ctx, parts.layers, r.jobs()); err != nil {
		return Result{}, err
	}
	// configs and manifests, now that every digest is known
	written, err := s.pushManifests(ctx, parts)
	if err != nil {
		return Result{}, err
	}
	// read back
	for _, m := range written {
		if err := s.confirm(ctx, m); err != nil {
			return Result{}, fmt.Errorf("reading back manifest %s from %q: %w", m.digest, repo, err)
		}
	}
	digest := written[len(written)-1].digest
	return Result{Digest: repo.Digest(digest.String()), Transfer: s.tally.transfer(), Origins: s.tally.list()}, nil
}

// pushLayers places every layer, the largest first, so that no long one is left for the end.
func (s *client) pushLayers(ctx context.Context, layers []v1.Layer, jobs int) error {
	blobs := make([]*blob, 0, len(layers))
	for _, l := range layers {
		b, err := layerBlob(l, s.repo)
		if err != nil {
			return err
		}
		blobs = append(blobs, b)
	}
	slices.SortStableFunc(blobs, func(a, b *blob) int { return cmp.Compare(b.size, a.size) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs)
	for _, b := range blobs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return s.place(ctx, b)
		})
	}
	return group.Wait()
}

// place sees to it that the repository has b, in the cheapest way.
func (s *client) place(ctx context.Context, b *blob) error {
	origin, err := s.bring(ctx, b)
	if err != nil {
		return fmt.Errorf("pushing %s to %q: %w", b, s.repo, err)
	}
	s.tally.settle(b, origin)
	if s.progress != nil {
		s.progress(b.event(b.size, origin))
	}
	return nil
}

func (s *client) bring(ctx context.Context, b *blob) (Origin, error) {
	u := upload{client: s, blob: b}
	if b.known() {
		var found bool
		err := s.retry.run(ctx, func() (err error) {
			found, err = s.head(ctx, b)
			return err
		})
		if found || err != nil {
			return Skipped, err
		}
	}
	if b.mount {
		var mounted bool
		var err error
		if mounted, u.location, err = s.mount(ctx, b); mounted || err != nil {
			return Mounted, err
		}
	}
	return Uploaded, u.run(ctx)
}

// head asks once whether the repository has b. An answer that makes no sense
// counts as no: the upload will tell.
func (s *client) head(ctx context.Context, b *blob) (bool, error) {
	r, err := s.do(ctx, call{
		method: http.MethodHead, url: s.path("/blobs/" + b.digest.String()),
		want: []int{http.StatusOK, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed},
	})
	if err != nil {
		return false, fmt.Errorf("asking for it: %w", err)
	}
	return r.status == http.StatusOK && (r.length == b.size || r.length < 0), nil
}

// mount asks the registry to take b from another of its repositories. When it
// will not, it may have opened an upload instead; every other refusal only
// means that the blob has to be sent.
func (s *client) mount(ctx context.Context, b *blob) (bool, *url.URL, error) {
	address := s.path("/blobs/uploads/")
	address.RawQuery = url.Values{"mount": {b.digest.String()}, "from": {b.from.RepositoryStr()}}.Encode()
	var r reply
	err := s.retry.run(ctx, func() (err error) {
		r, err = s.do(ctx, call{method: http.MethodPost, url: address, want: []int{http.StatusCreated, http.StatusAccepted}})
		return err
	})
	switch {
	case ctx.Err() != nil:
		return false, nil, context.Cause(ctx)
	case err != nil:
		return false, nil, nil
	case r.status == http.StatusCreated:
		return true, nil, nil
	}
	location, err := s.follow(r)
	if err != nil {
		return false, nil, nil
	}
	return false, location, nil
}

// event is the state of b for a progress display.
func (b *blob) event(done int64, origin Origin) Event {
	e := Event{Name: b.title, Done: done, Total: b.size, Origin: origin}
	if b.known() {
		e.Digest = b.digest.String()
	}
	return e
}

// counted counts what is read of a layer without being sent.
func (u *upload) counted(r io.Reader) io.Reader { return countingReader{r, u} }

type countingReader struct {
	io.Reader
	u *upload
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.u.tally.read.Add(int64(n))
	return n, err
}
