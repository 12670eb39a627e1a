package cli_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/sign/sigstore"
)

const racers = 32 // processes

// put is a tag that the registry has accepted.
type put struct{ tag, digest string }

// witness is a registry that remembers the order in which it accepted tags.
type witness struct {
	inner http.Handler
	mu    sync.Mutex
	puts  []put
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	_, tag, found := strings.Cut(r.URL.Path, "/manifests/")
	if !found || r.Method != http.MethodPut || strings.HasPrefix(tag, "sha256") {
		w.inner.ServeHTTP(out, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	// One at a time, so that the order here is the order there.
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inner.ServeHTTP(out, r)
	w.puts = append(w.puts, put{tag, fmt.Sprintf("sha256:%x", sha256.Sum256(body))})
}

// TestPromoteRace has many processes promote an image each to one channel, all
// at once. The newest image must be what the channel points to in the end, and
// nobody may say that it moved the channel when a newer image's claim was there
// before its own.
func TestPromoteRace(t *testing.T) {
	if testing.Short() {
		t.Skip("64 processes take half a minute")
	}
	for name, referrers := range map[string]bool{"referrers API": true, "fallback tag": false} {
		t.Run(name, func(t *testing.T) { race(t, referrers) })
	}
}

func race(t *testing.T, referrers bool) {
	w := &witness{inner: registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0)))}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	project := newFolder(t)
	project.write("ai-ship.yaml", `image: ghcr.io/acme/digits
base: scratch
app: [src]
sign: {key: cosign.key}
verify: {require: []}
channels: {production: {}}
`)
	images := project.signed(t, host)

	start := make(chan struct{})
	var group sync.WaitGroup
	won := make([]bool, racers)
	said := make([]string, racers)
	for i, image := range images {
		cmd := project.command("promote", "--registry", host, "--to", "production", "--timeout", "3m", image.Name())
		group.Go(func() {
			<-start
			out, err := cmd.CombinedOutput()
			won[i], said[i] = err == nil, string(out)
		})
	}
	close(start)
	group.Wait()

	newest := images[racers-1].DigestStr()
	if got := w.last("production"); got != newest {
		t.Errorf("production points to %s, want the newest, %s", got, newest)
	}
	winners := 0
	for i, image := range images {
		claim := w.claim(image.DigestStr())
		switch {
		case won[i]:
			winners++
			for _, newer := range images[i+1:] {
				if at := w.claim(newer.DigestStr()); at >= 0 && at < claim {
					t.Errorf("image %d says that it won, and a newer one was claimed before it\n%s", i, said[i])
				}
			}
			if !slices.Contains(w.puts, put{"production", image.DigestStr()}) {
				t.Errorf("image %d says that it won, and production was never put on it\n%s", i, said[i])
			}
		case !strings.Contains(said[i], "overtaken by a newer image") && !strings.Contains(said[i], "older than what the channel has"):
			t.Errorf("image %d lost and says something else\n%s", i, said[i])
		}
	}
	if !won[racers-1] {
		t.Errorf("the newest says that it lost\n%s", said[racers-1])
	}
	t.Logf("%d of %d say that they moved the channel, in %d puts of it", winners, racers, w.count("production"))
	project.must("history", "--registry", host, "production") // intact
}

// signed pushes and signs an image for each racer, the oldest first.
func (f folder) signed(t *testing.T, host string) []name.Digest {
	t.Helper()
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	key := &sigstore.Key{Ref: "cosign.key", Folder: root, Password: sigstore.NewSecret("secret")}
	signer, err := sigstore.NewSigner(t.Context(), sigstore.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository(host + "/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	var images []name.Digest
	for i := range racers {
		image, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		created := time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC).Format(time.RFC3339)
		image = mutate.Annotations(image, map[string]string{"org.opencontainers.image.created": created}).(v1.Image)
		hash, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digest := repo.Digest(hash.String())
		if err := remote.Write(digest, image); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Sign(t.Context(), digest, nil); err != nil {
			t.Fatal(err)
		}
		images = append(images, digest)
	}
	return images
}

// last is what a tag was put on last.
func (w *witness) last(tag string) string {
	for _, p := range slices.Backward(w.puts) {
		if p.tag == tag {
			return p.digest
		}
	}
	return ""
}

// claim is the place of an image's claim in the order, -1 when it made none.
func (w *witness) claim(digest string) int {
	return slices.IndexFunc(w.puts, func(p put) bool { return strings.HasPrefix(p.tag, "production.") && p.digest == digest })
}

func (w *witness) count(tag string) (n int) {
	for _, p := range w.puts {
		if p.tag == tag {
			n++
		}
	}
	return n
}
