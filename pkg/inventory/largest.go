package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// Item is a package or a file of a layer: what people would look for to make an
// image smaller.
type Item struct {
	Path  string // of a package, its folder
	Layer int    // index into Inventory.Layers
	Size  int64  // unpacked bytes, of the files that are listed
	Files int    // that are listed
}

// Items are the largest packages and files of the image, at most n, the largest
// first. Files of one installed package count together.
func (inv Inventory) Items(n int) []Item {
	var all []Item
	for i, l := range inv.Layers {
		at := make(map[string]int)
		for _, f := range l.Files {
			if f.Type != Regular || f.Size <= 0 {
				continue
			}
			path := folder(f.Path)
			j, known := at[path]
			if !known {
				j = len(all)
				at[path], all = j, append(all, Item{Path: path, Layer: i})
			}
			all[j].Size += min(f.Size, maxBytes)
			all[j].Files++
		}
	}
	slices.SortStableFunc(all, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Layer, b.Layer), strings.Compare(a.Path, b.Path))
	})
	return all[:min(len(all), n)]
}

// folder is the folder of the installed package that a file belongs to, of
// any other file its path.
func folder(file string) string {
	for _, folder := range []string{"/site-packages/", "/dist-packages/", "/node_modules/"} {
		at := strings.LastIndex(file, folder)
		if at < 0 {
			continue
		}
		name, _, inside := strings.Cut(file[at+len(folder):], "/")
		if inside {
			return file[:at+len(folder)] + name
		}
	}
	return file
}
