package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	maxReply  = 64 << 10 // bytes of a response that are read
	maxQuoted = 300      // characters of a response that get into a message
)

// ErrDenied is the error of a registry that refused the credentials, or the
// lack of them (401, 403). It is never retried.
var ErrDenied = errors.New("access denied")

// refusal is an answer that was not the one asked for.
type refusal struct {
	method, address string
	status          int
	code, message   string        // of the first error in the body (distribution spec, "Error Codes")
	wait            time.Duration // Retry-After, -1 for none
}

func (e *refusal) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.method, e.address, e.status, http.StatusText(e.status))
	for _, part := range []string{e.code, e.message} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

func newRefusal(method string, u *url.URL, status int, header http.Header, body []byte) *refusal {
	e := &refusal{method: method, address: printable(u), status: status, wait: retryAfter(header.Get("Retry-After"), time.Now())}
	var parsed struct {
		Errors []struct {
			Code    string          `json:"code"`
			Message string          `json:"message"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &parsed); err == nil && len(parsed.Errors) > 0 {
		first := parsed.Errors[0]
		var detail string // other kinds of detail are for programs
		_ = json.Unmarshal(first.Detail, &detail)
		e.code, e.message = quote(first.Code), quote(first.Message+" "+detail)
	} else {
		e.message = quote(string(body))
	}
	return e
}

// printable is the address without what may be secret: user and query.
func printable(u *url.URL) string {
	if u == nil {
		return ""
	}
	return quote((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// quote makes a stranger's text fit for one line of a message.
func quote(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar
	}), " ")
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "…"
	}
	return text
}

// wire is the transport below authentication. It turns temporary statuses into
// errors, so that the ping and the token exchange wait as long as they are
// told, too; and it sends a body once, because the layers above would send the
// rest of a half-read one.
type wire struct {
	base http.RoundTripper
}

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if b, ok := req.Body.(*body); ok && b.spent.Swap(true) {
		_ = b.Close()
		return nil, errSpent
	}
	res, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if !temporaryStatus(res.StatusCode) {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxReply))
	return nil, newRefusal(req.Method, req.URL, res.StatusCode, res.Header, text)
}

// explain makes an error of net/http or of the token exchange fit for a
// message, and recognises refused credentials.
func explain(err error, host string) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return denied(refused, refused.status, host)
	}
	var token *transport.Error
	if errors.As(err, &token) {
		refused = &refusal{method: http.MethodGet, status: token.StatusCode, wait: -1}
		if token.Request != nil {
			refused.method, refused.address = token.Request.Method, printable(token.Request.URL)
		}
		if len(token.Errors) > 0 {
			refused.code, refused.message = quote(string(token.Errors[0].Code)), quote(token.Errors[0].Message)
		}
		return denied(refused, refused.status, host)
	}
	return &scrubbed{err}
}

// The parts of an address that may hold a secret, wherever it stands in a text.
var (
	userinfo = regexp.MustCompile(`//[^/@\s"]*@`)
	query    = regexp.MustCompile(`\?[^\s"]*`)
)

// scrubbed is an error whose text is safe to show.
type scrubbed struct{ err error }

func (e *scrubbed) Error() string {
	return quote(query.ReplaceAllString(userinfo.ReplaceAllString(e.err.Error(), "//"), ""))
}

func (e *scrubbed) Unwrap() error { return e.err }

func denied(err error, status int, host string) error {
	if status != http.StatusUnauthorized && status != http.StatusForbidden {
		return err
	}
	return hint.Wrap(fmt.Errorf("%w: %w", ErrDenied, err), "log in with: docker login "+host)
}
