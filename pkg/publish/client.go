package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
)

// maxRedirects bounds how often one request is sent on.
const maxRedirects = 10

// client is one push to one repository, logged in.
type client struct {
	http     *http.Client
	repo     name.Repository
	retry    Retry
	patience patience
	small    int64 // bytes up to which a known blob goes in one request
	progress func(Event)
	tally    *tally
	close    func()
}

// connect logs in for pushing to repo and for pulling from the repositories
// that layers are to be mounted from.
func (r Registry) connect(ctx context.Context, repo name.Repository, from []name.Repository) (*client, error) {
	s := &client{
		repo: repo, retry: r.Retry.orDefault(), patience: r.patience.orDefault(), small: r.small,
		progress: r.Progress, tally: newTally(), close: func() {},
	}
	if s.small == 0 {
		s.small = smallBlob
	}
	base := r.Transport
	if base == nil {
		tuned := newTransport(r.jobs())
		base, s.close = tuned, tuned.CloseIdleConnections
	}
	auth := authn.Anonymous
	if r.Keychain != nil {
		var err error
		if auth, err = authn.Resolve(ctx, r.Keychain, repo); err != nil {
			return nil, fmt.Errorf("finding credentials for %q: %w", repo.RegistryStr(), err)
		}
	}
	scopes := []string{repo.Scope(transport.PushScope)}
	for _, f := range from {
		scopes = append(scopes, f.Scope(transport.PullScope))
	}
	inner := transport.NewUserAgent(wire{base}, "ai-ship")
	err := s.retry.run(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, s.patience.stall)
		defer cancel()
		rt, err := transport.NewWithContext(ctx, repo.Registry, auth, inner, scopes)
		if err != nil {
			if repo.Scheme() == "https" && errors.Is(err, http.ErrSchemeMismatch) {
				return &finalError{hint.Wrap(err, "the registry speaks plain HTTP, which is only used for localhost")}
			}
			return timedOut(ctx, explain(err, repo.RegistryStr()))
		}
		s.http = &http.Client{Transport: rt, CheckRedirect: s.checkRedirect}
		return nil
	})
	if err != nil {
		s.close()
		return nil, fmt.Errorf("logging in to %q: %w", repo.RegistryStr(), err)
	}
	return s, nil
}

// timedOut makes the end of a request's own time a failure that can be retried.
func timedOut(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return &againError{errors.New("no answer in time")}
	}
	return err
}

// call is one request.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   *body // nil for none
	want   []int // statuses
}

// reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	url    *url.URL // that answered, after redirects
	length int64    // Content-Length, -1 when unknown
}

// do sends one request, once, and returns when neither net/http nor anybody
// else still reads its body. The error is a *refusal for any status that is
// not wanted.
func (s *client) do(parent context.Context, c call) (reply, error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var size int64
	if c.body != nil {
		size = c.body.size
	}
	patience := s.patience
	if c.method == http.MethodHead || c.method == http.MethodGet {
		patience.answer = patience.stall // nothing to work on
	}
	if c.body != nil {
		c.body.grace = patience.grace
	}
	dog := patience.watch(cancel, size)
	defer dog.stop()

	r, err := s.sendUntil(ctx, c, dog)
	if err != nil {
		cancel(err)
	}
	if c.body != nil {
		if err == nil {
			err = c.body.settle()
		}
		if sourceErr := c.body.release(); sourceErr != nil {
			err = sourceErr
		}
	}
	if parent.Err() != nil {
		return reply{}, context.Cause(parent)
	}
	if errors.Is(err, errStuck) {
		return reply{}, &finalError{err}
	}
	var stalled *stallError
	if err != nil && errors.As(context.Cause(ctx), &stalled) {
		return reply{}, fmt.Errorf("%s %s: %w", c.method, printable(c.url), stalled)
	}
	return r, err
}

// sendUntil sends a request and gives up on it some time after ctx has ended:
// net/http waits for a read of the body to return, however long that hangs.
func (s *client) sendUntil(ctx context.Context, c call, dog *watchdog) (reply, error) {
	type outcome struct {
		reply reply
		err   error
	}
	ended := make(chan outcome, 1)
	go func() {
		r, err := s.send(ctx, c, dog)
		ended <- outcome{r, err}
	}()
	select {
	case o := <-ended:
		return o.reply, o.err
	case <-ctx.Done():
	}
	for range 2 {
		select {
		case o := <-ended:
			return o.reply, o.err
		case <-time.After(s.patience.grace):
			if c.body != nil {
				_ = c.body.source.Close() // ends the reads of most sources
			}
		}
	}
	return reply{}, errStuck
}

func (s *client) send(ctx context.Context, c call, dog *watchdog) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), nil)
	if err != nil {
		return reply{}, &finalError{err}
	}
	if c.header != nil {
		// The layers below add credentials to it, and it may be sent elsewhere next.
		req.Header = c.header.Clone()
	}
	if c.body != nil {
		c.body.feed = dog.fed
		req.Body, req.ContentLength = c.body, c.body.size
	}
	res, err := s.http.Do(req)
	if err != nil {
		return reply{}, explain(err, s.repo.RegistryStr())
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if !slices.Contains(c.want, res.StatusCode) {
		refused := newRefusal(c.method, res.Request.URL, res.StatusCode, res.Header, text)
		return reply{status: res.StatusCode, header: res.Header, url: res.Request.URL}, denied(refused, res.StatusCode, s.repo.RegistryStr())
	}
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: reading the answer: %w", c.method, printable(res.Request.URL), err)
	}
	return reply{res.StatusCode, res.Header, res.Request.URL, res.ContentLength}, nil
}

// path is an address in the repository.
func (s *client) path(suffix string) *url.URL {
	return &url.URL{
		Scheme: s.repo.Scheme(),
		Host:   s.repo.RegistryStr(),
		Path:   "/v2/" + s.repo.RepositoryStr() + suffix,
	}
}

func (s *client) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("redirected %d times", len(via))
	}
	return s.allow(req.URL)
}

// allow refuses to leave HTTPS. Other hosts are fine, they get no credentials.
func (s *client) allow(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && s.repo.Scheme() == "http" {
		return nil
	}
	return &finalError{fmt.Errorf("the registry points to %s, which is not https", printable(u))}
}

// follow resolves the Location of r. Registries behind a proxy often name
// themselves with http; they are still spoken to as before.
func (s *client) follow(r reply) (*url.URL, error) {
	location := r.header.Get("Location")
	if location == "" {
		return nil, errors.New("the answer has no Location")
	}
	u, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("the answer has a Location that is no URL")
	}
	u = r.url.ResolveReference(u)
	u.User, u.Fragment = nil, ""
	if u.Host == r.url.Host {
		u.Scheme = r.url.Scheme
	}
	if u.Host == "" {
		return nil, errors.New("the answer has a Location that is no URL")
	}
	return u, s.allow(u)
}
