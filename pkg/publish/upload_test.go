package publish

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"

	fault "github.com/org/ai-ship/pkg/internal/faultproxy"
)

const mib = 1 << 20

// patches are the Content-Range headers of the PATCH requests, "" for none.
func patches(p *fault.Proxy) []string {
	var list []string
	for _, e := range p.Log() {
		if e.Method == http.MethodPatch {
			list = append(list, e.Header.Get("Content-Range"))
		}
	}
	return list
}

// unhurried leaves a registry the time to notice that a connection broke.
func unhurried() Registry {
	r := quick()
	r.Retry.Base, r.Retry.Max = 80*time.Millisecond, 80*time.Millisecond
	return r
}

func TestUploadGoesOnWhereItBrokeOff(t *testing.T) {
	for name, view := range map[string]*testView{"known": newView(1, 8*mib).known(t), "unknown": newView(1, 8*mib)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, newOlareg(t), fault.Rule{Method: "PATCH", Nth: 1, Do: fault.Cut(5 * mib)})
			img := image(t, view)
			result, err := unhurried().Push(t.Context(), s.repo, img)
			if err != nil {
				t.Fatal(err)
			}
			pull(t, s.upstream, digestOf(t, img))
			got := patches(s.proxy)
			// On a busy machine the registry is asked while it still writes what
			// arrived, refuses the range from there, and is asked again.
			if len(got) < 2 || len(got) > 3 || got[0] != "" {
				t.Errorf("Content-Range of the PATCHes = %q", got)
			}
			for _, r := range got[1:] {
				if !strings.HasSuffix(r, fmt.Sprintf("-%d", 8*mib-1)) || strings.HasPrefix(r, "0-") {
					t.Errorf("Content-Range of the PATCHes = %q, want the rest only", got)
				}
			}
			if n := count(requests(s.proxy), "POST upload"); n != 2 { // the layer and the config
				t.Errorf("%d uploads were opened, want 2", n)
			}
			if sent := result.Transfer.Uploaded; sent > int64(len(got))*8*mib {
				t.Errorf("%d bytes were sent in %d pieces of 8 MiB", sent, len(got))
			}
		})
	}
}

// TestUploadCountsOnlyFailuresWithoutProgress breaks every PATCH after 2 MiB;
// there are more of them than attempts.
func TestUploadCountsOnlyFailuresWithoutProgress(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t), fault.Rule{Method: "PATCH", Do: fault.Cut(2 * mib)})
	img := image(t, newView(1, 13*mib))
	if _, err := unhurried().Push(t.Context(), s.repo, img); err != nil {
		t.Fatal(err)
	}
	pull(t, s.upstream, digestOf(t, img))
	if n := len(patches(s.proxy)); n < 7 {
		t.Errorf("%d PATCHes", n)
	}
}

// TestUploadOfARegistryThatRefusesRanges is GHCR: a PATCH with a Content-Range
// may have 4 MiB, one without may have any size.
func TestUploadOfARegistryThatRefusesRanges(t *testing.T) {
	t.Parallel()
	registry := newOlareg(t)
	ghcr := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && r.Header.Get("Content-Range") != "" && r.ContentLength > 4*mib {
			http.Error(w, tooLarge, http.StatusRequestedRangeNotSatisfiable)
			return
		}
		registry.ServeHTTP(w, r)
	})
	s := newStand(t, ghcr, fault.Rule{Method: "PATCH", Nth: 1, Do: fault.Cut(2 * mib)}, fault.Rule{Method: "PATCH", Nth: 4, Do: fault.Cut(2 * mib)})
	img := image(t, newView(1, 8*mib))
	if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
		t.Fatal(err)
	}
	pull(t, s.upstream, digestOf(t, img))
	ranged := slices.DeleteFunc(patches(s.proxy), func(s string) bool { return s == "" })
	if len(ranged) > 2 {
		t.Errorf("ranges were tried again after they had been refused twice: %q", ranged)
	}
}

// TestUploadToDistribution is Debian's docker-registry 2.8: it cannot continue
// a broken PATCH and forgets the upload.
func TestUploadToDistribution(t *testing.T) {
	t.Parallel()
	base := dockerRegistry(t)
	s := proxied(t, base, fault.Rule{Method: "PATCH", Nth: 1, Do: fault.Cut(3 * mib)})
	img := image(t, newView(1, 8*mib), newView(2, 10<<10).known(t))
	for range 2 {
		if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
			t.Fatal(err)
		}
	}
	pull(t, s.upstream, digestOf(t, img))
	noTags(t, s.upstream)
	if got := patches(s.proxy); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("Content-Range of the PATCHes = %q, want two without", got)
	}
}

func TestUploadToAnotherHost(t *testing.T) {
	t.Parallel()
	registry := newOlareg(t)
	var leaked atomic.Int32
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
		registry.ServeHTTP(w, r)
	}))
	defer storage.Close()
	toStorage := fault.Location(func(l string) string {
		if !strings.HasPrefix(l, "/") {
			return l
		}
		return strings.Replace(storage.URL, "http://", "http://user:secret@", 1) + l
	})
	for name, rules := range map[string][]fault.Rule{
		"location": {{Method: "POST", Do: toStorage}},
		"redirect": {{Method: "PATCH", Do: redirect(storage.URL)}, {Method: "PUT", Path: uri("uploads"), Do: redirect(storage.URL)}, {Method: "HEAD", Do: redirect(storage.URL)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, registry, rules...)
			r := quick()
			r.Keychain = canary{}
			img := image(t, newView(uint64(len(name)), 2*mib), newView(2+uint64(len(name)), 10<<10).known(t))
			if _, err := r.Push(t.Context(), s.repo, img); err != nil {
				t.Fatal(err)
			}
			pull(t, s.upstream, digestOf(t, img))
			if n := leaked.Load(); n != 0 {
				t.Errorf("credentials were sent to another host %d times", n)
			}
			sent := 0
			for _, e := range s.proxy.Log() {
				if e.Header.Get("Authorization") != "" {
					sent++
				}
			}
			if sent == 0 {
				t.Error("no credentials were sent to the registry")
			}
		})
	}
}

func TestUploadNeverLeavesHTTPS(t *testing.T) {
	t.Parallel()
	s := client{repo: repository(t, "registry.example", "acme/digits")}
	from := reply{header: http.Header{}, url: s.path("/blobs/uploads/")}
	for location, want := range map[string]string{
		"/x?state=1":                      "https://registry.example/x?state=1",
		"http://registry.example/x":       "https://registry.example/x",
		"https://storage.example/x?sig=1": "https://storage.example/x?sig=1",
		"http://storage.example/x?sig=1":  "",
		"ftp://storage.example/":          "",
		"":                                "",
		"http://[":                        "",
		"mailto:x":                        "",
	} {
		from.header.Set("Location", location)
		u, err := s.follow(from)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%q leads to %v, %v; want %q", location, u, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "sig=") {
			t.Errorf("error shows the query: %v", err)
		}
	}
}

func TestUploadTrustsTheDigestOverABogusRange(t *testing.T) {
	t.Parallel()
	bogus := fault.Change(func(r *http.Response) error {
		r.Header.Set("Range", "0-0")
		return nil
	})
	s := newStand(t, kinds()["ggcr"](t), fault.Rule{Method: "PATCH", Do: bogus})
	img := image(t, newView(1, mib))
	if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
		t.Fatal(err)
	}
	pull(t, s.upstream, digestOf(t, img))
}

// liar is a view whose digest belongs to other bytes.
type liar struct{ *testView }

func (liar) Digest() (v1.Hash, error) {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}, nil
}
func (liar) Known() bool { return true }

func TestUploadOfOtherBytesThanPromised(t *testing.T) {
	broken := errors.New("disk on fire")
	views := map[string]struct {
		layer v1.Layer
		want  string
		posts int
	}{
		"changed, large": {liar{newView(1, mib)}, "its bytes are not what its digest says", 1},
		"changed, small": {liar{newView(1, 1<<10)}, "its bytes are not what its digest says", 1},
		"unreadable":     {failing(newView(1, mib), broken), "reading it: disk on fire", 1},
		"grown":          {resized{newView(1, mib), mib - 1}, "it is longer than its 1048575 bytes", 1},
		"shrunk":         {resized{newView(1, mib), mib + 1}, "it ended after 1048576 of 1048577 bytes", 1},
	}
	for name, c := range views {
		everyRegistry(t, func(t *testing.T, registry http.Handler) {
			s := newStand(t, registry)
			_, err := quick().Push(t.Context(), s.repo, image(t, c.layer))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%s: error = %v, want %q", name, err, c.want)
			}
			if n := count(requests(s.proxy), "POST upload"); n != c.posts {
				t.Errorf("%s: %d uploads were opened, want %d: it was retried", name, n, c.posts)
			}
			if n := count(requests(s.proxy), "PUT manifest"); n != 0 {
				t.Errorf("%s: a manifest was written", name)
			}
		})
	}
}

func failing(v *testView, err error) *testView {
	v.fail = func(offset int64) error {
		if offset > v.size/2 {
			return err
		}
		return nil
	}
	return v
}

type resized struct {
	*testView
	claim int64
}

func (r resized) Size() (int64, error) { return r.claim, nil }

func TestUploadOfNothing(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		s := newStand(t, registry)
		img := image(t, newView(1, 0))
		if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
			t.Skip("the registry takes no empty blob:", err)
		}
		pull(t, s.upstream, digestOf(t, img))
	})
}

func TestUploadStallIsCut(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t), fault.Rule{Method: "PATCH", Nth: 1, Do: fault.Hold()})
	r := quick()
	r.patience = patience{stall: 200 * time.Millisecond, answer: time.Minute}
	img := image(t, newView(1, 20*mib)) // more than the socket buffers hold
	start := time.Now()
	if _, err := r.Push(t.Context(), s.repo, img); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	pull(t, s.upstream, digestOf(t, img))
}

func TestUploadOfAStuckReader(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t))
	v := newView(1, mib)
	release := make(chan struct{})
	defer close(release)
	v.fail = func(offset int64) error {
		if offset > 0 {
			<-release
		}
		return nil
	}
	r := quick()
	r.patience.stall, r.patience.grace = 100*time.Millisecond, 100*time.Millisecond
	_, err := r.Push(t.Context(), s.repo, image(t, v))
	if err == nil || !strings.Contains(err.Error(), errStuck.Error()) {
		t.Errorf("error = %v", err)
	}
}

func TestUploadTooLargeForAProxy(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t), fault.Rule{Method: "PATCH", Do: fault.Swallow(413, "<html>nginx</html>")})
	_, err := quick().Push(t.Context(), s.repo, image(t, newView(1, mib)))
	if err == nil || !strings.Contains(err.Error(), "413 Request Entity Too Large: <html>nginx</html>") {
		t.Fatalf("error = %v", err)
	}
	wantHint(t, err, "something before the registry limits the size of a request; raise it there (nginx: client_max_body_size)")
}

func TestUploadOfALayerThatOnlyStartsAtItsBeginning(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		s := newStand(t, registry,
			fault.Rule{Method: "PATCH", Nth: 1, Do: fault.Cut(100 << 10)},
			fault.Rule{Method: "PUT", Path: uri("uploads"), Nth: 1, Do: fault.Drop()})
		l, err := random.Layer(mib, types.OCILayer)
		if err != nil {
			t.Fatal(err)
		}
		img := image(t, l)
		if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
			t.Fatal(err)
		}
		pull(t, s.upstream, digestOf(t, img))
		if got := patches(s.proxy); !slices.Equal(got, []string{"", ""}) {
			t.Errorf("Content-Range of the PATCHes = %q, want two without", got)
		}
	})
}

func TestParseRange(t *testing.T) {
	for value, want := range map[string]int64{
		"0-0": 0, "0-1023": 1023, "bytes=0-1023": 1023, "bytes 0-7": 7, " 0-5 ": 5, "0-9223372036854775806": 1<<63 - 2,
		"": -1, "0-": -1, "0--1": -1, "1-5": -1, "0-x": -1, "0-9223372036854775807": -1, "5": -1, "0-1-2": -1,
	} {
		end, ok := parseRange(value)
		if ok != (want >= 0) || ok && end != want {
			t.Errorf("parseRange(%q) = %d, %v; want %d", value, end, ok, want)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"0-1023", "bytes=0-7", "0--1", "0-99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if end, ok := parseRange(value); ok && (end < 0 || end+1 < 1) || !ok && end != 0 {
			t.Errorf("parseRange(%q) = %d, %v", value, end, ok)
		}
	})
}
