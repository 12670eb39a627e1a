package sigstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plain"
)

const (
	maxServiceAnswer = 10 << 20 // bytes; what the engines' own clients take
	maxExcerpt       = 300      // bytes of an answer that an error quotes
	defaultTries     = 4
	defaultWithin    = time.Minute
	firstWait        = 250 * time.Millisecond
)

// Retry bounds what is done about a service that is out: refused connections,
// 429 and 5xx. Its zero value is 4 tries within a minute.
type Retry struct {
	Tries  int           // requests at most; 1 never retries
	Within time.Duration // from the first request to the last answer
}

func (r Retry) withDefaults() Retry {
	if r.Tries == 0 {
		r.Tries = defaultTries
	}
	if r.Within == 0 {
		r.Within = defaultWithin
	}
	return r
}

// serviceError is a service's refusal or silence.
type serviceError struct {
	service string
	url     string // without user and query
	err     error
}

func (e *serviceError) Error() string {
	return fmt.Sprintf("asking %s at %s: %v", e.service, e.url, e.err)
}
func (e *serviceError) Unwrap() error { return e.err }

// answerError is an answer that is no success.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string {
	answer := fmt.Sprintf("it answered %d %s", e.status, http.StatusText(e.status))
	if e.text != "" {
		answer += ": " + e.text
	}
	return answer
}

// roundTrip is a function as a transport. It can hold a context, which a
// struct should not.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// patient is a transport to one service: ctx ends its requests whatever the
// client above does, an outage is retried within the bound, and an answer that
// is neither a success nor one of accepted is an error that says who, where
// and what. Answers are read whole.
func patient(ctx context.Context, service, advice string, base http.RoundTripper, retry Retry, accepted ...int) http.RoundTripper {
	retry = retry.withDefaults()
	if base == nil {
		base = http.DefaultTransport
	}
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, retry.Within, fmt.Errorf("no answer within %s", retry.Within))
		defer cancel()
		resp, err := attempt(ctx, base, req, retry.Tries, accepted)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return nil, hint.Wrap(&serviceError{service: service, url: shown(req.URL), err: plainly(err)}, advice)
		}
		return resp, nil
	})
}

func attempt(ctx context.Context, base http.RoundTripper, req *http.Request, tries int, accepted []int) (*http.Response, error) {
	wait := firstWait
	for try := 1; ; try++ {
		again, err := rewind(ctx, req)
		if err != nil {
			return nil, err
		}
		resp, err := whole(base, again)
		if err == nil {
			err = judge(req, resp, accepted)
		}
		if err == nil {
			return resp, nil
		}
		if try >= tries || !passing(err) || ctx.Err() != nil {
			if try > 1 {
				err = fmt.Errorf("%w (tried %d times)", err, try)
			}
			return nil, err
		}
		next := max(wait/2+rand.N(wait), retryAfter(resp))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < next {
			return nil, fmt.Errorf("%w (tried %d times; the next try would be too late)", err, try)
		}
		if err := pause(ctx, next); err != nil {
			return nil, err
		}
		wait *= 2
	}
}

// rewind is the request once more, with its body from the start.
func rewind(ctx context.Context, req *http.Request) (*http.Request, error) {
	again := req.Clone(ctx)
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	if req.GetBody == nil {
		return nil, errors.New("the request cannot be sent twice")
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

// whole does the request and reads the answer, so that nothing outlives it.
func whole(base http.RoundTripper, req *http.Request) (*http.Response, error) {
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := readAtMost(resp.Body, maxServiceAnswer)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// judge is nil for an answer that the client above should see. A server may
// repeat what it was sent; the token is taken out.
func judge(req *http.Request, resp *http.Response, accepted []int) error {
	if resp.StatusCode/100 == 2 || slices.Contains(accepted, resp.StatusCode) {
		return nil
	}
	body, _ := readAtMost(resp.Body, maxServiceAnswer)
	text := strings.TrimSpace(string(body))
	if _, token, found := strings.Cut(req.Header.Get("Authorization"), " "); found {
		text = strings.ReplaceAll(text, token, redacted)
	}
	if len(text) > maxExcerpt {
		text = text[:maxExcerpt] + "…"
	}
	return &answerError{status: resp.StatusCode, text: plain.Text(text)}
}

// passing says whether the failure may be gone a moment later.
func passing(err error) bool {
	var answer *answerError
	if errors.As(err, &answer) {
		return answer.status == http.StatusTooManyRequests || answer.status == http.StatusRequestTimeout || answer.status/100 == 5
	}
	return true // the connection failed
}

// retryAfter is how long the server asks to be left alone.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 24*3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return time.Until(at)
	}
	return 0
}

// shown is an address that may be printed: neither user nor query.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// plainly is what an HTTP client's error comes down to. What is around it
// repeats the address, and says too much of it.
func plainly(err error) error {
	var client *url.Error
	if errors.As(err, &client) {
		return client.Err
	}
	return err
}
