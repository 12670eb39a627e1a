package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
	fault "github.com/org/ai-ship/pkg/internal/faultproxy"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": -1, "0": 0, "1": time.Second, " 30 ": 30 * time.Second, "3600": time.Minute, "99999999999999999999999": time.Minute,
		"18446744073709551615": time.Minute,
		"-1":                   -1, "1.5": -1, "35µs": -1, "soon": -1,
		"Sat, 21 Nov 2026 12:00:05 GMT":  5 * time.Second,
		"Sat, 21 Nov 2026 11:00:00 GMT":  0,
		"Sun, 22 Nov 2026 11:00:00 GMT":  time.Minute,
		"Sunday, 06-Nov-94 08:49:37 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "Sat, 21 Nov 2026 12:00:05 GMT", "1e9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, time.Unix(0, 0)); got != -1 && (got < 0 || got > maxRetryAfter) {
			t.Errorf("retryAfter(%q) = %v", value, got)
		}
	})
}

func TestPause(t *testing.T) {
	r := Retry{}.orDefault()
	for failures, most := range map[int]time.Duration{1: 500 * time.Millisecond, 2: time.Second, 4: 4 * time.Second, 40: 30 * time.Second} {
		for range 100 {
			if got := r.pause(failures, io.EOF); got > most || got < most/2-time.Nanosecond {
				t.Fatalf("pause after %d failures = %v, want %v to %v", failures, got, most/2, most)
			}
		}
	}
	if got := r.pause(3, fmt.Errorf("x: %w", &refusal{wait: 7 * time.Second})); got != 7*time.Second {
		t.Errorf("pause = %v, want what the registry asked for", got)
	}
	if got := r.pause(1, errSpent); got != 0 {
		t.Errorf("pause = %v, want none", got)
	}
}

func TestTemporary(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{&net.OpError{Err: syscall.ECONNRESET}, true},
		{&net.OpError{Err: syscall.ECONNREFUSED}, true},
		{&stallError{time.Second, "answer"}, true},
		{errEarly, true},
		{&refusal{status: 503}, true},
		{&refusal{status: 429}, true},
		{&refusal{status: 404}, false},
		{&refusal{status: 501}, false},
		{&transport.Error{StatusCode: 500}, true},
		{&transport.Error{StatusCode: 400}, false},
		{&againError{&refusal{status: 404}}, true},
		{&finalError{&againError{io.EOF}}, false},
		{&againError{fmt.Errorf("%w: x", ErrDenied)}, false},
		{&sourceError{io.ErrUnexpectedEOF, false}, false},
		{&sourceError{io.ErrUnexpectedEOF, true}, true},
		{context.Canceled, false},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, false},
		{&net.DNSError{IsNotFound: true}, false},
		{&net.DNSError{IsTimeout: true}, true},
	} {
		if got := temporary(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("temporary(%T %v) = %v, want %v", c.err, c.err, got, c.want)
		}
	}
}

func TestRetryGivesUpWithAdvice(t *testing.T) {
	calls := 0
	err := Retry{Attempts: 3, Base: 1}.orDefault().run(t.Context(), func() error {
		calls++
		return io.EOF
	})
	if calls != 3 || !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "(tried 3 times)") {
		t.Errorf("after %d calls: %v", calls, err)
	}
	if len(hint.Of(err)) != 1 {
		t.Errorf("hints = %q", hint.Of(err))
	}
}

func TestPushWaitsAsLongAsItIsTold(t *testing.T) {
	for step, rule := range steps() {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, newOlareg(t), with(rule, 1, fault.Swallow(429, "", "Retry-After", "1")))
			start := time.Now()
			if _, err := quick().Push(t.Context(), s.repo, image(t, newView(1, mib), newView(2, 10).known(t))); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took < time.Second {
				t.Errorf("ended after %v, before the second that was asked for", took)
			}
		})
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	t.Parallel()
	secret := "s3cr3t"
	u, err := url.Parse("https://user:" + secret + "@registry.example/v2/x?sig=" + secret)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 10*maxQuoted)
	for _, err := range []error{
		newRefusal("GET", u, 500, http.Header{}, []byte("a\nb\x1b[31m"+long)),
		explain(&url.Error{Op: "Get", URL: u.String(), Err: io.EOF}, "h"),
		explain(&url.Error{Op: "Get", URL: u.String(), Err: &url.Error{Op: "Get", URL: u.String(), Err: io.EOF}}, "h"),
		explain(&transport.Error{StatusCode: 401, Request: &http.Request{Method: "GET", URL: u}, Errors: []transport.Diagnostic{{Code: "X"}}}, "h"),
	} {
		text := err.Error()
		if strings.Contains(text, secret) || strings.ContainsAny(text, "\n\x1b") || len(text) > 2*maxQuoted {
			t.Errorf("message: %q", text)
		}
		if !strings.Contains(text, "https://registry.example/v2/x") {
			t.Errorf("message names no address: %q", text)
		}
	}
	if !errors.Is(explain(&url.Error{Err: io.EOF, URL: "x", Op: "Get"}, "h"), io.EOF) {
		t.Error("the cause is lost")
	}
}
