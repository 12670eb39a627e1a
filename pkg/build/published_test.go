package build_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/org/ai-ship/pkg/build"
)

// unread is a layer that nobody may read.
type unread struct {
	v1.Layer
	t *testing.T
}

func (u unread) Uncompressed() (io.ReadCloser, error) {
	u.t.Error("a layer is read")
	return u.Layer.Uncompressed()
}

func (u unread) Compressed() (io.ReadCloser, error) {
	u.t.Error("a layer is read")
	return u.Layer.Compressed()
}

func published(t *testing.T, kinds ...string) v1.Image {
	t.Helper()
	img := empty.Image
	for _, kind := range kinds {
		l, err := random.Layer(100, "application/vnd.oci.image.layer.v1.tar")
		if err != nil {
			t.Fatal(err)
		}
		add := mutate.Addendum{Layer: unread{l, t}, History: v1.History{CreatedBy: "ADD " + kind}}
		if kind != "" {
			add.Annotations = map[string]string{build.KindAnnotation: kind}
		}
		if img, err = mutate.Append(img, add, mutate.Addendum{History: v1.History{CreatedBy: "CMD after " + kind, EmptyLayer: true}}); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// Model layers are hidden with their part of the history; the rest is as it was.
func TestPublished(t *testing.T) {
	img := published(t, "", "model", "app", "model")
	target, skipped, err := build.Published(img, "registry.example.com/acme/x:1", amd64)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	before, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config, err := target.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]v1.Hash{before.RootFS.DiffIDs[0], before.RootFS.DiffIDs[2]}, config.RootFS.DiffIDs); diff != "" {
		t.Errorf("diffIDs (-want +got):\n%s", diff)
	}
	var history, layers []string
	for _, h := range config.History {
		history = append(history, h.CreatedBy)
	}
	if diff := cmp.Diff([]string{"ADD ", "CMD after ", "CMD after model", "ADD app", "CMD after app", "CMD after model"}, history); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	for i, l := range target.Layers {
		layers = append(layers, l.Kind)
		if l.DiffID != config.RootFS.DiffIDs[i] || l.Digest != manifest.Layers[2*i].Digest {
			t.Errorf("layer %d is %+v", i, l)
		}
		if _, err := target.Image.LayerByDiffID(l.DiffID); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"base", "app"}, layers); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if len(skipped) != 2 || skipped[0].Layer != manifest.Layers[1].Digest || !strings.Contains(skipped[0].Reason, "was not pulled") {
		t.Errorf("skipped %+v, want the two model layers", skipped)
	}
	if _, err := target.Image.LayerByDiffID(before.RootFS.DiffIDs[1]); err == nil {
		t.Error("a model layer is offered")
	}
}

func TestPublishedMistakes(t *testing.T) {
	img := published(t, "", "app")
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	short := config.DeepCopy()
	short.RootFS.DiffIDs = short.RootFS.DiffIDs[:1]
	lying, err := mutate.ConfigFile(img, short)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := build.Published(lying, "x", amd64); err == nil || !strings.Contains(err.Error(), `reading "x": its config names 1 layers and its manifest 2`) {
		t.Errorf("error is %v", err)
	}
	silent := config.DeepCopy()
	silent.History = silent.History[:1]
	quiet, err := mutate.ConfigFile(img, silent)
	if err != nil {
		t.Fatal(err)
	}
	target, _, err := build.Published(quiet, "x", amd64)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := target.Image.ConfigFile(); err != nil || len(got.RootFS.DiffIDs) != 2 || len(got.History) != 2 || got.History[0].CreatedBy != "" {
		t.Errorf("a history that does not fit counts as %+v, %v", got.History, err)
	}
}
