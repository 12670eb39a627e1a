package sigstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	maxReferrers = 10_000    // of one digest
	maxPages     = 1_000     // of a list of referrers
	maxList      = 16 << 20  // bytes of a page or a fallback tag; 10,000 descriptors weigh about 5 MB
	maxManifest  = 4 << 20   // bytes of a referrer's manifest; registries need not take more
	maxBundle    = 64 << 20  // bytes of a bundle, which holds a whole SBOM
	maxRead      = 512 << 20 // bytes of everything that is read about one digest
)

// Registry is how registries are reached.
type Registry struct {
	Transport http.RoundTripper // nil: remote.DefaultTransport
	Keychain  authn.Keychain    // nil: anonymous
}

// client reads and writes one repository. It logs in once.
type client struct {
	repo name.Repository
	http *http.Client
	auth http.RoundTripper // what http uses; for ggcr's own clients
}

// connect logs in, for reading or for writing too.
func (r Registry) connect(ctx context.Context, repo name.Repository, scope string) (*client, error) {
	base, auth := r.Transport, authn.Anonymous
	if base == nil {
		base = remote.DefaultTransport
	}
	if r.Keychain != nil {
		var err error
		if auth, err = authn.Resolve(ctx, r.Keychain, repo); err != nil {
			return nil, fmt.Errorf("finding credentials for %s: %w", repo.RegistryStr(), err)
		}
	}
	retrying := transport.NewRetry(base, transport.WithRetryStatusCodes(
		http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	))
	logged, err := transport.NewWithContext(ctx, repo.Registry, auth, retrying, []string{repo.Scope(scope)})
	if err != nil {
		return nil, explain(fmt.Errorf("connecting to %s: %w", repo.RegistryStr(), err), repo)
	}
	return &client{repo: repo, auth: logged, http: &http.Client{Transport: logged, CheckRedirect: stay}}, nil
}

// stay refuses to follow a list or manifest to another host.
func stay(req *http.Request, via []*http.Request) error {
	if req.URL.Host != via[0].URL.Host || len(via) > 5 {
		return fmt.Errorf("refusing to follow to %q", req.URL.Host)
	}
	return nil
}

func (c *client) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithTransport(c.auth), remote.WithContext(ctx)}
}

// list is what a registry says refers to a digest.
type list struct {
	referrers []v1.Descriptor
	api       bool // the registry keeps the list itself
}

func (l list) has(digest string) bool {
	for _, d := range l.referrers {
		if d.Digest.String() == digest {
			return true
		}
	}
	return false
}

// referrers asks the referrers API, else the fallback tag of the distribution
// spec. A digest that nothing refers to has an empty list.
func (c *client) referrers(ctx context.Context, digest name.Digest) (list, error) {
	found, err := c.list(ctx, digest)
	if err != nil {
		return list{}, explain(fmt.Errorf("listing what refers to %s: %w", digest, err), c.repo)
	}
	return found, nil
}

func (c *client) list(ctx context.Context, digest name.Digest) (list, error) {
	out := list{api: true}
	next := c.url("referrers", digest.DigestStr())
	for pages := 1; next != nil; pages++ {
		page, following, err := c.page(ctx, next)
		if err != nil {
			return list{}, err
		}
		if page == nil && pages == 1 {
			return c.fallback(ctx, digest)
		}
		if page == nil {
			return list{}, fmt.Errorf("page %d is no OCI index", pages)
		}
		out.referrers = append(out.referrers, page.Manifests...)
		if len(out.referrers) > maxReferrers || pages > maxPages {
			return list{}, errTooMany()
		}
		next = following
	}
	return out, nil
}

func errTooMany() error {
	return hint.Wrap(fmt.Errorf("found more than %d referrers or %d pages", maxReferrers, maxPages),
		"delete referrers that nobody needs")
}

// page reads one page of the API, nil when there is no such API.
func (c *client) page(ctx context.Context, at *url.URL) (*v1.IndexManifest, *url.URL, error) {
	got, err := c.get(ctx, at, types.OCIImageIndex, maxList)
	if err != nil {
		return nil, nil, err
	}
	switch got.status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		return nil, nil, nil //nolint:nilnil // no such API is no error
	default:
		return nil, nil, got.refused()
	}
	kind, _, _ := mime.ParseMediaType(got.header.Get("Content-Type"))
	if kind != string(types.OCIImageIndex) {
		return nil, nil, nil //nolint:nilnil // some registries answer with a page for people
	}
	index, err := parseIndex(got.body)
	if err != nil {
		return nil, nil, err
	}
	next, err := following(at, got.header)
	return index, next, err
}

// fallback reads the tag that clients keep where there is no API.
func (c *client) fallback(ctx context.Context, digest name.Digest) (list, error) {
	tag := strings.Replace(digest.DigestStr(), ":", "-", 1)
	got, err := c.get(ctx, c.url("manifests", tag), types.OCIImageIndex, maxList)
	if err != nil {
		return list{}, err
	}
	switch got.status {
	case http.StatusOK:
	case http.StatusNotFound:
		return list{}, nil
	default:
		return list{}, got.refused()
	}
	index, err := parseIndex(got.body)
	if err != nil {
		return list{}, fmt.Errorf("reading tag %q: %w", tag, err)
	}
	if len(index.Manifests) > maxReferrers {
		return list{}, errTooMany()
	}
	return list{referrers: index.Manifests}, nil
}

func parseIndex(body []byte) (*v1.IndexManifest, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(body, &index); err != nil {
		return nil, fmt.Errorf("it is no OCI index: %w", err)
	}
	if index.SchemaVersion != 2 {
		return nil, fmt.Errorf("it is no OCI index: its schemaVersion is %d", index.SchemaVersion)
	}
	return &index, nil
}

// following is the next page: a Link of the same server, since the request
// carries credentials.
func following(at *url.URL, header http.Header) (*url.URL, error) {
	for _, link := range header.Values("Link") {
		target, params, found := strings.Cut(link, ">")
		if !found || !strings.HasPrefix(target, "<") || !strings.Contains(params, `rel="next"`) {
			continue
		}
		next, err := at.Parse(target[1:])
		if err != nil {
			return nil, fmt.Errorf("reading its Link header: %w", err)
		}
		if next.Scheme != at.Scheme || next.Host != at.Host {
			return nil, fmt.Errorf("refusing to follow its Link header to %q", next.Host)
		}
		return next, nil
	}
	return nil, nil //nolint:nilnil // the last page has none
}

func (c *client) url(kind, identifier string) *url.URL {
	return &url.URL{
		Scheme: c.repo.Scheme(), Host: c.repo.RegistryStr(),
		Path: fmt.Sprintf("/v2/%s/%s/%s", c.repo.RepositoryStr(), kind, identifier),
	}
}

// answer is what a server said, read whole.
type answer struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

// get reads an answer, whatever its status.
func (c *client) get(ctx context.Context, at *url.URL, accept types.MediaType, limit int64) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", string(accept))
	return ask(c.http, req, limit)
}

// ask reads the answer to a request; a body above the limit is an error.
func ask(client *http.Client, req *http.Request, limit int64) (answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := readAtMost(resp.Body, limit)
	return answer{req, resp.StatusCode, resp.Header, body}, err
}

// refused is ggcr's error for the answer, so that what explains those explains
// this.
func (a answer) refused() error {
	return transport.CheckError(&http.Response{
		StatusCode: a.status, Header: a.header, Request: a.request, Body: io.NopCloser(bytes.NewReader(a.body)),
	}, http.StatusOK)
}

var errTooLarge = errors.New("the answer is larger")

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w than %d bytes", errTooLarge, limit)
	}
	return body, nil
}

// explain adds advice to a registry's refusal.
func explain(err error, repo name.Repository) error {
	var answer *transport.Error
	if errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return hint.Wrap(err, fmt.Sprintf("log in to %s with an account that may read and write %s", repo.RegistryStr(), repo.RepositoryStr()))
	}
	return err
}

// missing says whether the registry has no such thing.
func missing(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
