package build_test

import (
	"io"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/build"
)

// Scanners of packages get no model layer, not even as a diffID with nothing
// below it: a result that is kept for a layer is one of the whole layer.
func TestTargetLeavesModelLayersOut(t *testing.T) {
	p := make1(t, project(t, true), spec(t), build.Known{})
	image := p.Images[0]
	target, err := image.Target("registry.example.com/acme/digits:v1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	config, err := target.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := target.Image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) == 0 || len(layers) >= len(whole) || len(config.RootFS.DiffIDs) != len(layers) || len(target.Layers) != len(layers) {
		t.Fatalf("%d layers of %d, %d diffIDs, %d descriptions", len(layers), len(whole), len(config.RootFS.DiffIDs), len(target.Layers))
	}
	for i, l := range layers {
		diffID, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if about := target.Layers[i]; about.Kind == "model" || about.DiffID != diffID || about.Digest != digest || config.RootFS.DiffIDs[i] != diffID {
			t.Errorf("layer %d is %+v, with diffID %s and digest %s", i, about, diffID, digest)
		}
	}
	models := make(map[string]int64)
	for _, f := range target.Files {
		if f.Kind == "model" {
			models[f.Path] = f.Size
		}
	}
	if len(models) != 2 || models["models/weights.safetensors"] != 17<<20 {
		t.Errorf("files of models are %v, want two with the weights", models)
	}
	for _, f := range target.Files {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, io.NewSectionReader(content, 0, f.Size+1))
		if err != nil || n != f.Size {
			t.Errorf("%s gives %d bytes and %v, want %d", f.Path, n, err, f.Size)
		}
		content.Close()
	}
}

// A scanner remembers a file by its stamp, so that one which may change again
// without its times showing it has none.
func TestYoungFilesHaveNoStamp(t *testing.T) {
	p := make1(t, project(t, true), spec(t), build.Known{})
	stamps := func(now time.Time) (with, without int) {
		target, err := p.Images[0].Target("registry.example.com/acme/digits:v1", now)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range target.Files {
			if f.Stamp != "" {
				with++
			} else {
				without++
			}
		}
		return with, without
	}
	if with, without := stamps(time.Now()); with > 0 || without == 0 {
		t.Errorf("%d of files that were just written have a stamp, %d none", with, without)
	}
	if with, without := stamps(time.Now().Add(time.Minute)); with == 0 || without > 0 {
		t.Errorf("%d files have a stamp, %d none", with, without)
	}
}
