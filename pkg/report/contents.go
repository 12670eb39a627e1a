package report

import "github.com/org/ai-ship/pkg/layer"

// Contents is what an image's size is made of, and what became of it since the
// baseline. Of several platforms it is the largest image's. All sizes are bytes.
type Contents struct {
	Platform string `json:"platform"`
	Baseline string `json:"baseline"` // what Before and Grown compare with; "" when there is none
	Complete bool   `json:"complete"` // the files of every layer were looked at, the base's too
	Note     string `json:"note"`     // why it is not complete; "" when it is
	// Kinds are the sums of the layers of each kind that either image has, and
	// Layers the layers from the bottom up, then those that are gone.
	Kinds   []Part  `json:"kinds"`
	Layers  []Part  `json:"layers"`
	Largest []Item  `json:"largest"` // packages and files, at most sixty, the largest first
	Grown   []Grown `json:"grown"`   // the ten paths that grew most, by the bytes that are certain
	Waste   []Waste `json:"waste"`   // what could be left out, the most bytes first
}

// Part is a layer, or all layers of a kind.
type Part struct {
	Kind       layer.Kind `json:"kind"`
	Name       string     `json:"name,omitempty"`   // of a layer; "" of a base's
	Digest     string     `json:"digest,omitempty"` // of a layer that is known
	State      string     `json:"state,omitempty"`  // of a layer beside a baseline: same, changed, added or removed
	Compressed int64      `json:"compressed"`
	Unpacked   int64      `json:"unpacked"` // 0 when not known
	Before     *int64     `json:"before"`   // compressed, in the baseline; null without one
}

// Item is a package or a file of a layer.
type Item struct {
	Path  string `json:"path"`  // of a package, its folder; without the leading slash
	Layer int    `json:"layer"` // index into Layers
	Size  int64  `json:"size"`  // unpacked, of the files that are listed
	Files int    `json:"files"`
}

// Grown is a path that takes more bytes than in the baseline. Least and Most
// differ when the baseline does not list all of its files.
type Grown struct {
	Path  string     `json:"path"` // without the leading slash
	Kind  layer.Kind `json:"kind"`
	Size  int64      `json:"size"`
	New   bool       `json:"new"` // not in the baseline's list
	Least int64      `json:"least"`
	Most  int64      `json:"most"`
}

// Waste is what one layer could leave out for one reason.
type Waste struct {
	Kind   string   `json:"kind"` // pip-cache, compiler, duplicate-cuda and others
	Bytes  int64    `json:"bytes"`
	Files  int      `json:"files"`
	Paths  []string `json:"paths"` // at most five places
	Layer  int      `json:"layer"` // index into Layers
	Advice string   `json:"advice"`
}
