package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// names lists a folder, hidden files too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// sound opens a layout of which every blob has its digest.
func sound(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	top, err := ocilayout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(top, validate.Fast); err != nil {
		t.Error(err)
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	for _, blob := range names(t, blobs) {
		raw, err := os.ReadFile(filepath.Join(blobs, blob))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != blob {
			t.Errorf("blob %s has the digest %s", blob, got)
		}
	}
	return top
}

func TestWriteLayout(t *testing.T) {
	shared := newView(1, 3*mib)
	for name, a := range map[string]Artifact{
		"image": image(t, newView(2, mib), newView(3, 1000).known(t)),
		"index": index(image(t, shared, newView(4, 1000).known(t)), image(t, shared, newView(5, 2000))),
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "out")
			for range 2 { // the second time replaces
				if err := WriteLayout(t.Context(), dir, a, "v1.2.3"); err != nil {
					t.Fatal(err)
				}
			}
			if got := names(t, parent); !slices.Equal(got, []string{"out"}) {
				t.Errorf("beside the layout: %q", got)
			}
			top := sound(t, dir)
			m, err := top.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Manifests) != 1 || m.Manifests[0].Digest != digestOf(t, a) || m.Manifests[0].Annotations[refName] != "v1.2.3" {
				t.Errorf("index.json lists %+v", m.Manifests)
			}
		})
	}
	if shared.readers() != 2 { // once for each of the two rounds
		t.Errorf("the shared layer was read %d times in two rounds", shared.readers())
	}
}

func TestWriteLayoutRefusesAFolderOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := WriteLayout(t.Context(), dir, image(t, newView(1, 10).known(t)), "")
	if err == nil || !strings.Contains(err.Error(), "the folder is not empty and has no oci-layout file") {
		t.Fatalf("error = %v", err)
	}
	wantHint(t, err, "name another folder, or remove this one")
	if got := names(t, dir); !slices.Equal(got, []string{"thesis.tex"}) {
		t.Errorf("the folder holds %q", got)
	}
	file := filepath.Join(dir, "thesis.tex")
	if err := WriteLayout(t.Context(), file, image(t), ""); err == nil {
		t.Error("a file was taken for a folder")
	}
}

// TestSinksLeaveWhatWasThere fails in the middle of every sink that writes files.
func TestSinksLeaveWhatWasThere(t *testing.T) {
	broken := errors.New("disk on fire")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tag := name.MustParseReference("acme/digits:v1").(name.Tag)
	for name, c := range map[string]struct {
		ctx  context.Context
		img  func() v1.Image
		want error
	}{
		"unreadable": {t.Context(), func() v1.Image { return image(t, failing(newView(1, mib), broken)) }, broken},
		"cancelled":  {gone, func() v1.Image { return image(t, newView(1, mib).known(t)) }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir, file := filepath.Join(parent, "layout"), filepath.Join(parent, "image.tar")
			good := image(t, newView(9, 1000).known(t))
			if err := WriteLayout(t.Context(), dir, good, ""); err != nil {
				t.Fatal(err)
			}
			if err := WriteTarball(t.Context(), file, tag, good); err != nil {
				t.Fatal(err)
			}
			if err := WriteLayout(c.ctx, dir, c.img(), ""); !errors.Is(err, c.want) {
				t.Errorf("layout: error = %v, want %v", err, c.want)
			}
			if name == "cancelled" { // an unknown digest is an error of its own here
				if err := WriteTarball(c.ctx, file, tag, c.img()); !errors.Is(err, c.want) {
					t.Errorf("tarball: error = %v, want %v", err, c.want)
				}
			} else if err := WriteTarball(c.ctx, file, tag, c.img()); err == nil {
				t.Error("tarball: no error")
			}
			if got := names(t, parent); !slices.Equal(got, []string{"image.tar", "layout"}) {
				t.Errorf("left: %q", got)
			}
			sound(t, dir)
			if _, err := tarball.ImageFromPath(file, &tag); err != nil {
				t.Errorf("the tarball that was there: %v", err)
			}
		})
	}
}

func TestWriteLayoutChecksDigestsAndSizes(t *testing.T) {
	for want, l := range map[string]v1.Layer{
		"its digest is sha256:":             liar{newView(1, 1000)},
		"it has 1000 bytes, expected 999":   resized{newView(2, 1000).known(t), 999},
		"reading layers: digest of nothing": badDigest{newView(3, 10).known(t)},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		if err := WriteLayout(t.Context(), dir, image(t, l), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a layout was written", want)
		}
	}
}

type badDigest struct{ *testView }

func (badDigest) Digest() (v1.Hash, error) { return v1.Hash{}, errors.New("digest of nothing") }

func TestWriteTarball(t *testing.T) {
	file := filepath.Join(t.TempDir(), "image.tar")
	tag := name.MustParseReference("acme/digits:v1").(name.Tag)
	img, err := random.Image(100_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteTarball(t.Context(), file, tag, img); err != nil {
		t.Fatal(err)
	}
	back, err := tarball.ImageFromPath(file, &tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(back); err != nil {
		t.Error(err)
	}
	got, err := back.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if want, err := img.ConfigName(); err != nil || got != want {
		t.Errorf("config = %v, want %v, %v", got, want, err)
	}
	if err := WriteTarball(t.Context(), filepath.Join(t.TempDir(), "absent", "x.tar"), tag, img); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want that the folder does not exist", err)
	}
}

// engine is as much of a Docker daemon as loading an image takes.
func engine(t *testing.T, load http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
			w.Header().Set("Api-Version", "1.44")
		case strings.HasSuffix(r.URL.Path, "/images/load"):
			load(w, r)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no such image"}`)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("DOCKER_TLS_VERIFY", "")
}

func TestLoad(t *testing.T) {
	tag := name.MustParseReference("acme/digits:v1").(name.Tag)
	img := image(t, newView(1, 100_000).known(t))
	for name, c := range map[string]struct {
		status       int
		answer, want string
	}{
		"loaded":     {200, `{"stream":"Loaded image: acme/digits:v1"}` + "\n", ""},
		"plain text": {200, "Loaded image", ""},
		"refused":    {200, `{"stream":"x"}{"error":"no space\nleft on device","errorDetail":{}}`, `loading "acme/digits:v1" into Docker: no space left on device`},
		"broken":     {500, `{"message":"boom"}`, "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			var received string
			engine(t, func(w http.ResponseWriter, r *http.Request) {
				file := filepath.Join(t.TempDir(), "in.tar")
				out, err := os.Create(file)
				if err != nil {
					t.Error(err)
				}
				_, _ = out.ReadFrom(r.Body)
				_ = out.Close()
				if in, err := tarball.ImageFromPath(file, &tag); err == nil {
					h, _ := in.ConfigName()
					received = h.String()
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.answer)
			})
			err := Load(t.Context(), tag, img)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
			if want, _ := img.ConfigName(); received != want.String() {
				t.Errorf("the daemon received %q, want %v", received, want)
			}
		})
	}
}

func TestLoadWithoutADaemon(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	tag := name.MustParseReference("acme/digits:v1").(name.Tag)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := Load(ctx, tag, image(t, newView(1, 10).known(t)))
	if err == nil {
		t.Fatal("no error")
	}
	wantHint(t, err, "is the Docker daemon running? docker info tells")
	cancel()
	if err := Load(ctx, tag, image(t, newView(1, 10).known(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context canceled", err)
	}
}
