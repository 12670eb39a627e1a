package release_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
)

func TestApplyMovesTagsInOrder(t *testing.T) {
	s := newServer(t)
	s.image("1.2")
	old, err := remote.Head(s.repo.Tag("1.2"))
	s.must(err)
	for _, subject := range []interface{ Digest() (v1.Hash, error) }{s.image(), s.index(2)} {
		to := s.digest(subject)
		s.must(remote.Tag(s.repo.Tag("1.2"), s.manifest(old.Digest.String())))
		s.must(remote.Tag(s.repo.Tag("1"), s.manifest(to)))
		fresh := "v-" + to[7:14]
		net := &writes{}
		applied, err := release.Registry{Transport: net}.Apply(t.Context(), s.proof(subject), []string{fresh, "1.2", "1"})
		s.must(err)
		want := []release.Move{{Tag: fresh, To: to}, {Tag: "1.2", From: old.Digest.String(), To: to}, {Tag: "1", From: to, To: to}}
		if diff := cmp.Diff(want, applied.Moved); diff != "" {
			t.Error(diff)
		}
		for _, tag := range []string{fresh, "1.2", "1"} {
			s.points(tag, to)
		}
		if n := net.puts.Load(); n != 2 {
			t.Errorf("wrote %d manifests, want 2: a tag that is right is left alone", n)
		}
	}
}

func (s server) manifest(digest string) remote.Taggable {
	s.t.Helper()
	desc, err := remote.Get(s.repo.Digest(digest))
	s.must(err)
	return desc
}

func TestApplyKeepsBytesAndMediaType(t *testing.T) {
	s := newServer(t)
	image := mutate.MediaType(mutate.ConfigMediaType(s.image(), types.OCIConfigJSON), types.OCIManifestSchema1)
	s.must(remote.Write(s.repo.Digest(s.digest(image)), image))
	_, err := release.Registry{}.Apply(t.Context(), s.proof(image), []string{"1.0.0"})
	s.must(err)
	got, err := remote.Get(s.repo.Tag("1.0.0"))
	s.must(err)
	want, err := image.RawManifest()
	s.must(err)
	if got.MediaType != types.OCIManifestSchema1 || string(got.Manifest) != string(want) {
		t.Errorf("the tag has %s %s, want %s", got.MediaType, got.Manifest, want)
	}
}

func TestApplyRefusesBeforeWriting(t *testing.T) {
	s := newServer(t)
	image := s.image("1.0.0")
	missing := sign.Unsigned(s.repo.Digest("sha256:"+strings.Repeat("0", 64)), "")

	sparse := s.index(2)
	manifest, err := sparse.IndexManifest()
	s.must(err)
	s.must(remote.Delete(s.repo.Digest(manifest.Manifests[1].Digest.String())))

	nested := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: s.index(1)})
	s.must(remote.WriteIndex(s.repo.Tag("nested"), nested))

	artifact := strange{`{"schemaVersion":2}`}
	s.must(remote.Put(s.repo.Tag("strange"), artifact))
	wide := s.wide(129)

	for _, tc := range []struct {
		name  string
		proof sign.Proof
		tags  []string
		want  string
	}{
		{"zero proof", sign.Proof{}, []string{"1"}, release.ErrUnproven.Error()},
		{"bad tag", s.proof(image), []string{"1", "a/b"}, `moving tag "a/b": it is no valid tag`},
		{"tag twice", s.proof(image), []string{"1", "2", "1"}, `moving tag "1": it is listed twice`},
		{"no such digest", missing, []string{"1"}, "before tagging it"},
		{"index without one of its images", s.proof(sparse), []string{"1"}, "asking for image " + manifest.Manifests[1].Digest.String()},
		{"index in an index", s.proof(nested), []string{"1"}, "expected images only"},
		{"no image at all", s.proof(artifact), []string{"1"}, `found media type "application/vnd.example.strange"`},
		{"index of too many", wide, []string{"1"}, "found 129 manifests, expected at most 128"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			net := &writes{}
			applied, err := release.Registry{Transport: net}.Apply(t.Context(), tc.proof, tc.tags)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want one with %q", err, tc.want)
			}
			if len(applied.Moved) > 0 || net.puts.Load() > 0 {
				t.Errorf("moved %v with %d writes, want none", applied.Moved, net.puts.Load())
			}
			s.points("1", "")
		})
	}
	if _, err := (release.Registry{}).Apply(t.Context(), sign.Proof{}, nil); !errors.Is(err, release.ErrUnproven) {
		t.Errorf("error is %v, want ErrUnproven even without tags", err)
	}
}

// strange is a manifest that is neither an image nor an index.
type strange struct{ json string }

func (s strange) RawManifest() ([]byte, error)        { return []byte(s.json), nil }
func (s strange) MediaType() (types.MediaType, error) { return "application/vnd.example.strange", nil }
func (s strange) Digest() (v1.Hash, error) {
	hash, _, err := v1.SHA256(strings.NewReader(s.json))
	return hash, err
}

// wide is an index that lists one image n times.
func (s server) wide(n int) sign.Proof {
	s.t.Helper()
	image := s.image()
	var adds []mutate.IndexAddendum
	for i := range n {
		adds = append(adds, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Annotations: map[string]string{"n": fmt.Sprint(i)},
		}})
	}
	index := mutate.AppendManifests(empty.Index, adds...)
	s.must(remote.WriteIndex(s.repo.Tag("wide"), index))
	return s.proof(index)
}

func TestApplyWithoutTagsAsksNothing(t *testing.T) {
	s := newServer(t)
	applied, err := release.Registry{Transport: broken{}}.Apply(t.Context(), s.proof(s.image()), nil)
	if err != nil || len(applied.Moved) > 0 {
		t.Errorf("got %v, %v, want nothing", applied, err)
	}
}

func TestApplyStopsAtTheFirstFailure(t *testing.T) {
	s := newServer(t)
	old := s.digest(s.image("production"))
	image := s.image()
	net := &writes{answer: refuse(2, http.StatusForbidden, "DENIED")}
	applied, err := release.Registry{Transport: net}.Apply(t.Context(), s.proof(image), []string{"1.0.0", "1.0", "production"})
	if err == nil || !strings.Contains(err.Error(), `moving tag "1.0" to `+s.digest(image)) {
		t.Errorf("error is %v, want one about tag 1.0", err)
	}
	want := fmt.Sprintf("log in to %s with an account that may read and write acme/digits", s.repo.RegistryStr())
	if got := hint.Of(err); len(got) != 1 || got[0] != want {
		t.Errorf("hints are %q, want %q", got, want)
	}
	if diff := cmp.Diff([]release.Move{{Tag: "1.0.0", To: s.digest(image)}}, applied.Moved); diff != "" {
		t.Error(diff)
	}
	s.points("1.0.0", s.digest(image))
	s.points("1.0", "")
	s.points("production", old)
}

func TestApplyOtherRefusalHasNoHint(t *testing.T) {
	s := newServer(t)
	net := &writes{answer: refuse(1, http.StatusBadRequest, "TAG_INVALID")}
	_, err := release.Registry{Transport: net}.Apply(t.Context(), s.proof(s.image()), []string{"1.0.0"})
	if err == nil || !strings.Contains(err.Error(), "TAG_INVALID") || len(hint.Of(err)) > 0 {
		t.Errorf("error is %v with hints %q, want TAG_INVALID without", err, hint.Of(err))
	}
}

func TestApplyDetectsALostRace(t *testing.T) {
	s := newServer(t)
	image, other := s.image(), s.image()
	for _, tc := range []struct {
		name  string
		after func()
		found string
	}{
		{"moved", func() { s.must(remote.Tag(s.repo.Tag("staging"), other)) }, s.digest(other)},
		{"deleted", func() { s.must(remote.Delete(s.repo.Tag("staging"))) }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			net := &writes{after: func(n int) {
				if n == 1 {
					tc.after()
				}
			}}
			applied, err := release.Registry{Transport: net}.Apply(t.Context(), s.proof(image), []string{"staging", "zz"})
			var lost release.ErrLostRace
			if !errors.As(err, &lost) {
				t.Fatalf("error is %v, want ErrLostRace", err)
			}
			want := release.ErrLostRace{Tag: "staging", Wrote: s.digest(image), Found: tc.found}
			if lost != want || !strings.Contains(lost.Error(), want.Wrote) || !strings.Contains(lost.Error(), want.Found) {
				t.Errorf("error is %v, want it to name %+v", err, want)
			}
			if len(applied.Moved) > 0 {
				t.Errorf("moved %v, want none to be claimed", applied.Moved)
			}
			s.points("staging", tc.found)
			s.points("zz", "")
		})
	}
	if msg := (release.ErrLostRace{Tag: "a", Wrote: "b"}).Error(); !strings.Contains(msg, "points to nothing") {
		t.Errorf("message is %q", msg)
	}
}

func TestApplyHeedsTheContext(t *testing.T) {
	s := newServer(t)
	image := s.image()
	ctx, cancel := context.WithCancel(t.Context())
	net := &writes{after: func(int) { cancel() }}
	applied, err := release.Registry{Transport: net}.Apply(ctx, s.proof(image), []string{"1.0.0", "staging"})
	if !errors.Is(err, context.Canceled) || len(applied.Moved) > 0 {
		t.Errorf("got %v, %v, want context.Canceled and no move that was not read back", applied, err)
	}
	s.points("staging", "")
}

func TestApplyNetworkDown(t *testing.T) {
	s := newServer(t)
	_, err := release.Registry{Transport: broken{}}.Apply(t.Context(), s.proof(s.image()), []string{"1"})
	if !errors.Is(err, errDown) {
		t.Errorf("error is %v, want %v", err, errDown)
	}
}
