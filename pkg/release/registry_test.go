package release_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/release"
)

func TestExisting(t *testing.T) {
	s := newServer(t)
	got, err := release.Registry{}.Existing(t.Context(), s.repo)
	if err != nil || len(got) > 0 {
		t.Errorf("a repository that is not there has %q, %v, want no tags and no error", got, err)
	}
	s.image("1.0.0", "latest")
	got, err = release.Registry{}.Existing(t.Context(), s.repo)
	s.must(err)
	if diff := cmp.Diff([]string{"1.0.0", "latest"}, got); diff != "" {
		t.Error(diff)
	}
}

// lists serves tag lists page by page, without end when pages is 0.
func lists(pages, perPage int) http.Handler {
	page := 0
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/v2/" {
			return
		}
		page++
		if page != pages {
			w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, req.URL.Path, page))
		}
		tags := strings.TrimSuffix(strings.Repeat(`"t",`, perPage), ",")
		fmt.Fprintf(w, `{"name":"acme/digits","tags":[%s]}`, tags)
	})
}

func TestExistingIsBounded(t *testing.T) {
	for _, tc := range []struct {
		name           string
		pages, perPage int
		want           int // tags; 0 for the error
	}{
		{"all pages", 3, 1000, 3000},
		{"as many as allowed", 100, 1000, 100_000},
		{"too many", 0, 1000, 0},
		{"pages without end and without tags", 0, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, lists(tc.pages, tc.perPage))
			got, err := release.Registry{}.Existing(t.Context(), s.repo)
			if tc.want == 0 {
				if err == nil || !strings.Contains(err.Error(), "found more than 100000 tags or 10000 pages") || got != nil {
					t.Errorf("got %d tags, %v, want the bound's error", len(got), err)
				}
				return
			}
			if err != nil || len(got) != tc.want {
				t.Errorf("got %d tags, %v, want %d", len(got), err, tc.want)
			}
		})
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		io.WriteString(w, `{"name":"`)
		for range 17 << 10 {
			io.WriteString(w, strings.Repeat("x", 1<<10))
		}
	}))
	want := "found more than 16777216 bytes"
	if _, err := (release.Registry{}).Existing(t.Context(), s.repo); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Existing: error is %v, want one with %q", err, want)
	}
	if _, err := (release.Registry{}).Current(t.Context(), s.repo, "1"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Current: error is %v, want one with %q", err, want)
	}
}

// A failure on a later page must not pass for a short list.
func TestExistingFailsOnALaterPage(t *testing.T) {
	inner, asked := lists(3, 10), 0
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/tags/list") {
			if asked++; asked == 2 {
				http.Error(w, "gone", http.StatusNotFound)
				return
			}
		}
		inner.ServeHTTP(w, req)
	}))
	got, err := release.Registry{}.Existing(t.Context(), s.repo)
	if err == nil || !strings.Contains(err.Error(), "listing tags of") || got != nil {
		t.Errorf("got %q, %v, want an error", got, err)
	}
}

func TestRefusedAccessSaysLogIn(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Path != "/v2/" {
				w.WriteHeader(status)
			}
		}))
		want := fmt.Sprintf("log in to %s with an account that may read and write acme/digits", s.repo.RegistryStr())
		_, listing := release.Registry{}.Existing(t.Context(), s.repo)
		_, reading := release.Registry{}.Current(t.Context(), s.repo, "1")
		for _, err := range []error{listing, reading} {
			if got := hint.Of(err); len(got) != 1 || got[0] != want {
				t.Errorf("%d: %v has hints %q, want %q", status, err, got, want)
			}
		}
	}
}

type keys struct{}

func (keys) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "robot", Password: "secret"}, nil
}

func TestKeychainIsUsed(t *testing.T) {
	inner := lists(1, 1)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("robot:secret")) {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, req)
	}))
	got, err := release.Registry{Keychain: keys{}}.Existing(t.Context(), s.repo)
	if err != nil || len(got) != 1 {
		t.Errorf("got %q, %v, want one tag", got, err)
	}
}

func sizeOf(t *testing.T, image v1.Image) int64 {
	t.Helper()
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size
}

func TestCurrentOfAnImage(t *testing.T) {
	s := newServer(t)
	if got, err := (release.Registry{}).Current(t.Context(), s.repo, "staging"); got != nil || err != nil {
		t.Errorf("Current without repository = %v, %v, want nil", got, err)
	}
	image := s.image("staging")
	if got, err := (release.Registry{}).Current(t.Context(), s.repo, "other"); got != nil || err != nil {
		t.Errorf("Current without tag = %v, %v, want nil", got, err)
	}
	if _, err := (release.Registry{}).Current(t.Context(), s.repo, "a/b"); err == nil || !strings.Contains(err.Error(), "no valid tag") {
		t.Errorf("error is %v, want one about the tag", err)
	}
	got, err := release.Registry{}.Current(t.Context(), s.repo, "staging")
	s.must(err)
	manifest, err := image.Manifest()
	s.must(err)
	digest, err := image.Digest()
	s.must(err)
	want := &release.Current{Digest: digest, MediaType: types.DockerManifestSchema2, Compressed: sizeOf(t, image), Manifests: []v1.Manifest{*manifest}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCurrentOfAnIndex(t *testing.T) {
	s := newServer(t)
	small := s.image()
	layer := static.NewLayer([]byte(strings.Repeat("x", 4096)), types.OCILayer)
	large, err := mutate.AppendLayers(small, layer)
	s.must(err)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: large},
		mutate.IndexAddendum{Add: s.index(1)},
		mutate.IndexAddendum{Add: small})
	s.must(remote.WriteIndex(s.repo.Tag("staging"), index))
	got, err := release.Registry{}.Current(t.Context(), s.repo, "staging")
	s.must(err)
	if got.Digest.String() != s.digest(index) || got.MediaType != types.OCIImageIndex {
		t.Errorf("got %s %s", got.MediaType, got.Digest)
	}
	first, err := large.Manifest()
	s.must(err)
	second, err := small.Manifest()
	s.must(err)
	if diff := cmp.Diff([]v1.Manifest{*first, *second}, got.Manifests); diff != "" {
		t.Error(diff)
	}
	if want := sizeOf(t, large); got.Compressed != want {
		t.Errorf("compressed size is %d, want that of the largest image, %d", got.Compressed, want)
	}

	s.must(remote.Delete(s.repo.Digest(s.digest(small))))
	broken, err := release.Registry{}.Current(t.Context(), s.repo, "staging")
	if broken != nil || err == nil || !strings.Contains(err.Error(), s.digest(small)+": the index lists it") {
		t.Errorf("got %v, %v, want an error that names the lost image", broken, err)
	}
	if got := hint.Of(err); len(got) != 1 || got[0] != "delete the tag or move it to a complete image" {
		t.Errorf("hints are %q", got)
	}
}

// raw is a manifest as a hostile registry may serve it.
type raw struct {
	content string
	media   types.MediaType
}

func (r raw) RawManifest() ([]byte, error)        { return []byte(r.content), nil }
func (r raw) MediaType() (types.MediaType, error) { return r.media, nil }

func TestCurrentRefuses(t *testing.T) {
	s := newServer(t)
	config := func(size int64) string {
		return fmt.Sprintf(`"config":{"mediaType":"x","digest":"sha256:%064d","size":%d}`, 0, size)
	}
	layers := func(sizes ...int64) string {
		var list []string
		for _, size := range sizes {
			list = append(list, fmt.Sprintf(`{"mediaType":"x","digest":"sha256:%064d","size":%d}`, 1, size))
		}
		return `"layers":[` + strings.Join(list, ",") + `]`
	}
	for _, tc := range []struct {
		name    string
		content raw
		want    string
	}{
		{"neither image nor index", raw{`{"schemaVersion":2}`, "application/vnd.example.strange"}, `found media type "application/vnd.example.strange"`},
		{"manifest of the wrong shape", raw{`{"layers":{}}`, types.OCIManifestSchema1}, "parsing manifest sha256:"},
		{"negative config", raw{`{` + config(-1) + `}`, types.OCIManifestSchema1}, "found impossible sizes"},
		{"negative layer", raw{`{` + config(1) + `,` + layers(-1) + `}`, types.OCIManifestSchema1}, "found impossible sizes"},
		{"sum too large", raw{`{` + config(1) + `,` + layers(1<<62, 1<<62) + `}`, types.OCIManifestSchema1}, "found impossible sizes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.must(remote.Put(s.repo.Tag("x"), tc.content))
			got, err := release.Registry{}.Current(t.Context(), s.repo, "x")
			if got != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, %v, want an error with %q", got, err, tc.want)
			}
		})
	}
}

func TestCurrentOfAnIndexOfTheWrongShape(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/v2/" {
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			io.WriteString(w, `{"manifests":{}}`)
		}
	}))
	got, err := release.Registry{}.Current(t.Context(), s.repo, "x")
	if got != nil || err == nil || !strings.Contains(err.Error(), "parsing index sha256:") {
		t.Errorf("got %v, %v, want an error about the index", got, err)
	}
}

func TestNetworkDown(t *testing.T) {
	s := newServer(t)
	r := release.Registry{Transport: broken{}}
	if _, err := r.Existing(t.Context(), s.repo); !errors.Is(err, errDown) {
		t.Errorf("Existing: error is %v, want %v", err, errDown)
	}
	if _, err := r.Current(t.Context(), s.repo, "x"); !errors.Is(err, errDown) {
		t.Errorf("Current: error is %v, want %v", err, errDown)
	}
}
