package publish

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/internal/faultproxy"
)

// everyRegistry runs a test against each kind of registry.
func everyRegistry(t *testing.T, test func(t *testing.T, registry http.Handler)) {
	t.Helper()
	for kind, open := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func TestPushWritesEverythingOnceInOrder(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		s := newStand(t, registry)
		shared, big, small := newView(1, 300<<10), newView(2, 200<<10).known(t), newView(3, 10<<10).known(t)
		a := index(image(t, shared, big), image(t, shared, small))
		result, err := quick().Push(t.Context(), s.repo, a)
		if err != nil {
			t.Fatal(err)
		}
		if want := s.repo.Digest(digestOf(t, a).String()); result.Digest != want {
			t.Errorf("digest = %v, want %v", result.Digest, want)
		}
		if n := pull(t, s.upstream, digestOf(t, a)); n != 6 {
			t.Errorf("blobs = %d, want 6 (2 configs, 2 layers each)", n)
		}
		noTags(t, s.upstream)
		got := requests(s.proxy)
		for what, want := range map[string]int{
			"POST upload": 5, "PATCH upload": 2, "PUT upload": 5, "HEAD blob": 4, "PUT manifest": 3, "HEAD manifest": 6,
		} {
			if n := count(got, what); n != want {
				t.Errorf("%s: %d times, want %d", what, n, want)
			}
		}
		if tail := got[len(got)-4:]; !slices.Equal(tail, []string{"PUT manifest", "HEAD manifest", "HEAD manifest", "HEAD manifest"}) {
			t.Errorf("the push ends with %q", tail)
		}
		if shared.readers() != 1 {
			t.Errorf("the shared layer was opened %d times, want once", shared.readers())
		}
		if want := int64(510<<10) + 0; result.Transfer.Read < want || result.Transfer.Skipped != 0 {
			t.Errorf("transfer = %+v, want at least %d read", result.Transfer, want)
		}
		for digest, origin := range result.Origins {
			if origin != Uploaded {
				t.Errorf("origin of %s = %q, want uploaded", digest, origin)
			}
		}
		if len(result.Origins) != 5 {
			t.Errorf("origins = %d, want 5", len(result.Origins))
		}
	})
}

func TestPushAgainSkips(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		s := newStand(t, registry)
		img := image(t, newView(1, 100<<10).known(t), newView(2, 10<<10).known(t))
		for range 2 {
			if _, err := quick().Push(t.Context(), s.repo, img); err != nil {
				t.Fatal(err)
			}
		}
		result, err := quick().Push(t.Context(), s.repo, img)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.RawConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		want := Transfer{Skipped: 110<<10 + int64(len(config))}
		if diff := cmp.Diff(want, result.Transfer); diff != "" {
			t.Errorf("transfer (-want +got):\n%s", diff)
		}
		for digest, origin := range result.Origins {
			if origin != Skipped {
				t.Errorf("origin of %s = %q, want skipped", digest, origin)
			}
		}
	})
}

func TestPushMountsTheBase(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		s := newStand(t, registry)
		base, err := random.Image(100<<10, 2)
		if err != nil {
			t.Fatal(err)
		}
		library := s.repo.Repo("library", "python")
		if _, err := quick().Push(t.Context(), library, base); err != nil {
			t.Fatal(err)
		}
		pulled, err := remote.Image(library.Digest(digestOf(t, base).String()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := pulled.Layers()
		if err != nil {
			t.Fatal(err)
		}
		img := image(t, append(layers, newView(1, 90<<10))...)
		result, err := quick().Push(t.Context(), s.repo, img)
		if err != nil {
			t.Fatal(err)
		}
		pull(t, s.upstream, digestOf(t, img))
		mounted := 0
		for _, origin := range result.Origins {
			if origin == Mounted {
				mounted++
			}
		}
		asked := count(requests(s.proxy), "POST mount")
		switch {
		case asked == 2 && mounted == 2 && result.Transfer.Downloaded == 0: // the registry mounts
		case asked == 0 && result.Transfer.Skipped > 200<<10: // it has one store for all repositories
		case asked == 2 && mounted == 0 && result.Transfer.Downloaded > 200<<10: // it does not mount
		default:
			t.Errorf("asked for %d mounts, got %d; transfer = %+v", asked, mounted, result.Transfer)
		}
	})
}

func TestPushGoesOnWithTheUploadOfARefusedMount(t *testing.T) {
	for name, action := range map[string]faultproxy.Action{
		"answers 202":           faultproxy.Change(func(*http.Response) error { return nil }),
		"refuses":               faultproxy.Answer(http.StatusForbidden, ""),
		"answers without sense": faultproxy.Answer(http.StatusAccepted, ""),
		"always fails":          faultproxy.Answer(http.StatusInternalServerError, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, newOlareg(t), faultproxy.Rule{Method: "POST", Path: uri("mount="), Do: action})
			ref := s.repo.Registry.Repo("library", "absent").Tag("x") // has nothing to mount
			l, err := random.Layer(200<<10, types.OCILayer)
			if err != nil {
				t.Fatal(err)
			}
			img := image(t, &remote.MountableLayer{Layer: l, Reference: ref})
			result, err := quick().Push(t.Context(), s.repo, img)
			if err != nil {
				t.Fatal(err)
			}
			pull(t, s.upstream, digestOf(t, img))
			if result.Transfer.Mounted != 0 || result.Transfer.Downloaded < 200<<10 {
				t.Errorf("transfer = %+v", result.Transfer)
			}
		})
	}
}

func TestPushStreamsABaseOfAnotherRegistry(t *testing.T) {
	t.Parallel()
	other, s := newStand(t, newOlareg(t)), newStand(t, newOlareg(t))
	base, err := random.Image(300<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quick().Push(t.Context(), other.repo, base); err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(other.repo.Digest(digestOf(t, base).String()))
	if err != nil {
		t.Fatal(err)
	}
	result, err := quick().Push(t.Context(), s.repo, pulled)
	if err != nil {
		t.Fatal(err)
	}
	pull(t, s.upstream, digestOf(t, base))
	if result.Transfer.Downloaded < 300<<10 || result.Transfer.Mounted != 0 {
		t.Errorf("transfer = %+v", result.Transfer)
	}
	if n := count(requests(s.proxy), "POST mount"); n != 0 {
		t.Errorf("%d mounts were tried across registries", n)
	}
}

type foreignLayer struct{ *testView }

func (foreignLayer) MediaType() (types.MediaType, error) { return types.DockerForeignLayer, nil }

func TestPushLeavesForeignLayersOut(t *testing.T) {
	t.Parallel()
	s := newStand(t, kinds()["ggcr"](t)) // the other one wants every blob
	img := image(t, newView(1, 20<<10).known(t), foreignLayer{newView(2, 20<<10).known(t)})
	result, err := quick().Push(t.Context(), s.repo, img)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Origins) != 2 { // a layer and the config
		t.Errorf("origins = %v", result.Origins)
	}
	pull(t, s.upstream, digestOf(t, img))
}

func TestPushReportsProgress(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t))
	view := newView(1, 3<<20)
	view.name = "models/digits.safetensors"
	var mu sync.Mutex
	var events []Event
	r := quick()
	r.Progress = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	if _, err := r.Push(t.Context(), s.repo, image(t, view)); err != nil {
		t.Fatal(err)
	}
	var last int64 = -1
	finished := 0
	for _, e := range events {
		if e.Name != view.name {
			continue
		}
		if e.Done < last || e.Total != 3<<20 {
			t.Errorf("event %+v after %d bytes", e, last)
		}
		last = e.Done
		if e.Origin != "" {
			finished++
			if want := (Event{Digest: digestOf(t, image(t, view)).String()}); e.Digest == "" || e.Origin != Uploaded || e.Digest == want.Digest {
				t.Errorf("last event = %+v", e)
			}
		}
	}
	if finished != 1 || len(events) < 4 {
		t.Errorf("%d events, %d of them final", len(events), finished)
	}
}

type neither struct{ Artifact }

func TestPushRefusesWhatItCannotWrite(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t))
	deep := index(image(t, newView(1, 1<<10).known(t)))
	for range maxDepth {
		deep = mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: deep})
	}
	for name, c := range map[string]struct {
		artifact Artifact
		want     string
	}{
		"neither": {neither{image(t)}, "is neither an image nor an index"},
		"deep":    {deep, "at most 8 are allowed"},
	} {
		if _, err := quick().Push(t.Context(), s.repo, c.artifact); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q", name, err, c.want)
		}
	}
	if n := len(s.proxy.Log()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestPushStopsWithItsContext(t *testing.T) {
	everyRegistry(t, func(t *testing.T, registry http.Handler) {
		for method, what := range map[string]string{"GET": "/v2/$", "HEAD": "blobs", "POST": "uploads", "PATCH": "uploads", "PUT": "."} {
			ctx, cancel := context.WithCancel(t.Context())
			hold := faultproxy.Hold()
			s := newStand(t, registry, faultproxy.Rule{Method: method, Path: uri(what), Do: hold})
			timer := time.AfterFunc(150*time.Millisecond, cancel)
			defer timer.Stop()
			start := time.Now()
			_, err := quick().Push(ctx, s.repo, image(t, newView(1, 20<<20), newView(2, 1<<10).known(t)))
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s: ended after %v", method, took)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error = %v, want context canceled", method, err)
			}
			cancel()
		}
	})
}

func TestPushStopsWhileItWaitsToRetry(t *testing.T) {
	t.Parallel()
	s := newStand(t, newOlareg(t), faultproxy.Rule{Method: "POST", Do: faultproxy.Answer(429, "", "Retry-After", "50")})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := quick().Push(ctx, s.repo, image(t, newView(1, 1<<20)))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestPushDoesNotRetryABadName(t *testing.T) {
	t.Parallel()
	repo, err := name.NewRepository("registry.invalid/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r := Registry{Transport: &http.Transport{}} // no proxy
	_, err = r.Push(t.Context(), repo, image(t))
	if err == nil || !strings.Contains(err.Error(), `logging in to "registry.invalid"`) {
		t.Errorf("error = %v", err)
	}
	if strings.Contains(err.Error(), "no such host") && time.Since(start) > 5*time.Second {
		t.Errorf("took %v", time.Since(start))
	}
}

func TestPushExplainsPlainHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	r := quick()
	tr := newTransport(1)
	dial := tr.DialContext
	tr.DialContext = dialTo(dial, address)
	r.Transport = tr
	repo, err := name.NewRepository("registry.example/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Push(t.Context(), repo, image(t))
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("error = %v", err)
	}
}
