package mlflow

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	attempts     = 5
	maxPause     = 30 * time.Second
	requestTime  = 30 * time.Second
	firstPause   = 500 * time.Millisecond
	maxRedirects = 5
)

var (
	// errRedirect is about a redirect that would take credentials elsewhere.
	errRedirect = errors.New("redirects to another server")
	errCircle   = fmt.Errorf("redirects more than %d times", maxRedirects)
)

// session is a client with its configuration checked.
type session struct {
	http           *http.Client
	base           *url.URL // without credentials
	authorization  string   // header; "" for none
	secrets        *strings.Replacer
	timeout, pause time.Duration
}

type request struct {
	path  string // below /api/2.0/mlflow/, needs no escape
	query url.Values
	limit int64 // bytes of the answer
}

// session checks the configuration. Its errors show nothing of the URI, in
// which there may be a password.
func (c Client) session() (session, error) {
	if c.URI == "" {
		return session{}, hint.Wrap(errors.New("no MLflow server is configured"), wrongServer)
	}
	base, err := url.Parse(c.URI)
	switch {
	case err != nil, base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return session{}, hint.Wrap(errors.New("the tracking URI is no server's address; expected http://… or https://…"), wrongServer)
	case base.RawQuery != "", base.Fragment != "":
		return session{}, hint.Wrap(errors.New("the tracking URI has a query or a fragment; expected scheme, host and path"), wrongServer)
	}
	secrets := []string{}
	hide := func(texts ...string) {
		for _, text := range texts {
			if text != "" {
				secrets = append(secrets, text, "***")
			}
		}
	}
	user, password, token := c.Username, c.Password, strings.TrimSpace(c.Token)
	if inURI, _ := base.User.Password(); (user == "" || password == "") && inURI != "" {
		user, password = base.User.Username(), inURI
	}
	base.User = nil
	s := session{base: base, timeout: cmp.Or(c.Timeout, requestTime), pause: cmp.Or(c.Pause, firstPause)}
	// The longest first, for the replacer takes the first that fits.
	switch basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password)); {
	case user != "" && password != "":
		s.authorization = "Basic " + basic
		hide(basic, url.QueryEscape(password), password)
	case token != "":
		s.authorization = "Bearer " + token
		hide(token)
	}
	s.secrets = strings.NewReplacer(secrets...)
	s.http = &http.Client{Transport: c.Transport, CheckRedirect: stay}
	return s, nil
}

// stay allows redirects within one scheme, host and port.
func stay(next *http.Request, before []*http.Request) error {
	if from := before[0].URL; next.URL.Scheme != from.Scheme || !strings.EqualFold(next.URL.Host, from.Host) {
		return fmt.Errorf("%w, %s://%s", errRedirect, next.URL.Scheme, next.URL.Host)
	}
	if len(before) > maxRedirects {
		return errCircle
	}
	return nil
}

// get asks until there is an answer or no hope of one, and returns its body.
func (s session) get(ctx context.Context, r request) ([]byte, error) {
	pause := s.pause
	for tried := 1; ; tried++ {
		body, failed := s.try(ctx, r)
		if failed == nil {
			return body, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if tried == attempts || !failed.temporary() {
			return nil, s.explain(failed, tried)
		}
		wait := pause - rand.N(pause/2+1)
		if failed.wait >= 0 {
			wait = failed.wait
		}
		pause = min(2*pause, maxPause)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(wait, maxPause)):
		}
	}
}

// try sends one request and reads the whole answer.
func (s session) try(ctx context.Context, r request) ([]byte, *Error) {
	failed := &Error{Address: s.place(r.path), wait: -1}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no whole answer within %s", s.timeout))
	defer cancel()
	address := s.base.JoinPath("api/2.0/mlflow", r.path)
	address.RawQuery = r.query.Encode()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, failed.because(err, s)
	}
	ask.Header.Set("Accept", "application/json")
	ask.Header.Set("User-Agent", "ai-ship")
	if s.authorization != "" {
		ask.Header.Set("Authorization", s.authorization)
	}
	answer, err := s.http.Do(ask)
	if answer != nil {
		defer answer.Body.Close() // also where a redirect was refused
	}
	if err != nil {
		return nil, failed.because(cause(ctx, err), s)
	}
	failed.Status = answer.StatusCode
	limit := r.limit
	if answer.StatusCode != http.StatusOK {
		limit = maxRefusal
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	switch {
	case answer.StatusCode != http.StatusOK:
		failed.wait = retryAfter(answer.Header.Get("Retry-After"))
		failed.refused(body[:min(len(body), maxRefusal)], s)
		return nil, failed
	case err != nil:
		return nil, failed.because(fmt.Errorf("reading the answer: %w", cause(ctx, err)), s)
	case int64(len(body)) > limit:
		return nil, failed.because(fmt.Errorf("the answer is larger than %d MiB", limit>>20), s).final()
	case strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<"):
		return nil, failed.because(errors.New("the answer is a page and no JSON"), s).final()
	}
	return body, nil
}

// place is an address as messages have it: no credentials, no query.
func (s session) place(path string) string { return s.base.JoinPath("api/2.0/mlflow", path).String() }

// cause prefers why a context ended over that it did, and drops url.Error's
// text, in which there is the whole address, or that of a redirect.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// retryAfter reads the header's seconds or date (RFC 9110, section 10.2.3), -1
// for none. More than maxPause is as much as maxPause.
func retryAfter(header string) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	date, err := http.ParseTime(header)
	if err != nil {
		return -1
	}
	return min(max(time.Until(date), 0), maxPause)
}

// temporary reports whether a further attempt may have another end.
func (e *Error) temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case 0, http.StatusOK: // no answer, or not all of it
	default:
		return false
	}
	var (
		certificate *tls.CertificateVerificationError
		name        *net.DNSError
	)
	switch {
	case e.lasting, errors.Is(e.Err, errRedirect), errors.Is(e.Err, errCircle), errors.As(e.Err, &certificate):
		return false
	case errors.As(e.Err, &name):
		return !name.IsNotFound
	}
	return true
}
