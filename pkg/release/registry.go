package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	maxTags   = 100_000
	maxPages  = 10_000   // of a tag list; a registry may serve ten tags a page
	maxAnswer = 16 << 20 // bytes; the distribution-spec asks registries to take manifests of 4 MiB
)

// Registry reads and moves tags. It retries what the registry or the network
// says is passing, and waits between the attempts, as ggcr does by default.
type Registry struct {
	Transport http.RoundTripper // nil: remote.DefaultTransport
	Keychain  authn.Keychain    // nil: anonymous
}

func (r Registry) options() []remote.Option {
	inner := r.Transport
	if inner == nil {
		inner = remote.DefaultTransport
	}
	options := []remote.Option{remote.WithTransport(bounded{inner})}
	if r.Keychain != nil {
		options = append(options, remote.WithAuthFromKeychain(r.Keychain))
	}
	return options
}

// Existing lists the repository's tags, in the registry's order. A repository
// that does not exist yet has none. More than 100,000 are an error: with a
// part of the list the highest release could not be told.
func (r Registry) Existing(ctx context.Context, repo name.Repository) ([]string, error) {
	tags, err := r.list(ctx, repo)
	if err != nil {
		return nil, explain(fmt.Errorf("listing tags of %q: %w", repo, err), repo)
	}
	return tags, nil
}

func (r Registry) list(ctx context.Context, repo name.Repository) ([]string, error) {
	puller, err := remote.NewPuller(r.options()...)
	if err != nil {
		return nil, err
	}
	lister, err := puller.Lister(ctx, repo)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var tags []string
	for pages := 1; lister.HasNext(); pages++ {
		page, err := lister.Next(ctx)
		if err != nil {
			return nil, err
		}
		tags = append(tags, page.Tags...)
		if len(tags) > maxTags || pages > maxPages {
			return nil, hint.Wrap(
				fmt.Errorf("found more than %d tags or %d pages", maxTags, maxPages),
				"delete tags that nobody needs")
		}
	}
	return tags, nil
}

// missing says whether the registry has no such repository or manifest.
func missing(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// explain adds advice to a registry's refusal.
func explain(err error, repo name.Repository) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hint.Wrap(err, fmt.Sprintf("log in to %s with an account that may read and write %s", repo.RegistryStr(), repo.RepositoryStr()))
	default:
		return err
	}
}

// bounded ends every answer after maxAnswer bytes: this package reads
// manifests and tag lists only.
type bounded struct{ inner http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.inner.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, fmt.Errorf("reading the registry's answer: found more than %d bytes", maxAnswer)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
