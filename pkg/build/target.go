package build

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/scan"
)

// Target is the image as scanners see it; name is the reference that it will
// have. It reads no model: model layers are left out of its image, and their
// files are listed beside those of our other layers, with stamps unless they
// changed just before now.
func (i *Image) Target(name string, now time.Time) (scan.Target, error) {
	bare := *i
	bare.layers = nil
	t := scan.Target{Image: &bare, Name: name, Platform: i.Platform.String()}
	for _, l := range i.layers {
		if l.Kind() != layer.KindModel {
			bare.layers = append(bare.layers, l)
		}
		digests := l.Digests()
		for _, e := range l.Entries() {
			if e.Content == nil || e.Mode&fs.ModeSymlink != 0 {
				continue
			}
			f := scan.File{Path: e.Path, Kind: string(l.Kind()), Size: e.Content.Size(), Open: open(e)}
			if now.Sub(e.Content.Settled()) >= grain {
				f.Stamp = e.Content.Stamp()
			}
			if len(digests) > 0 {
				f.SHA256, digests = digests[0], digests[1:]
			}
			t.Files = append(t.Files, f)
		}
	}
	bare.prepare()
	manifest, err := bare.Manifest()
	if err != nil {
		return scan.Target{}, err
	}
	config, err := bare.ConfigFile()
	if err != nil {
		return scan.Target{}, err
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return scan.Target{}, input(fmt.Errorf("reading the base: its config names %d layers less than its manifest", len(manifest.Layers)-len(config.RootFS.DiffIDs)))
	}
	own := len(manifest.Layers) - len(bare.layers)
	for n, d := range manifest.Layers {
		kind := layer.KindBase
		if n >= own {
			kind = bare.layers[n-own].Kind()
		}
		t.Layers = append(t.Layers, scan.Layer{Digest: d.Digest, DiffID: config.RootFS.DiffIDs[n], Kind: string(kind)})
	}
	return t, nil
}

// open gives random access, which every content of a layer has.
func open(e layer.Entry) func() (scan.Content, error) {
	return func() (scan.Content, error) {
		r, err := e.Content.Open()
		if err != nil {
			return nil, err
		}
		content, ok := r.(scan.Content)
		if !ok {
			return nil, errors.Join(fmt.Errorf("opening %q: %T has no random access", e.Path, r), r.Close())
		}
		return content, nil
	}
}
