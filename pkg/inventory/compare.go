package inventory

import (
	"cmp"
	"math"
	"slices"

	"github.com/org/ai-ship/pkg/layer"
)

// maxPaths is how many paths a comparison names.
const maxPaths = 10

// Delta is a size in bytes in two images; 0 where it does not exist.
type Delta struct{ Before, Now int64 }

// Growth is negative when it shrank.
func (d Delta) Growth() int64 { return d.Now - d.Before }

// Change is how a part of an image changed.
type Change struct {
	Compressed Delta
	Unpacked   *Delta // nil when it is not known of every layer of the part
}

// KindChange is the change of all layers of a kind.
type KindChange struct {
	Kind layer.Kind
	Change
}

// State is what became of a layer.
type State string

// The states of a LayerChange.
const (
	Same    State = "same"    // by digest
	Changed State = "changed" // by kind and name, or the only one of its kind on both sides
	Added   State = "added"
	Removed State = "removed"
)

// LayerChange is one layer's change; Digest, Kind and Name are those of now,
// or of before for one that was removed.
type LayerChange struct {
	State  State
	Digest string
	Kind   layer.Kind
	Name   string
	Change
}

// PathChange is a path that grew, in what the image stores. It grew by at least
// Least and at most Most bytes; the two differ when the list of before is not
// complete, and the file may have been among those it leaves out.
type PathChange struct {
	Path        string
	Kind        layer.Kind
	Layer       string // name of now's layer
	Now, Before int64  // bytes; Before is 0 when the path is not in the list
	New         bool   // not in the list of before
	Least, Most int64
}

// Exact says that the growth is known to the byte.
func (p PathChange) Exact() bool { return p.Least == p.Most }

// Changes are all that differs between two images.
type Changes struct {
	Total  Change
	Kinds  []KindChange  // of those that either image has: base, python, model, app, config
	Layers []LayerChange // from the bottom up, then those removed
	// Paths are the ten that grew most for sure, by Least, ties by path.
	Paths []PathChange
	// PathsComplete is false when a layer that differs has no full list, so
	// that other paths may have grown too. Base layers of an image of which
	// only the manifest is known have none.
	PathsComplete bool
}

// pair is a layer on both sides, or on one.
type pair struct {
	now, before *Layer
	same        bool
}

// kind is now's: what was the app of one image can be the base of the next.
func (p pair) kind() layer.Kind {
	if p.now != nil {
		return p.now.Kind
	}
	return p.before.Kind
}

func (p pair) change() Change {
	var c Change
	var raw Delta
	known := true
	if p.before != nil {
		c.Compressed.Before, raw.Before = p.before.Size, p.before.Unpacked
		known = raw.Before > 0
	}
	if p.now != nil {
		c.Compressed.Now, raw.Now = p.now.Size, p.now.Unpacked
		known = known && raw.Now > 0
	}
	if p.same { // one of the two may not know it
		raw.Now = max(raw.Before, raw.Now)
		raw.Before, known = raw.Now, raw.Now > 0
	}
	if known {
		c.Unpacked = &raw
	}
	return c
}

// add sums up; what is not known of one part is not known of the sum.
func (c *Change) add(d Change) {
	c.Compressed.Before += d.Compressed.Before
	c.Compressed.Now += d.Compressed.Now
	if c.Unpacked == nil || d.Unpacked == nil {
		c.Unpacked = nil
		return
	}
	c.Unpacked = &Delta{Before: c.Unpacked.Before + d.Unpacked.Before, Now: c.Unpacked.Now + d.Unpacked.Now}
}

// Compare says what changed from before to now. Layers are matched by digest,
// then by kind and name, then the only one left of a kind on both sides; base
// layers by digest alone. A matched layer counts under the kind it has now.
func Compare(now, before Inventory) Changes {
	pairs := match(now.Layers, before.Layers)
	c := Changes{Total: Change{Unpacked: new(Delta)}}
	byKind := make(map[layer.Kind]*Change)
	for _, p := range pairs {
		change := p.change()
		c.Layers = append(c.Layers, p.layerChange(change))
		if byKind[p.kind()] == nil {
			byKind[p.kind()] = &Change{Unpacked: new(Delta)}
		}
		byKind[p.kind()].add(change)
		c.Total.add(change)
	}
	for _, k := range kinds() {
		if byKind[k] != nil {
			c.Kinds = append(c.Kinds, KindChange{k, *byKind[k]})
		}
	}
	c.Paths, c.PathsComplete = grown(pairs)
	return c
}

func (p pair) layerChange(c Change) LayerChange {
	lc := LayerChange{Change: c, State: Changed}
	side := p.now
	switch {
	case p.now == nil:
		lc.State, side = Removed, p.before
	case p.before == nil:
		lc.State = Added
	case p.same:
		lc.State = Same
	}
	lc.Digest, lc.Kind, lc.Name = side.Digest, side.Kind, side.Name
	return lc
}

// match pairs the layers, in now's order, then what is left of before's.
func match(now, before []Layer) []pair {
	pairs := make([]pair, len(now))
	taken := make([]bool, len(before))
	for i := range now {
		pairs[i].now = &now[i]
	}
	take := func(same bool, fits func(a, b *Layer) bool) {
		for i := range pairs {
			for j := range before {
				if pairs[i].before == nil && !taken[j] && fits(pairs[i].now, &before[j]) {
					pairs[i].before, pairs[i].same, taken[j] = &before[j], same, true
				}
			}
		}
	}
	take(true, func(a, b *Layer) bool { return a.Digest != "" && a.Digest == b.Digest })
	ours := func(a, b *Layer) bool { return a.Kind == b.Kind && a.Kind != layer.KindBase }
	take(false, func(a, b *Layer) bool { return ours(a, b) && a.Name != "" && a.Name == b.Name })
	left := make(map[layer.Kind][2]int)
	for _, p := range pairs {
		if p.before == nil {
			n := left[p.now.Kind]
			left[p.now.Kind] = [2]int{n[0] + 1, n[1]}
		}
	}
	for j, l := range before {
		if !taken[j] {
			n := left[l.Kind]
			left[l.Kind] = [2]int{n[0], n[1] + 1}
		}
	}
	take(false, func(a, b *Layer) bool { return ours(a, b) && left[a.Kind] == [2]int{1, 1} })
	for j := range before {
		if !taken[j] {
			pairs = append(pairs, pair{before: &before[j]})
		}
	}
	return pairs
}

// place is a path in the base or in our layers: a file of ours that hides one
// of the base is new bytes, not a change of the base's.
type place struct {
	base bool
	path string
}

// grown compares the files of the layers that are not the same.
func grown(pairs []pair) (paths []PathChange, complete bool) {
	complete = true
	old := make(map[place]int64)
	unlisted := make(map[bool]int64) // by base: the largest that a file left out of before's lists can be
	for _, p := range pairs {
		for _, l := range []*Layer{p.now, p.before} {
			complete = complete && (l == nil || p.same || l.Listed == All)
		}
		if p.before == nil || p.same {
			continue
		}
		base := p.before.Kind == layer.KindBase
		unlisted[base] = max(unlisted[base], p.before.bound())
		for _, f := range p.before.Files {
			if f.Type == Regular {
				old[place{base, f.Path}] = f.Size
			}
		}
	}
	after := make(map[place]PathChange)
	for _, p := range pairs {
		if p.now == nil || p.same {
			continue
		}
		base := p.now.Kind == layer.KindBase
		for _, f := range p.now.Files {
			if f.Type != Regular {
				continue
			}
			at := place{base, f.Path}
			was, listed := old[at]
			c := PathChange{Path: f.Path, Kind: p.now.Kind, Layer: p.now.Name, Now: f.Size, Before: was, New: !listed}
			if c.Least, c.Most = f.Size-was, f.Size-was; !listed {
				c.Least -= min(unlisted[base], f.Size)
			}
			after[at] = c
		}
	}
	for _, c := range after {
		if c.Least > 0 {
			paths = append(paths, c)
		}
	}
	slices.SortFunc(paths, func(a, b PathChange) int {
		return cmp.Or(cmp.Compare(b.Least, a.Least), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind))
	})
	return paths[:min(len(paths), maxPaths)], complete
}

// bound is the most bytes that a file can have which the layer holds but does
// not list.
func (l *Layer) bound() int64 {
	least := int64(math.MaxInt64)
	if l.Unpacked > 0 {
		least = l.Unpacked
	}
	switch l.Listed {
	case All:
		return 0
	case Largest:
		for _, f := range l.Files {
			if f.Type == Regular {
				least = min(least, f.Size)
			}
		}
	}
	return least
}
