package vulndb

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	embedded "github.com/org/ai-ship/pkg/registry"
)

func TestPull(t *testing.T) {
	s, into := serve(t), root(t)
	ref := s.publish(t, "2", build(t, time.Hour))
	got, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	desc, err := remote.Head(ref)
	if err != nil {
		t.Fatal(err)
	}
	want := DB{
		Dir: got.Dir, Ref: ref.Name(), Digest: desc.Digest.String(), UpdatedAt: now().Add(-time.Hour),
		Fixture: true, Ecosystems: []Ecosystem{{"pip", 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("database (-want +got):\n%s", diff)
	}
	if filepath.Dir(got.Dir) != into.Name() || got.Advisories("pip") != 1 || got.Advisories("debian 12") != 0 {
		t.Errorf("database is %+v", got)
	}
	if db := got.Database(); db.Digest != got.Digest || !db.Fixture || db.Ref != ref.Name() || !db.UpdatedAt.Equal(got.UpdatedAt) {
		t.Errorf("for the report it is %+v", db)
	}
	names := slices.Sorted(maps.Keys(snapshot(t, got.Dir)))
	if !slices.Equal(names, []string{"/metadata.json", "/trivy.db"}) {
		t.Errorf("the folder holds %q", names)
	}

	asked := s.requests()
	again, err := Pull(t.Context(), refs(ref), into, options())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" || s.requests() != asked {
		t.Errorf("the second took %d requests, and is (-first +second):\n%s", s.requests()-asked, diff)
	}
}

func TestPullFromTheEmbeddedRegistry(t *testing.T) {
	server, err := embedded.Serve(t.Context(), t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(context.WithoutCancel(t.Context())) })
	archive, err := Build(os.DirFS("../../../testdata/vulndb"), now())
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(server.Addr() + "/demo/trivy-db:2")
	if err != nil {
		t.Fatal(err)
	}
	digest, err := Publish(t.Context(), tag, archive, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs(tag, digest) {
		db, err := Pull(t.Context(), refs(ref), root(t), options())
		if err != nil {
			t.Fatal(err)
		}
		if !db.Fixture || db.Digest != digest.DigestStr() || db.Advisories("debian 12") < 10 || db.Advisories("go") < 10 || db.Advisories("pip") < 30 {
			t.Errorf("from %s: %+v", ref, db)
		}
	}
}

// layered is an artifact with any layers.
func layered(t *testing.T, layers ...mutate.Addendum) v1.Image {
	t.Helper()
	image, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestPullRefusesWhatIsNoDatabase(t *testing.T) {
	s := serve(t)
	archive := build(t, time.Hour)
	db := members(t, archive)["trivy.db"]
	layer := func(mediaType, title string, data []byte) mutate.Addendum {
		return mutate.Addendum{
			Layer:       static.NewLayer(data, types.MediaType(mediaType)),
			Annotations: map[string]string{titleKey: title},
		}
	}
	spec := Advisories.spec()
	right := layer(spec.mediaType, spec.title, archive)
	index := s.ref(t, "index")
	if err := remote.WriteIndex(index, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: layered(t, right)})); err != nil {
		t.Fatal(err)
	}
	huge := layered(t, right)
	for _, tc := range []struct {
		name  string
		ref   name.Reference
		error string
	}{
		{"media type", s.push(t, "type", layered(t, layer("application/x", spec.title, archive))), `media type "application/x"`},
		{"no title", s.push(t, "title", layered(t, layer(spec.mediaType, "", archive))), `has the title "", expected "db.tar.gz"`},
		{"title leads away", s.push(t, "away", layered(t, layer(spec.mediaType, "../db.tar.gz", archive))), `has the title "../db.tar.gz"`},
		{"two layers", s.push(t, "two", layered(t, right, layer(spec.mediaType, spec.title, append(archive, 0)))), "has 2 layers, expected 1"},
		{"no layer", s.push(t, "none", layered(t)), "has 0 layers"},
		{"an index", index, "expected an image manifest"},
		{"not compressed", s.publish(t, "plain", []byte("hello")), "reading archive: "},
		{"cut off", s.publish(t, "cut", archive[:len(archive)/2]), "unexpected EOF"},
		{"schema", s.publish(t, "schema", repack(t, archive, metadataFile, about(t, 1, now()))), "found schema 1, expected 2"},
		{"no date", s.publish(t, "date", repack(t, archive, metadataFile, []byte(`{"Version":2}`))), "found no UpdatedAt"},
		{"future", s.publish(t, "future", repack(t, archive, metadataFile, about(t, 2, now().Add(2*time.Hour)))), "which is after this machine's time"},
		{"no metadata", s.publish(t, "meta", repack(t, archive, metadataFile, nil)), "has no metadata.json"},
		{"no database", s.publish(t, "nodb", repack(t, archive, "trivy.db", nil)), "has no trivy.db"},
		{"empty database", s.publish(t, "empty", repack(t, archive, "trivy.db", []byte{})), "too short"},
		{"database cut off", s.publish(t, "short", repack(t, archive, "trivy.db", db[:len(db)/2])), "is cut off"},
		{"garbage", s.publish(t, "garbage", repack(t, archive, "trivy.db", []byte(strings.Repeat("garbage ", 4096)))), "is no database"},
		{"digest of another", s.ref(t, "2").Context().Digest("sha256:" + strings.Repeat("0", 64)), "UNKNOWN"},
		{"old", s.publish(t, "old", build(t, 49*time.Hour)), "2026-11-19T11:00:00Z, 49h ago, at most 48h is allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			into := root(t)
			_, err := Pull(t.Context(), refs(tc.ref), into, options())
			wantError(t, err, tc.error)
			wantError(t, err, "pulling the vulnerability database: "+tc.ref.Name())
			wantHint(t, err, "scan.")
			if files := snapshot(t, into.Name()); len(files) > 0 || len(folders(t, into)) > 0 {
				t.Errorf("it left %q", slices.Collect(maps.Keys(files)))
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		p := newPuller(root(t), options())
		p.limits.compressed = 100
		_, err := p.pull(t.Context(), refs(s.push(t, "huge", huge)))
		wantError(t, err, "at most 100 are allowed")
	})
}

func TestPullFallsBackForEveryFailure(t *testing.T) {
	bad, good := serve(t), serve(t)
	archive := build(t, time.Hour)
	first, second := bad.publish(t, "2", archive), good.publish(t, "2", archive)
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.WriteHeader(code)
			return true
		}
	}
	hang := func(part string) func(http.ResponseWriter, *http.Request) bool {
		return func(_ http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, part) {
				return false
			}
			<-r.Context().Done()
			return true
		}
	}
	for _, tc := range []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request) bool
		error string
	}{
		{"404", status(404), "404"},
		{"401", status(401), "401"},
		{"403", status(403), "403"},
		{"429", status(429), "429"},
		{"500", status(500), "500"},
		{"503", status(503), "503"},
		{"hanging ping", hang("/v2/"), "sent nothing for 600ms"},
		{"hanging manifest", hang("/manifests/"), "sent nothing for 600ms"},
		{"hanging blob", hang("/blobs/"), "sent nothing for 600ms"},
		{"half a blob, then nothing", halfBlob(archive, true), "sent nothing for 600ms"},
		{"half a blob", halfBlob(archive, false), "does not match expected size"},
		{"another blob", func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			other := build(t, 2*time.Hour)
			w.Write(append(other, make([]byte, max(0, len(archive)-len(other)))...)[:len(archive)])
			return true
		}, "sha256"},
		{"endless answer", func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					break
				}
			}
			return true
		}, "is larger than allowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad.fail(tc.fault)
			defer bad.fail(nil)
			o := options()
			o.Stall = 600 * time.Millisecond
			db, err := Pull(t.Context(), refs(first, second), root(t), o)
			if err != nil || db.Ref != second.Name() {
				t.Fatalf("Pull = %+v, %v; want the one of %s", db, err, second)
			}
			into := root(t)
			_, err = Pull(t.Context(), refs(first, first), into, o)
			wantError(t, err, tc.error)
			var failed *PullError
			if !errors.As(err, &failed) || len(failed.Failures) != 2 || strings.Count(err.Error(), first.Name()) < 2 {
				t.Errorf("error is %v, want two sources with their reasons", err)
			}
			if left := folders(t, into); len(left) > 0 {
				t.Errorf("it left %q", left)
			}
		})
	}
	t.Run("connection refused", func(t *testing.T) {
		gone := httptest.NewServer(http.NotFoundHandler())
		gone.Close()
		dead, err := name.ParseReference(strings.TrimPrefix(gone.URL, "http://") + "/sec/trivy-db:2")
		if err != nil {
			t.Fatal(err)
		}
		db, err := Pull(t.Context(), refs(dead, second), root(t), options())
		if err != nil || db.Ref != second.Name() {
			t.Fatalf("Pull = %+v, %v", db, err)
		}
		_, err = Pull(t.Context(), refs(dead), root(t), options())
		wantError(t, err, "connection refused")
	})
	t.Run("old, then fresh", func(t *testing.T) {
		old := bad.publish(t, "old", build(t, 60*time.Hour))
		db, err := Pull(t.Context(), refs(old, second), root(t), options())
		if err != nil || db.Ref != second.Name() {
			t.Fatalf("Pull = %+v, %v", db, err)
		}
	})
	t.Run("slow as a whole", func(t *testing.T) {
		bad.fail(hang("/blobs/"))
		defer bad.fail(nil)
		o := options()
		o.Timeout = 200 * time.Millisecond
		_, err := Pull(t.Context(), refs(first), root(t), o)
		wantError(t, err, "was not done after 200ms")
	})
}

// halfBlob sends half of a blob, and then nothing or the end.
func halfBlob(archive []byte, hang bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		w.Write(archive[:len(archive)/2])
		if hang {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
		return true
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	s := serve(t)
	ref := s.publish(t, "2", build(t, time.Hour))
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("the user stopped it")
	s.fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		cancel(stop)
		<-r.Context().Done()
		return true
	})
	into, begun := root(t), time.Now()
	_, err := Pull(ctx, refs(ref, ref), into, options())
	if !errors.Is(err, stop) || len(folders(t, into)) > 0 {
		t.Errorf("error is %v, want %v; left %q", err, stop, folders(t, into))
	}
	if took := time.Since(begun); took >= options().Stall {
		t.Errorf("it took %s, as if it had waited for the source to be given up", took)
	}
	if _, err := Pull(t.Context(), nil, into, options()); err == nil || err.Error() != "pulling the vulnerability database: no source was named" {
		t.Errorf("error is %v", err)
	}
}
