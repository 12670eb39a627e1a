package release_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/sign"
)

// server is a registry in this process.
type server struct {
	t    *testing.T
	repo name.Repository
}

func newServer(t *testing.T) server {
	t.Helper()
	return serve(t, ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0))))
}

func serve(t *testing.T, handler http.Handler) server {
	t.Helper()
	http := httptest.NewServer(handler)
	t.Cleanup(http.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(http.URL, "http://") + "/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	return server{t: t, repo: repo}
}

// image pushes a random image by digest, and under the tags.
func (s server) image(tags ...string) v1.Image {
	s.t.Helper()
	image, err := random.Image(64, 2)
	s.must(err)
	s.must(remote.Write(s.repo.Digest(s.digest(image)), image))
	for _, tag := range tags {
		s.must(remote.Tag(s.repo.Tag(tag), image))
	}
	return image
}

func (s server) index(images int64, tags ...string) v1.ImageIndex {
	s.t.Helper()
	index, err := random.Index(64, 1, images)
	s.must(err)
	s.must(remote.WriteIndex(s.repo.Digest(s.digest(index)), index))
	for _, tag := range tags {
		s.must(remote.Tag(s.repo.Tag(tag), index))
	}
	return index
}

func (s server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s server) digest(of interface{ Digest() (v1.Hash, error) }) string {
	s.t.Helper()
	hash, err := of.Digest()
	s.must(err)
	return hash.String()
}

func (s server) proof(of interface{ Digest() (v1.Hash, error) }) sign.Proof {
	s.t.Helper()
	return sign.Unsigned(s.repo.Digest(s.digest(of)), "signing is off")
}

// points asserts what the tag points to; "" stands for no such tag.
func (s server) points(tag, want string) {
	s.t.Helper()
	desc, err := remote.Head(s.repo.Tag(tag))
	got := ""
	if err == nil {
		got = desc.Digest.String()
	}
	if got != want {
		s.t.Errorf("tag %q points to %q, want %q", tag, got, want)
	}
}

// writes counts the manifests that are written through it.
type writes struct {
	puts atomic.Int32
	// answer, when set, may answer the nth PUT (from 1) in the registry's
	// stead, or with after act once the registry has answered it.
	answer func(n int, req *http.Request) *http.Response
	after  func(n int)
}

func (w *writes) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/manifests/") {
		return http.DefaultTransport.RoundTrip(req)
	}
	n := int(w.puts.Add(1))
	if w.answer != nil {
		if resp := w.answer(n, req); resp != nil {
			return resp, nil
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if w.after != nil && err == nil {
		w.after(n)
	}
	return resp, err
}

func refuse(nth, status int, code string) func(int, *http.Request) *http.Response {
	return func(n int, req *http.Request) *http.Response {
		if n != nth {
			return nil
		}
		return &http.Response{
			StatusCode: status, Request: req, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"errors":[{"code":"` + code + `","message":"no"}]}`)),
		}
	}
}

// broken is a network that is down.
type broken struct{}

var errDown = errors.New("the network is down")

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, errDown }
