package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

const (
	// WasteFloor is the size below which a waste is left out.
	WasteFloor = 1 << 20 // bytes
	// maxExamples is how many paths a waste names.
	maxExamples = 5
)

// WasteKind is why bytes could be left out.
type WasteKind string

// The kinds of waste, in the order in which a file is claimed: a file that
// fits several counts under the first, and only there.
const (
	Deleted       WasteKind = "deleted"  // by a layer above, and shipped all the same
	Replaced      WasteKind = "replaced" // written again by a layer above
	PipCache      WasteKind = "pip-cache"
	UVCache       WasteKind = "uv-cache"
	PoetryCache   WasteKind = "poetry-cache"
	CondaCache    WasteKind = "conda-cache"
	AptCache      WasteKind = "apt-cache"
	ModelCache    WasteKind = "model-cache"
	Git           WasteKind = "git"
	Bytecode      WasteKind = "bytecode"
	PackageTests  WasteKind = "package-tests"
	AppTests      WasteKind = "app-tests"
	CUDAToolkit   WasteKind = "cuda-toolkit"
	Compiler      WasteKind = "compiler"
	DuplicateCUDA WasteKind = "duplicate-cuda" // one library in two places
	Duplicate     WasteKind = "duplicate"      // two files of equal bytes
)

// Advice is one sentence that a person can act on.
func (k WasteKind) Advice() string {
	switch k {
	case Deleted:
		return "delete the files in the same RUN that makes them: a later layer hides them, but they are still shipped"
	case Replaced:
		return "write the files once: the copy in the lower layer is shipped but can never be read"
	case PipCache:
		return "add PIP_NO_CACHE_DIR=1 to the environment of pip install, or call it with --no-cache-dir"
	case UVCache:
		return "add UV_NO_CACHE=1 to the environment of uv, or keep its cache in a RUN --mount=type=cache"
	case PoetryCache:
		return "call poetry install with --no-cache, or delete ~/.cache/pypoetry in the same RUN"
	case CondaCache:
		return "end the RUN that installs with conda clean --all --yes"
	case AptCache:
		return "end the RUN that installs with apt-get clean and rm -rf /var/lib/apt/lists/*"
	case ModelCache:
		return "list the model under models: and delete the download cache, unless the program loads from the cache itself"
	case Git:
		return "leave .git out with .aishipignore, or delete the clone in the RUN that made it"
	case Bytecode:
		return "install with pip install --no-compile, or delete __pycache__ in the same RUN, where a slower first import is acceptable"
	case PackageTests:
		return "delete the packages' tests directories in the RUN that installs them"
	case AppTests:
		return "leave the tests and their data out with .aishipignore"
	case CUDAToolkit:
		return "use the runtime image instead of devel, and compile what needs nvcc or static libraries in a stage of its own"
	case Compiler:
		return "compile in a stage of its own and copy the result, unless the program compiles at run time, as torch.compile does"
	case DuplicateCUDA:
		return "take a base without CUDA, such as python:slim or nvidia/cuda with base in its tag: the Python packages bring their own libraries"
	case Duplicate:
		return "ship the file once and let the other paths be symlinks to it"
	}
	return ""
}

// Waste is what one layer could leave out for one reason.
type Waste struct {
	Kind  WasteKind
	Bytes int64 // unpacked, of file contents
	Count int   // files
	// Paths are at most five of the places: directories for caches and the
	// like, else files; the heaviest first, ties by path.
	Paths  []string
	Layer  int // index of the layer that holds the bytes
	Advice string
}

// candidate is a file that may be waste.
type candidate struct {
	layer int
	file  File
}

// Wastes finds what the image could leave out, the most bytes first. Layers
// without a list are taken to hold none. A file that has hard links is never
// counted, since leaving one name out saves nothing.
func Wastes(inv Inventory) []Waste {
	s := sorter{found: make(map[wasteKey]*heap)}
	var rest []candidate
	for _, c := range s.dead(inv) {
		if kind, place := classify(inv.Layers[c.layer].Kind, c.file.Path); kind != "" {
			s.claim(kind, c, place)
		} else {
			rest = append(rest, c)
		}
	}
	rest = s.twice(DuplicateCUDA, rest, func(f File) string { return soname(f.Path) })
	s.twice(Duplicate, rest, func(f File) string {
		if f.Size < minID {
			return ""
		}
		return f.ID
	})
	return s.wastes()
}

type wasteKey struct {
	kind  WasteKind
	layer int
}

// heap is what is found under one key.
type heap struct {
	bytes  int64
	count  int
	places map[string]int64
}

type sorter struct{ found map[wasteKey]*heap }

func (s sorter) claim(kind WasteKind, c candidate, place string) {
	key := wasteKey{kind, c.layer}
	h := s.found[key]
	if h == nil {
		h = &heap{places: make(map[string]int64)}
		s.found[key] = h
	}
	h.bytes += c.file.Size
	h.count++
	h.places[place] += c.file.Size
}

func (s sorter) wastes() []Waste {
	var all []Waste
	for key, h := range s.found {
		if h.bytes < WasteFloor {
			continue
		}
		paths := slices.SortedFunc(maps.Keys(h.places), func(a, b string) int {
			return cmp.Or(cmp.Compare(h.places[b], h.places[a]), cmp.Compare(a, b))
		})
		all = append(all, Waste{
			Kind: key.kind, Bytes: h.bytes, Count: h.count, Layer: key.layer,
			Paths: paths[:min(len(paths), maxExamples)], Advice: key.kind.Advice(),
		})
	}
	slices.SortFunc(all, func(a, b Waste) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Layer, b.Layer))
	})
	return all
}

// dead claims the files that a layer above deletes or writes again, and
// returns the others that weigh anything, from the top down.
func (s sorter) dead(inv Inventory) []candidate {
	var alive []candidate
	above := make(map[string]Type) // what stands at a path in a layer above
	opaque := make(map[string]bool)
	for i := len(inv.Layers) - 1; i >= 0; i-- {
		for _, f := range inv.Layers[i].Files {
			if f.Type != Regular || f.Size == 0 || f.Linked {
				continue
			}
			c := candidate{i, f}
			if kind := fate(f.Path, above, opaque); kind != "" {
				s.claim(kind, c, f.Path)
			} else {
				alive = append(alive, c)
			}
		}
		if i == 0 {
			break // nothing is below
		}
		for _, f := range inv.Layers[i].Files {
			if f.Type == Opaque {
				opaque[f.Path] = true
			} else if t, ok := above[f.Path]; !ok || t == Whiteout {
				above[f.Path] = f.Type
			}
		}
	}
	return alive
}

// fate is Deleted, Replaced or, for a file that can be read, empty.
func fate(path string, above map[string]Type, opaque map[string]bool) WasteKind {
	if t, ok := above[path]; ok {
		if t == Whiteout {
			return Deleted
		}
		return Replaced
	}
	for dir := path; dir != "."; {
		if i := strings.LastIndexByte(dir, '/'); i >= 0 {
			dir = dir[:i]
		} else {
			dir = "."
		}
		if _, ok := above[dir]; ok || opaque[dir] {
			return Deleted // with the directory that it was in
		}
	}
	return ""
}

// twice claims all but one of the files that share a key, and returns those
// it did not claim. A copy among Python's packages is kept, since they load
// their own; else the largest, so that the claim is the least that can be saved;
// of equals the one in the lowest layer, then the first path.
func (s sorter) twice(kind WasteKind, files []candidate, key func(File) string) (rest []candidate) {
	groups := make(map[string][]candidate)
	for _, c := range files {
		if k := key(c.file); k != "" {
			groups[k] = append(groups[k], c)
		} else {
			rest = append(rest, c)
		}
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b candidate) int {
			return cmp.Or(packaged(b.file.Path)-packaged(a.file.Path), cmp.Compare(b.file.Size, a.file.Size),
				cmp.Compare(a.layer, b.layer), cmp.Compare(a.file.Path, b.file.Path))
		})
		rest = append(rest, group[0])
		for _, c := range group[1:] {
			s.claim(kind, c, c.file.Path)
		}
	}
	return rest
}

// packaged is 1 for a file of a Python package.
func packaged(path string) int {
	if strings.Contains(path, "/site-packages/") || strings.Contains(path, "/dist-packages/") {
		return 1
	}
	return 0
}
