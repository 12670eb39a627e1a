package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
)

// Registry asks the registry of a repository.
type Registry struct {
	Repo      name.Repository
	Keychain  authn.Keychain
	Transport http.RoundTripper // nil: ggcr's default
	Now       func() time.Time
}

// MaxSkew is how far a clock may be off before tokens and certificates of
// keyless signing, which live for minutes, are refused.
const MaxSkew = 30 * time.Second

// nobody is the digest of a manifest that no registry has.
const nobody = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// client answers the registry's challenge for a scope.
func (r Registry) client(ctx context.Context, scope string) (*http.Client, error) {
	auth, err := authn.Resolve(ctx, r.Keychain, r.Repo)
	if err != nil {
		return nil, fmt.Errorf("looking for credentials of %s: %w", r.Repo.RegistryStr(), err)
	}
	under := r.Transport
	if under == nil {
		under = remote.DefaultTransport
	}
	rt, err := transport.NewWithContext(ctx, r.Repo.Registry, auth, under, []string{r.Repo.Scope(scope)})
	if err != nil {
		return nil, r.advise(err)
	}
	return &http.Client{Transport: rt}, nil
}

// url is an address below the repository.
func (r Registry) url(path string) url.URL {
	return url.URL{Scheme: r.Repo.Scheme(), Host: r.Repo.RegistryStr(), Path: "/v2/" + r.Repo.RepositoryStr() + path}
}

// answer is what counts of a response.
type answer struct {
	status int
	header http.Header
}

// do sends a request whose answer must have one of the codes.
func (r Registry) do(ctx context.Context, c *http.Client, method string, at url.URL, codes ...int) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), nil)
	if err != nil {
		return answer{}, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, r.advise(err)
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, codes...); err != nil {
		return answer{}, r.advise(err)
	}
	const most = 1 << 20 // bytes of an answer nobody reads
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, most))
	return answer{resp.StatusCode, resp.Header}, err
}

// advise says what to do about a refusal.
func (r Registry) advise(err error) error {
	var answer *transport.Error
	host := r.Repo.RegistryStr()
	switch {
	case errors.As(err, &answer) && answer.StatusCode == http.StatusUnauthorized:
		return hint.Wrap(err, "log in with docker login "+host)
	case errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden && host == "ghcr.io":
		return hint.Wrap(err, "give the token the scope write:packages; a workflow's job, permissions: {packages: write}")
	case errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden:
		return hint.Wrap(err, "give the account at "+host+" the right to push to "+r.Repo.RepositoryStr())
	case errors.As(err, &answer):
		return err
	}
	return hint.Wrap(err, "see whether "+host+" is the right host in image:, and can be reached from here")
}

// Upload begins an upload to see whether it may, and gives it up.
func (r Registry) Upload(ctx context.Context) (Finding, error) {
	c, err := r.client(ctx, transport.PushScope)
	if err != nil {
		return Finding{}, err
	}
	begin := r.url("/blobs/uploads/")
	begun, err := r.do(ctx, c, http.MethodPost, begin, http.StatusAccepted)
	if err != nil {
		return Finding{}, fmt.Errorf("beginning an upload to %s: %w", r.Repo, err)
	}
	at, err := begin.Parse(begun.header.Get("Location"))
	if err != nil || begun.header.Get("Location") == "" {
		return Finding{}, fmt.Errorf("beginning an upload to %s: the registry says no Location for it", r.Repo)
	}
	// The credentials are for the registry, and nobody else gets them.
	if at.Host != begin.Host {
		return Finding{Found: "may push to " + r.Repo.Name() + " (the upload is left to " + at.Host + ", which ends it in time)"}, nil
	}
	if _, err := r.do(ctx, c, http.MethodDelete, *at, http.StatusNoContent, http.StatusOK, http.StatusAccepted); err != nil {
		return Finding{Found: "may push to " + r.Repo.Name() + " (the registry gives no upload up by request; it ends by itself)"}, nil
	}
	return Finding{Found: "may push to " + r.Repo.Name()}, nil
}

// Referrers asks whether signatures and statements can be found by their subject.
func (r Registry) Referrers(ctx context.Context) (Finding, error) {
	c, err := r.client(ctx, transport.PullScope)
	if err != nil {
		return Finding{}, err
	}
	got, err := r.do(ctx, c, http.MethodGet, r.url("/referrers/"+nobody), http.StatusOK, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed)
	if err != nil {
		return Finding{}, fmt.Errorf("asking %s for referrers: %w", r.Repo.RegistryStr(), err)
	}
	if got.status == http.StatusOK && strings.Contains(got.header.Get("Content-Type"), "image.index") {
		return Finding{Found: "the registry lists what refers to an image"}, nil
	}
	return Finding{Found: "the registry has no referrers API; tags named sha256-… stand in for it"}, nil
}

// Clock compares this machine's clock with the registry's.
func (r Registry) Clock(ctx context.Context) (skew time.Duration, err error) {
	under := r.Transport
	if under == nil {
		under = remote.DefaultTransport
	}
	at := url.URL{Scheme: r.Repo.Scheme(), Host: r.Repo.RegistryStr(), Path: "/v2/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return 0, err
	}
	asked := r.Now()
	resp, err := (&http.Client{Transport: under}).Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("reading the Date of %s: %w", r.Repo.RegistryStr(), err)
	}
	// The header has whole seconds, and was written at some time in between.
	here := asked.Add(r.Now().Sub(asked) / 2)
	return here.Sub(there.Add(time.Second / 2)).Round(time.Second), nil
}
