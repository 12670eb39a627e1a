package build

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/scan"
)

// Published is an image that was pushed before, as scanners see it. Its model
// layers, which their annotations tell, are left out and returned as skipped:
// nothing is read of them, and files of no layer are listed. Layers of no kind
// are the base's. An annotation is the word of whoever pushed the image.
//
// No layer is read here; a scanner that does checks it by its diffID.
func Published(img v1.Image, name string, platform v1.Platform) (scan.Target, []scan.Skip, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return scan.Target{}, nil, fmt.Errorf("reading the manifest of %q: %w", name, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return scan.Target{}, nil, fmt.Errorf("reading the config of %q: %w", name, err)
	}
	layers, err := img.Layers()
	if err != nil {
		return scan.Target{}, nil, fmt.Errorf("reading the layers of %q: %w", name, err)
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) || len(layers) != len(manifest.Layers) {
		return scan.Target{}, nil, input(fmt.Errorf("reading %q: its config names %d layers and its manifest %d", name, len(config.RootFS.DiffIDs), len(manifest.Layers)))
	}
	t := scan.Target{Name: name, Platform: platform.String()}
	steps, empties := histories(config)
	bare := config.DeepCopy()
	bare.RootFS.DiffIDs, bare.History = nil, nil
	if t.Image, err = mutate.ConfigFile(empty.Image, bare); err != nil {
		return scan.Target{}, nil, err
	}
	var kept []mutate.Addendum
	var skipped []scan.Skip
	for i, d := range manifest.Layers {
		kept = append(kept, empties[i]...)
		kind := d.Annotations[KindAnnotation]
		if kind == string(layer.KindModel) {
			skipped = append(skipped, scan.Skip{Layer: d.Digest, Reason: fmt.Sprintf("layer %s holds models, by its annotation, and was not pulled", d.Digest)})
			continue
		}
		if kind == "" {
			kind = string(layer.KindBase)
		}
		t.Layers = append(t.Layers, scan.Layer{Digest: d.Digest, DiffID: config.RootFS.DiffIDs[i], Kind: kind})
		kept = append(kept, mutate.Addendum{Layer: layers[i], History: steps[i]})
	}
	kept = append(kept, empties[len(manifest.Layers)]...)
	if t.Image, err = mutate.Append(t.Image, kept...); err != nil {
		return scan.Target{}, nil, fmt.Errorf("leaving out the models of %q: %w", name, err)
	}
	return t, skipped, nil
}

// histories are the steps that made each layer, and those without a layer by
// the number of layers before them. A history that does not fit the layers
// counts as none.
func histories(config *v1.ConfigFile) (steps []v1.History, empties [][]mutate.Addendum) {
	n := len(config.RootFS.DiffIDs)
	empties = make([][]mutate.Addendum, n+1)
	for _, h := range config.History {
		switch {
		case !h.EmptyLayer:
			steps = append(steps, h)
		case len(steps) <= n:
			empties[len(steps)] = append(empties[len(steps)], mutate.Addendum{History: h})
		}
	}
	if len(steps) != n {
		return make([]v1.History, n), make([][]mutate.Addendum, n+1)
	}
	return steps, empties
}
