package inventory_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

func TestItems(t *testing.T) {
	const site = "opt/venv/lib/python3.11/site-packages/"
	link := file(site+"torch/lib/libtorch.so.1", 0)
	link.Type = inventory.Symlink
	inv := image(
		inventory.Layer{Kind: layer.KindBase},
		listed(layer.KindPython, "", file(site+"torch/lib/libtorch.so", 500), file(site+"torch/__init__.py", 30), link, file(site+"six.py", 40), file("usr/lib/libc.so", 100)),
		listed(layer.KindModel, "w", file("models/w", 100), file("models/empty", 0)),
	)
	want := []inventory.Item{
		{Path: site + "torch", Layer: 1, Size: 530, Files: 2}, {Path: "usr/lib/libc.so", Layer: 1, Size: 100, Files: 1},
		{Path: "models/w", Layer: 2, Size: 100, Files: 1}, {Path: site + "six.py", Layer: 1, Size: 40, Files: 1},
	}
	if diff := cmp.Diff(want, inv.Items(9)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(want[:2], inv.Items(2)); diff != "" {
		t.Errorf("the two largest: -want +got:\n%s", diff)
	}
	if got := (inventory.Inventory{}).Items(2); len(got) != 0 {
		t.Errorf("an empty image has %v", got)
	}
}
