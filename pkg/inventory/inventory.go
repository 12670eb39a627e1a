package inventory

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/layer"
)

const (
	// PathsAnnotation is the key under which a layer's summary stands on its
	// descriptor.
	PathsAnnotation = "dev.ai-ship.paths"
	// KindAnnotation tells on a descriptor what its layer is for.
	KindAnnotation = "dev.ai-ship.kind"
)

// maxBytes bounds every size that is taken from outside, so that sums over as
// many layers as a manifest can hold cannot overflow.
const maxBytes = 1 << 44 // 16 TiB

// Type is what stands at a path.
type Type uint8

// The types of a File. Directories and devices are not listed: they weigh
// nothing.
const (
	Regular  Type = iota
	Symlink       // Size 0
	Hardlink      // another name of a file of the same layer; Size 0
	Whiteout      // deletes Path of the layers below; Size 0
	Opaque        // deletes all that layers below have in the directory Path; Size 0
)

// File is one path of a layer.
type File struct {
	Path   string // clean, slash-separated, no leading slash; "." is the root
	Size   int64  // bytes of content
	Type   Type
	Linked bool // the layer has hard links to it, so that leaving it out saves nothing
	// ID is equal for two files that are known to have equal bytes; empty when
	// nothing is known. It is kept for files of 1 MiB and more.
	ID string
}

// Listing is how much of a layer's files is listed.
type Listing uint8

const (
	None    Listing = iota
	Largest         // no file left out is larger than the smallest one listed
	All
)

// Layer is one layer and what is known of its files.
type Layer struct {
	Digest    string     // of the stored form; empty while nobody knows it
	Kind      layer.Kind // base when it is not one of ours
	Name      string     // for people; base layers have none
	Size      int64      // bytes of the stored form
	Unpacked  int64      // bytes of the tar stream; 0 when not known
	Files     []File     // largest first, ties by path
	Listed    Listing
	FileCount int // regular files in the layer, listed or not; 0 when Listed is None
}

// Inventory is one platform's image, layers from the bottom up.
type Inventory struct {
	Platform string // such as linux/amd64; empty when not known
	Layers   []Layer
}

// Of reads a manifest. Layers that ai-ship built have their summaries; of
// others only the size is known. A summary that cannot be read is as none:
// manifests come from registries, and explain but decide nothing.
func Of(m v1.Manifest) Inventory {
	var inv Inventory
	for _, d := range m.Layers {
		inv.Layers = append(inv.Layers, OfDescriptor(d))
	}
	return inv
}

// OfDescriptor is what a layer's descriptor tells.
func OfDescriptor(d v1.Descriptor) Layer {
	l, err := ParseSummary(d.Annotations[PathsAnnotation])
	if err != nil {
		l = Layer{}
	}
	l.Digest, l.Kind = d.Digest.String(), kind(d.Annotations[KindAnnotation])
	if d.Digest == (v1.Hash{}) {
		l.Digest = ""
	}
	l.Size = min(max(d.Size, 0), maxBytes)
	return l
}

// kinds are in the order of reports.
func kinds() []layer.Kind {
	return []layer.Kind{layer.KindBase, layer.KindPython, layer.KindModel, layer.KindApp, layer.KindConfig}
}

func kind(text string) layer.Kind {
	if k := layer.Kind(text); slices.Contains(kinds(), k) {
		return k
	}
	return layer.KindBase
}

// OfLayer lists a layer of ours from its entries, without reading a byte. The
// digest and the stored size are left for whoever knows them.
func OfLayer(l *layer.Layer) Layer {
	all := Layer{Kind: l.Kind(), Name: l.Name(), Unpacked: l.Unpacked(), Listed: All}
	for _, e := range l.Entries() {
		f := File{Path: e.Path}
		switch {
		case e.Mode&fs.ModeSymlink != 0:
			f.Type = Symlink
		case e.Content != nil:
			f.Size, f.ID = e.Content.Size(), identity(e.Content)
			all.FileCount++
		default:
			continue
		}
		all.Files = append(all.Files, f)
	}
	slices.SortFunc(all.Files, order)
	return all
}

// minID is the size from which files get an ID; smaller ones are not worth
// one.
const minID = 1 << 20 // bytes

// identity is the content's stamp where that names one file on disk: two paths
// of the image with one stamp were copied from the same file. Systems without
// inode numbers have 0 in their place, and equal sizes and times prove nothing.
func identity(c layer.Content) string {
	if c.Size() < minID {
		return ""
	}
	stamp := c.Stamp()
	fields := strings.Split(stamp, ":") // file:SIZE:MTIME:INODE:CTIME or bytes:SHA256
	if fields[0] == "file" && (len(fields) != 5 || fields[3] == "0") {
		return ""
	}
	return stamp
}

// order is the largest first, ties by path.
func order(a, b File) int {
	return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Type, b.Type))
}

// Compressed is the sum of the layers' stored sizes in bytes.
func (inv Inventory) Compressed() int64 {
	var sum int64
	for _, l := range inv.Layers {
		sum += l.Size
	}
	return sum
}

// Unpacked is the sum of the layers' tar streams in bytes; ok is false when
// one of them is not known.
func (inv Inventory) Unpacked() (sum int64, ok bool) {
	for _, l := range inv.Layers {
		if l.Unpacked == 0 {
			return 0, false
		}
		sum += l.Unpacked
	}
	return sum, true
}
