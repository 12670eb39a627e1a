package publish

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/internal/faultproxy"
)

// stand is a registry with a fault proxy before it.
type stand struct {
	proxy    *faultproxy.Proxy
	repo     name.Repository // through the proxy
	upstream name.Repository // past it
}

func kinds() map[string]func(testing.TB) http.Handler {
	return map[string]func(testing.TB) http.Handler{
		"ggcr": func(testing.TB) http.Handler {
			return ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithBlobHandler(ggcr.NewInMemoryBlobHandler()))
		},
		"olareg": newOlareg,
	}
}

func newOlareg(testing.TB) http.Handler {
	return olareg.New(config.Config{Storage: config.ConfigStorage{
		StoreType: config.StoreMem, GC: config.ConfigGC{Frequency: -1, GracePeriod: time.Hour},
	}}) // holds nothing but memory, so nobody closes it
}

func newStand(t testing.TB, registry http.Handler, rules ...faultproxy.Rule) stand {
	t.Helper()
	return newSeededStand(t, registry, 1, rules...)
}

func newSeededStand(t testing.TB, registry http.Handler, seed uint64, rules ...faultproxy.Rule) stand {
	t.Helper()
	server := httptest.NewServer(registry)
	t.Cleanup(func() { go server.Close() })
	return proxiedSeed(t, server.URL, seed, rules...)
}

// proxied is a stand before a registry that runs elsewhere.
func proxied(t testing.TB, base string, rules ...faultproxy.Rule) stand {
	t.Helper()
	return proxiedSeed(t, base, 1, rules...)
}

func proxiedSeed(t testing.TB, base string, seed uint64, rules ...faultproxy.Rule) stand {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(target, seed, rules...)
	front := httptest.NewServer(proxy)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() {
		proxy.Close()
		go front.Close() // waits half a second for clients that were cut
	})
	return stand{proxy, repository(t, front.URL, "acme/digits"), repository(t, base, "acme/digits")}
}

func repository(t testing.TB, address, path string) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(strings.TrimPrefix(address, "http://") + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// quick is a Registry that does not make tests wait.
func quick() Registry {
	return Registry{
		Retry:    Retry{Base: time.Millisecond, Max: 4 * time.Millisecond},
		patience: patience{stall: 5 * time.Second, answer: 5 * time.Second},
		small:    64 << 10,
	}
}

// image is made of layers; the same layers give the same digest.
func image(t testing.TB, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func index(images ...v1.Image) v1.ImageIndex {
	adds := make([]mutate.IndexAddendum, len(images))
	for i, img := range images {
		adds[i] = mutate.IndexAddendum{Add: img}
	}
	return mutate.AppendManifests(empty.Index, adds...)
}

func digestOf(t testing.TB, a Artifact) v1.Hash {
	t.Helper()
	h, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pull reads everything under digest and checks every byte's digest. It
// returns the number of blobs.
func pull(t testing.TB, repo name.Repository, digest v1.Hash) int {
	t.Helper()
	get := func(path string, want v1.Hash) []byte {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, "http://"+repo.RegistryStr()+"/v2/"+repo.RepositoryStr()+path+want.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, media := range []types.MediaType{types.OCIManifestSchema1, types.OCIImageIndex, types.DockerManifestSchema2, types.DockerManifestList} {
			req.Header.Add("Accept", string(media))
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("pulling %s%s: status %d, %v", path, want, res.StatusCode, err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != want.Hex {
			t.Fatalf("corrupt: %s holds sha256:%s", want, got)
		}
		return raw
	}
	raw := get("/manifests/", digest)
	var m struct {
		Manifests, Layers []v1.Descriptor
		Config            *v1.Descriptor
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, child := range m.Manifests {
		n += pull(t, repo, child.Digest)
	}
	if m.Config != nil {
		get("/blobs/", m.Config.Digest)
		n++
	}
	for _, l := range m.Layers {
		if l.MediaType.IsDistributable() {
			get("/blobs/", l.Digest)
			n++
		}
	}
	return n
}

// noTags checks that nothing in the repository has a tag.
func noTags(t testing.TB, repo name.Repository) {
	t.Helper()
	tags, err := remote.List(repo)
	if err == nil && len(tags) > 0 {
		t.Errorf("tags = %q, want none", tags)
	}
}

// requests lists "METHOD kind" of what was asked.
func requests(p *faultproxy.Proxy) []string {
	var list []string
	for _, e := range p.Log() {
		path, query, _ := strings.Cut(e.URI, "?")
		kind := "other"
		switch {
		case path == "/v2/":
			kind = "ping"
		case strings.Contains(query, "mount="):
			kind = "mount"
		case strings.Contains(path, "/uploads/"):
			kind = "upload"
		case strings.Contains(path, "/blobs/"):
			kind = "blob"
		case strings.Contains(path, "/manifests/sha256:"):
			kind = "manifest"
		}
		list = append(list, e.Method+" "+kind)
	}
	return list
}

func count(list []string, what string) int {
	n := 0
	for _, s := range list {
		if s == what {
			n++
		}
	}
	return n
}

func uri(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

// dialTo connects to address whatever was asked for.
func dialTo(dial func(context.Context, string, string) (net.Conn, error), address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return dial(ctx, network, address) }
}

func wantHint(t testing.TB, err error, want string) {
	t.Helper()
	if hints := hint.Of(err); !slices.Contains(hints, want) {
		t.Errorf("hints = %q, want %q", hints, want)
	}
}

// outcomes counts how pushes ended.
type outcomes struct {
	mu sync.Mutex
	n  map[string]int
}

func (o *outcomes) add(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = make(map[string]int)
	}
	o.n[what]++
}

func (o *outcomes) total() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.n)
}
