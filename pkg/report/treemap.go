package report

import (
	"cmp"
	"math"
	"path"
	"slices"
	"unicode/utf8"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/unit"
)

// area is a rectangle.
type area struct {
	X, Y, Width, Height px
}

// squarify lays weights out in a rectangle, each with an area in proportion and
// as near to a square as it goes (M. Bruls, K. Huizing, J. J. van Wijk,
// "Squarified Treemaps", 2000). The weights must be positive and fall.
func squarify(weights []float64, in area) []area {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	var all []area
	for len(weights) > 0 && total > 0 {
		short := float64(min(in.Width, in.Height))
		density := float64(in.Width) * float64(in.Height) / total
		n, sum := 1, weights[0]
		for n < len(weights) && worstRatio(weights[:n+1], sum+weights[n], short, density) <= worstRatio(weights[:n], sum, short, density) {
			sum += weights[n]
			n++
		}
		thickness := px(0)
		if short > 0 {
			thickness = px(sum * density / short)
		}
		at := in
		for _, w := range weights[:n] {
			length := px(short * w / sum)
			cell := area{X: at.X, Y: at.Y, Width: thickness, Height: length}
			if in.Width < in.Height {
				cell.Width, cell.Height = length, thickness
				at.X += length
			} else {
				at.Y += length
			}
			all = append(all, cell)
		}
		if in.Width < in.Height {
			in.Y, in.Height = in.Y+thickness, max(in.Height-thickness, 0)
		} else {
			in.X, in.Width = in.X+thickness, max(in.Width-thickness, 0)
		}
		weights, total = weights[n:], total-sum
	}
	return all
}

// worstRatio is the longest side by the shortest of a row's rectangles.
func worstRatio(row []float64, sum, short, density float64) float64 {
	side := sum * density
	worst := 0.0
	for _, w := range row {
		r := short * short * w * density / (side * side)
		worst = math.Max(worst, math.Max(r, 1/r))
	}
	return worst
}

// tile is a rectangle of the treemap, as it is drawn.
type tile struct {
	area
	Tone   string // class of the layer's kind
	Inside bool   // lies in a layer
	Text   string // what fits into it; "" for nothing
	Size   string // below the text, "" where there is no room
	Label  string // all of it
}

// treemap is an image's size, by layer and what is in it.
type treemap struct {
	Class         string // of the screens that it is for
	Width, Height px
	Tiles         []tile
}

const (
	tileGap    = 1.5
	maxTiles   = 60  // in a layer
	headHeight = 18  // of a layer's name above its files
	runeWidth  = 7.4 // of the drawing's letters, at most
	lineHeight = 16
	margin     = 10
)

// newTreemap draws what an image holds; nil when nothing has a size. A layer's
// area is its compressed size; its packages and files share it by their unpacked
// ones.
func (c Contents) newTreemap(class string, width, height px) *treemap {
	var order []int
	for i, l := range c.Layers {
		if l.Compressed > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Layers[b].Compressed, c.Layers[a].Compressed) })
	const maxLayers = 60
	order = order[:min(len(order), maxLayers)]
	if len(order) == 0 {
		return nil
	}
	weights := make([]float64, len(order))
	for i, at := range order {
		weights[i] = float64(c.Layers[at].Compressed)
	}
	t := &treemap{Class: class, Width: width, Height: height}
	for i, a := range squarify(weights, area{Width: width, Height: height}) {
		l := c.Layers[order[i]]
		label := cleanTo(c.home(order[i]), maxTitle) + ", " + unit.FormatBytes(l.Compressed)
		head := tile{area: a.shrink(tileGap), Tone: tone(l.Kind), Label: label}
		head.Text = fitted(head.Label, head.area)
		t.Tiles = append(t.Tiles, head)
		t.Tiles = append(t.Tiles, c.files(order[i], head)...)
	}
	return t
}

// files are the tiles inside of a layer's, none where there is no room.
func (c Contents) files(at int, head tile) []tile {
	var weights []float64
	var items []Item
	var sum int64
	for _, item := range c.Largest {
		if item.Layer == at && item.Size > 0 && len(items) < maxTiles {
			items, weights, sum = append(items, item), append(weights, float64(item.Size)), sum+item.Size
		}
	}
	in := head.area
	in.Y, in.Height = in.Y+headHeight, in.Height-headHeight
	const small = 24
	if len(items) == 0 || in.Height < small || in.Width < small {
		return nil
	}
	if rest := c.Layers[at].Unpacked - sum; rest > 0 {
		items, weights = append(items, Item{Size: rest}), append(weights, float64(rest))
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	slices.SortFunc(weights, func(a, b float64) int { return cmp.Compare(b, a) })
	var tiles []tile
	for i, a := range squarify(weights, in) {
		item, name := items[order[i]], "the rest"
		label := name
		if item.Path != "" {
			name, label = path.Base(item.Path), item.Path
		}
		size := unit.FormatBytes(item.Size)
		cell := tile{area: a.shrink(tileGap), Tone: head.Tone, Inside: true, Label: cleanTo(label, maxTitle) + ", " + size + " unpacked"}
		if cell.Text = fitted(clean(name), cell.area); cell.Text != "" && cell.Height > 2*lineHeight+margin && fitted(size, cell.area) == size {
			cell.Size = size
		}
		tiles = append(tiles, cell)
	}
	return tiles
}

func (a area) shrink(by px) area {
	x, y := min(by, a.Width), min(by, a.Height)
	a.X, a.Y, a.Width, a.Height = a.X+x/2, a.Y+y/2, a.Width-x, a.Height-y
	return a
}

// fitted is as much of a text as a rectangle has room for, "" when it would say
// too little.
func fitted(text string, in area) string {
	const least = 4
	room := int((float64(in.Width) - margin) / runeWidth)
	if in.Height < lineHeight || room < least && room < utf8.RuneCountInString(text) {
		return ""
	}
	return cut(text, room)
}

// tone is the class of a kind.
func tone(k layer.Kind) string {
	switch k {
	case layer.KindBase, layer.KindPython, layer.KindModel, layer.KindApp, layer.KindConfig:
		return "kind-" + string(k)
	}
	return "kind-other"
}
