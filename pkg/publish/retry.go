package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
)

// maxRetryAfter caps the pause that a registry can ask for.
const maxRetryAfter = time.Minute

// Retry says how often a step is tried and how long the pauses between are. A
// pause doubles from Base to Max, less up to half at random; a Retry-After of
// the registry replaces it. Zero values are the defaults.
type Retry struct {
	Attempts int           // default 5; of an upload: in a row without the registry having got further
	Base     time.Duration // default 500 ms
	Max      time.Duration // default 30 s
}

func (r Retry) orDefault() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.Base <= 0 {
		r.Base = 500 * time.Millisecond
	}
	if r.Max <= 0 {
		r.Max = 30 * time.Second
	}
	return r
}

// pause is the wait after so many failures (from 1 on), the last of them err.
func (r Retry) pause(failures int, err error) time.Duration {
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.wait >= 0 {
		return refused.wait
	}
	if errors.Is(err, errSpent) {
		return 0 // the token was refreshed meanwhile, there is nothing to wait for
	}
	d := r.Base
	for range failures - 1 {
		d = min(2*d, r.Max)
	}
	d = min(d, r.Max)
	return d - rand.N(d/2+1)
}

// run calls step until it succeeds, fails for good, or has used its attempts.
func (r Retry) run(ctx context.Context, step func() error) error {
	for failures := 1; ; failures++ {
		err := step()
		if err == nil {
			return nil
		}
		if err := r.next(ctx, failures, err); err != nil {
			return err
		}
	}
}

// next waits for the next attempt, or returns the error to give up with.
func (r Retry) next(ctx context.Context, failures int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !temporary(err) {
		return err
	}
	if failures >= r.Attempts {
		return hint.Wrap(fmt.Errorf("%w (tried %d times)", err, failures), "run it again later: blobs that arrived are not sent twice")
	}
	timer := time.NewTimer(r.pause(failures, err))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// againError marks a failure that a new attempt can cure whatever its status.
type againError struct{ err error }

func (e *againError) Error() string { return e.err.Error() }
func (e *againError) Unwrap() error { return e.err }

// finalError marks a failure that no attempt can cure.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// temporary says whether err may pass by itself. What is not known to be final
// is taken as a connection that broke.
func temporary(err error) bool {
	var (
		again   *againError
		final   *finalError
		source  *sourceError
		refused *refusal
		token   *transport.Error
		cert    *tls.CertificateVerificationError
		dns     *net.DNSError
	)
	switch {
	case errors.As(err, &final), errors.Is(err, ErrDenied), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &again):
		return true
	case errors.As(err, &source):
		return source.remote
	case errors.As(err, &refused):
		return temporaryStatus(refused.status)
	case errors.As(err, &token):
		return temporaryStatus(token.StatusCode)
	case errors.As(err, &cert):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return true
}

func temporaryStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
// It is -1 for a header that is missing or is neither, and at most maxRetryAfter.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return -1
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		if seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return -1
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
