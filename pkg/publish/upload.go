package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/hint"
)

const (
	// smallBlob is the size up to which a blob of known digest is sent with the
	// request that commits it.
	smallBlob = 4 << 20 // bytes
	// advance is how far the registry must have got since the last failure for
	// the attempts to be counted anew.
	advance = 1 << 20 // bytes
)

// upload is the sending of one blob: POST opens it, PATCH sends, PUT commits
// (distribution spec 1.1, "Pushing blobs"). What is known about the registry's
// side survives a failed attempt, and the next one begins by asking.
type upload struct {
	*client
	blob     *blob
	location *url.URL // of the open upload; nil when there is none
	offset   int64    // bytes that the registry has
	failures int      // in a row
	ranged   bool     // this upload was continued in the middle
	refused  int      // ranges that the registry would not take
	whole    bool     // never continue in the middle
	doubtful bool     // the registry counted otherwise: leave the judgement to the digest
	told     int64    // Done of the last event
}

// run uploads the blob and returns when the registry has committed it.
func (u *upload) run(ctx context.Context) error {
	for {
		err := u.attempt(ctx)
		if err == nil {
			return nil
		}
		u.failures++
		if err := u.retry.next(ctx, u.failures, err); err != nil {
			return err
		}
	}
}

func (u *upload) attempt(ctx context.Context) error {
	if u.failures > 0 {
		if done, err := u.recover(ctx); done || err != nil {
			return err
		}
	}
	if u.location == nil {
		if err := u.begin(ctx); err != nil {
			return fmt.Errorf("opening an upload: %w", err)
		}
	}
	if u.failures == 0 && u.blob.known() && u.blob.size <= u.small {
		return u.commit(ctx, true)
	}
	if u.offset < u.blob.size {
		if err := u.patch(ctx); err != nil {
			return fmt.Errorf("sending it: %w", err)
		}
	}
	if err := u.blob.learn(ctx, u.counted); err != nil {
		return &finalError{fmt.Errorf("hashing it: %w", err)}
	}
	return u.commit(ctx, false)
}

// recover finds out what a failed attempt left behind. It reports true when
// the blob arrived and only the answer was lost.
func (u *upload) recover(ctx context.Context) (bool, error) {
	if u.blob.known() {
		if found, err := u.head(ctx, u.blob); found || err != nil {
			return found, err
		}
	}
	if u.location == nil {
		u.forget()
		return false, nil
	}
	r, err := u.do(ctx, call{method: http.MethodGet, url: u.location, want: []int{http.StatusNoContent, http.StatusOK, http.StatusAccepted}})
	if ctx.Err() != nil {
		return false, err
	}
	end, ok := parseRange(r.header.Get("Range"))
	// "0-0" is what some registries say for nothing at all.
	if err != nil || !ok || end == 0 || end >= u.blob.size || end+1 < u.blob.size && (u.whole || u.blob.view == nil) {
		u.forget()
		return false, nil
	}
	if next, err := u.follow(r); err == nil {
		u.location = next
	}
	if end+1 >= u.offset+advance {
		u.failures = 1
	}
	u.offset, u.ranged = end+1, u.ranged || end+1 < u.blob.size
	return false, nil
}

// forget gives the upload up; the next one starts from the first byte.
func (u *upload) forget() {
	u.location, u.offset, u.ranged = nil, 0, false
}

func (u *upload) begin(ctx context.Context) error {
	r, err := u.do(ctx, call{method: http.MethodPost, url: u.path("/blobs/uploads/"), want: []int{http.StatusAccepted}})
	if err != nil {
		return err
	}
	u.offset, u.ranged = 0, false
	if u.location, err = u.follow(r); err != nil {
		return &againError{err}
	}
	return nil
}

// patch sends everything from the offset on, to where redirects lead.
func (u *upload) patch(ctx context.Context) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if u.offset > 0 {
		header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.blob.size-1))
	}
	want := []int{http.StatusAccepted, http.StatusCreated, http.StatusNoContent}
	r, err := u.sendBody(ctx, call{method: http.MethodPatch, url: u.location, header: header, want: want}, u.offset)
	if err != nil {
		return u.judge(err)
	}
	if next, err := u.follow(r); err == nil {
		u.location = next
	} else if r.header.Get("Location") != "" {
		return err
	}
	end, ok := parseRange(r.header.Get("Range"))
	if ok && end+1 != u.blob.size && !u.doubtful {
		u.doubtful = true
		return &againError{fmt.Errorf("the registry has bytes 0-%d of %d", end, u.blob.size)}
	}
	u.offset = u.blob.size
	return nil
}

// judge decides what a failed PATCH means for the upload. A status of its own
// mostly means that the registry has lost it, or will not take a range.
func (u *upload) judge(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) || errors.Is(err, ErrDenied) || temporaryStatus(refused.status) {
		return err
	}
	if u.ranged {
		// Once may be the broken request still being worked on: ask again where
		// it got to. Twice is a registry that takes no ranges.
		u.refused++
		u.whole = u.refused > 1
	}
	if !u.ranged || u.whole {
		u.forget()
	}
	switch refused.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusRequestedRangeNotSatisfiable:
		return &againError{err}
	case http.StatusRequestEntityTooLarge:
		return hint.Wrap(err, "something before the registry limits the size of a request; raise it there (nginx: client_max_body_size)")
	}
	return err
}

// commit closes the upload under the blob's digest, with all of its bytes when
// they have not been sent yet.
func (u *upload) commit(ctx context.Context, bytes bool) error {
	c := call{method: http.MethodPut, url: withDigest(u.location, u.blob.digest.String()), want: []int{http.StatusCreated, http.StatusNoContent}}
	c.header = http.Header{"Content-Type": {"application/octet-stream"}}
	var r reply
	var err error
	if bytes {
		r, err = u.sendBody(ctx, c, 0)
		u.forget()
	} else {
		r, err = u.do(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("committing it: %w", u.judgeCommit(err))
	}
	if got := r.header.Get("Docker-Content-Digest"); got != "" && got != u.blob.digest.String() {
		return &finalError{fmt.Errorf("committing it: the registry stored it as %s", quote(got))}
	}
	return nil
}

func (u *upload) judgeCommit(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) || errors.Is(err, ErrDenied) || temporaryStatus(refused.status) {
		return err
	}
	mixed := u.ranged || u.doubtful
	u.forget()
	if refused.status == http.StatusBadRequest && !mixed && aboutDigest(refused) {
		return &finalError{fmt.Errorf("its bytes are not what its digest says: %w", err)}
	}
	if mixed {
		u.whole = true // two halves that do not fit: send it in one piece
	}
	switch refused.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusRequestedRangeNotSatisfiable:
		return &againError{err}
	}
	return err
}

func aboutDigest(r *refusal) bool {
	return r.code == "DIGEST_INVALID" || strings.Contains(strings.ToLower(r.message), "digest")
}

// sendBody does c with the blob's bytes from offset on. A redirected body is
// sent again, to the new address.
func (u *upload) sendBody(ctx context.Context, c call, offset int64) (reply, error) {
	for range maxRedirects {
		c.body = nil
		if size := u.blob.size - offset; size > 0 {
			source, err := u.blob.open(offset)
			if err != nil {
				return reply{}, &sourceError{err, u.blob.remote}
			}
			done := offset
			c.body = newBody(source, size, func(n int) {
				u.count(n)
				done += int64(n)
				u.tell(done)
			})
			c.body.remote = u.blob.remote
		}
		r, err := u.do(ctx, c)
		if err == nil || r.status != http.StatusTemporaryRedirect && r.status != http.StatusPermanentRedirect {
			return r, err
		}
		if c.url, err = u.follow(r); err != nil {
			return r, err
		}
	}
	return reply{}, fmt.Errorf("redirected %d times", maxRedirects)
}

// count adds bytes that were read to be sent.
func (u *upload) count(n int) {
	u.tally.uploaded.Add(int64(n))
	if u.blob.remote {
		u.tally.downloaded.Add(int64(n))
	} else {
		u.tally.read.Add(int64(n))
	}
}

// tell reports progress, about once a mebibyte.
func (u *upload) tell(done int64) {
	if u.progress == nil || done >= u.told && done < u.told+advance {
		return
	}
	u.told = done
	u.progress(u.blob.event(done, ""))
}

// withDigest adds the digest to a location whose query is the registry's own
// and may be signed, so it is kept to the letter.
func withDigest(location *url.URL, digest string) *url.URL {
	u := *location
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "digest=" + url.QueryEscape(digest)
	return &u
}

// parseRange reads the Range of an upload's status, "0-1023" and, as some
// registries write it, "bytes=0-1023": the offset of the last byte held.
func parseRange(value string) (end int64, ok bool) {
	value = strings.TrimPrefix(strings.TrimSpace(value), "bytes")
	value = strings.TrimLeft(value, "= ")
	rest, ok := strings.CutPrefix(value, "0-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(rest, 10, 63)
	if err != nil || n == 1<<63-1 {
		return 0, false
	}
	return int64(n), true
}
