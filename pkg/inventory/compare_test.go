package inventory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

// known gives a layer a digest, a stored and an unpacked size.
func known(l inventory.Layer, digest string, size, unpacked int64) inventory.Layer {
	l.Digest, l.Size, l.Unpacked = digest, size, unpacked
	return l
}

func image(layers ...inventory.Layer) inventory.Inventory { return inventory.Inventory{Layers: layers} }

func delta(before, now int64) *inventory.Delta { return &inventory.Delta{Before: before, Now: now} }

func TestCompare(t *testing.T) {
	model := known(listed(layer.KindModel, "w.safetensors", file("models/w.safetensors", 900)), "m1", 1000, 1000)
	before := image(
		known(inventory.Layer{Kind: layer.KindBase}, "b1", 500, 0),
		known(inventory.Layer{Kind: layer.KindApp}, "b2", 50, 0), // ai-ship built the base's base
		model,
		known(listed(layer.KindModel, "old", file("models/old", 70)), "m2", 80, 80),
		known(listed(layer.KindModel, "older", file("models/older", 70)), "m3", 80, 80),
		known(listed(layer.KindApp, "src in /app", file("app/data.csv", 10), file("app/main.py", 5)), "a1", 20, 30),
		known(listed(layer.KindConfig, "home"), "c1", 7, 9),
	)
	now := image(
		known(inventory.Layer{Kind: layer.KindBase}, "b1", 500, 0),
		known(inventory.Layer{Kind: layer.KindBase}, "b2", 50, 0),
		known(listed(layer.KindConfig, "house"), "", 8, 9),
		model,
		known(listed(layer.KindModel, "new", file("models/new", 2000)), "m4", 2000, 2100),
		known(listed(layer.KindApp, "src in /app", file("app/data.csv", 310), file("app/new.py", 6), file("app/main.py", 5)), "", 120, 400),
	)
	c := inventory.Compare(now, before)
	want := inventory.Changes{
		Total: inventory.Change{Compressed: *delta(1737, 3678)},
		Kinds: []inventory.KindChange{
			{Kind: layer.KindBase, Change: inventory.Change{Compressed: *delta(550, 550)}},
			{Kind: layer.KindModel, Change: inventory.Change{Compressed: *delta(1160, 3000), Unpacked: delta(1160, 3100)}},
			{Kind: layer.KindApp, Change: inventory.Change{Compressed: *delta(20, 120), Unpacked: delta(30, 400)}},
			{Kind: layer.KindConfig, Change: inventory.Change{Compressed: *delta(7, 8), Unpacked: delta(9, 9)}},
		},
		Layers: []inventory.LayerChange{
			{State: inventory.Same, Digest: "b1", Kind: layer.KindBase, Change: inventory.Change{Compressed: *delta(500, 500)}},
			{State: inventory.Same, Digest: "b2", Kind: layer.KindBase, Change: inventory.Change{Compressed: *delta(50, 50)}},
			{State: inventory.Changed, Kind: layer.KindConfig, Name: "house", Change: inventory.Change{Compressed: *delta(7, 8), Unpacked: delta(9, 9)}},
			{State: inventory.Same, Digest: "m1", Kind: layer.KindModel, Name: "w.safetensors", Change: inventory.Change{Compressed: *delta(1000, 1000), Unpacked: delta(1000, 1000)}},
			{State: inventory.Added, Digest: "m4", Kind: layer.KindModel, Name: "new", Change: inventory.Change{Compressed: *delta(0, 2000), Unpacked: delta(0, 2100)}},
			{State: inventory.Changed, Kind: layer.KindApp, Name: "src in /app", Change: inventory.Change{Compressed: *delta(20, 120), Unpacked: delta(30, 400)}},
			{State: inventory.Removed, Digest: "m2", Kind: layer.KindModel, Name: "old", Change: inventory.Change{Compressed: *delta(80, 0), Unpacked: delta(80, 0)}},
			{State: inventory.Removed, Digest: "m3", Kind: layer.KindModel, Name: "older", Change: inventory.Change{Compressed: *delta(80, 0), Unpacked: delta(80, 0)}},
		},
		Paths: []inventory.PathChange{
			{Path: "models/new", Kind: layer.KindModel, Layer: "new", Now: 2000, New: true, Least: 2000, Most: 2000},
			{Path: "app/data.csv", Kind: layer.KindApp, Layer: "src in /app", Now: 310, Before: 10, Least: 300, Most: 300},
			{Path: "app/new.py", Kind: layer.KindApp, Layer: "src in /app", Now: 6, New: true, Least: 6, Most: 6},
		},
		PathsComplete: true,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("Compare (-want +got):\n%s", diff)
	}
	if g := c.Total.Compressed.Growth(); g != 1941 {
		t.Errorf("growth %d", g)
	}
}

// What a summary leaves out makes the growth of a new path a range.
func TestComparePaths(t *testing.T) {
	app := func(files ...inventory.File) inventory.Layer { return listed(layer.KindApp, "src", files...) }
	partial := app(file("app/a", 100), file("app/b", 40))
	partial.Listed, partial.FileCount = inventory.Largest, 900
	unlisted := inventory.Layer{Kind: layer.KindApp, Name: "src"}
	bounded := inventory.Layer{Kind: layer.KindApp, Name: "src", Unpacked: 30}
	now := app(file("app/a", 150), file("app/new", 100), file("app/small", 40))
	a := inventory.PathChange{Path: "app/a", Kind: layer.KindApp, Layer: "src", Now: 150, Before: 100, Least: 50, Most: 50}
	path := func(name string, size, least int64) inventory.PathChange {
		return inventory.PathChange{Path: name, Kind: layer.KindApp, Layer: "src", Now: size, New: true, Least: least, Most: size}
	}
	base := func(listing inventory.Listing, files ...inventory.File) inventory.Layer {
		l := listed(layer.KindBase, "", files...)
		l.Listed = listing
		return l
	}
	inBase := inventory.PathChange{Path: "usr/lib/x", Kind: layer.KindBase, Now: 9, Before: 2, Least: 7, Most: 7}
	for _, tc := range []struct {
		name        string
		now, before inventory.Inventory
		want        []inventory.PathChange
		complete    bool
	}{
		{"largest listed", image(now), image(partial), []inventory.PathChange{path("app/new", 100, 60), a}, false},
		{"nothing known", image(now), image(unlisted), nil, false},
		{"size known", image(now), image(bounded), []inventory.PathChange{path("app/a", 150, 120), path("app/new", 100, 70), path("app/small", 40, 10)}, false},
		{"first image", image(now), image(), []inventory.PathChange{path("app/a", 150, 150), path("app/new", 100, 100), path("app/small", 40, 40)}, true},
		{"the base says nothing of ours", image(base(inventory.None), app(file("app/a", 1))), image(base(inventory.None), app()),
			[]inventory.PathChange{path("app/a", 1, 1)}, false},
		{"base against base", image(base(inventory.All, file("usr/lib/x", 9))), image(base(inventory.All, file("usr/lib/x", 2))),
			[]inventory.PathChange{inBase}, true},
		{"shrunk and gone", image(app(file("app/a", 1))), image(app(file("app/b", 5), file("app/a", 2))), nil, true},
		{"links have no bytes", image(app(inventory.File{Path: "l", Type: inventory.Symlink})), image(), nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := inventory.Compare(tc.now, tc.before)
			if diff := cmp.Diff(tc.want, c.Paths); diff != "" || c.PathsComplete != tc.complete {
				t.Errorf("complete %v (-want +got):\n%s", c.PathsComplete, diff)
			}
			for _, p := range c.Paths {
				if p.Exact() != (p.Least == p.Most) {
					t.Errorf("%+v: exact %v", p, p.Exact())
				}
			}
		})
	}
	var many []inventory.File
	for i := range 30 {
		many = append(many, file(fmt.Sprintf("app/%02d", i), 5))
	}
	paths := inventory.Compare(image(app(many...)), image()).Paths
	if len(paths) != 10 || paths[0].Path != "app/00" || paths[9].Path != "app/09" {
		t.Errorf("%d paths: %v", len(paths), paths)
	}
}

func someImage(r *rand.Rand) inventory.Inventory {
	kinds := []layer.Kind{layer.KindBase, layer.KindPython, layer.KindModel, layer.KindApp, layer.KindConfig}
	var inv inventory.Inventory
	for range r.IntN(12) {
		l := inventory.Layer{Kind: kinds[r.IntN(5)], Name: fmt.Sprint(r.IntN(3)), Size: r.Int64N(1000), Listed: inventory.Listing(r.IntN(3))}
		if r.IntN(4) > 0 {
			l.Digest = fmt.Sprint(r.IntN(20))
		}
		if r.IntN(3) > 0 {
			l.Unpacked = 1 + r.Int64N(3000)
		}
		for i := range r.IntN(20) {
			l.Files = append(l.Files, inventory.File{Path: fmt.Sprintf("%d/%d", r.IntN(3), i), Size: r.Int64N(4 * mib), Type: inventory.Type(r.IntN(5))})
		}
		inv.Layers = append(inv.Layers, l)
	}
	return inv
}

// Whatever the images: kinds and layers each sum up to the total, which is
// the difference of the images; the answer is the same twice; an image
// compared with itself has not grown.
func TestCompareSumsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		now, before := someImage(r), someImage(r)
		c := inventory.Compare(now, before)
		if want := (inventory.Delta{Before: before.Compressed(), Now: now.Compressed()}); c.Total.Compressed != want {
			t.Fatalf("total %v, want %v", c.Total.Compressed, want)
		}
		var kinds, layers, unpacked inventory.Delta
		all := true
		for _, k := range c.Kinds {
			kinds.Before, kinds.Now = kinds.Before+k.Compressed.Before, kinds.Now+k.Compressed.Now
			if all = all && k.Unpacked != nil; all {
				unpacked.Before, unpacked.Now = unpacked.Before+k.Unpacked.Before, unpacked.Now+k.Unpacked.Now
			}
		}
		for _, l := range c.Layers {
			layers.Before, layers.Now = layers.Before+l.Compressed.Before, layers.Now+l.Compressed.Now
		}
		if kinds != c.Total.Compressed || layers != c.Total.Compressed {
			t.Fatalf("kinds %v, layers %v, total %v", kinds, layers, c.Total.Compressed)
		}
		if all != (c.Total.Unpacked != nil) || all && unpacked != *c.Total.Unpacked {
			t.Fatalf("kinds unpacked %v, total %v", unpacked, c.Total.Unpacked)
		}
		if diff := cmp.Diff(c, inventory.Compare(now, before)); diff != "" {
			t.Fatalf("another answer:\n%s", diff)
		}
		if self := inventory.Compare(now, now); self.Total.Compressed.Growth() != 0 || len(self.Paths) > 0 && self.PathsComplete {
			t.Fatalf("an image against itself: %+v", self)
		}
		for _, p := range c.Paths {
			if p.Least <= 0 || p.Least > p.Most || p.Most > p.Now {
				t.Fatalf("path %+v", p)
			}
		}
	}
}
