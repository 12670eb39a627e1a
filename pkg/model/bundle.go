package model

import (
	"time"

	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/tree"
)

const (
	// firstBound is what a layer of bundled files may hold before bounds grow.
	firstBound = 256 << 20 // bytes
	// maxLayers is how many layers the files of one model may make. Overlay
	// file systems stop at 128, and the base and the app need theirs.
	maxLayers = 64
	// CompressBelow is the size under which a bundle is stored as gzip: small
	// bundles are tokenizers and configs, which compress, and cost no time.
	CompressBelow = 16 << 20 // bytes
)

// Bundle groups files into layers, in the files' order: a file as large as the
// bound stands alone, smaller ones go together up to it. The bound starts at
// 256 MiB and doubles until there are at most 64 layers, so that equal files
// always give equal layers.
func Bundle(files []tree.File) [][]tree.File {
	for bound := int64(firstBound); ; bound *= 2 {
		if groups := bundle(files, bound); len(groups) <= maxLayers {
			return groups
		}
	}
}

func bundle(files []tree.File, bound int64) [][]tree.File {
	var groups [][]tree.File
	var small []tree.File
	var held int64
	for _, f := range files {
		size := Size(f)
		switch {
		case size >= bound:
			groups = append(groups, []tree.File{f})
			continue
		case held+size > bound:
			groups, small, held = append(groups, small), nil, 0
		}
		small, held = append(small, f), held+size
	}
	if len(small) > 0 {
		groups = append(groups, small)
	}
	return groups
}

// Size is a file's length in bytes, 0 for a symlink.
func Size(f tree.File) int64 {
	if f.Content == nil {
		return 0
	}
	return f.Content.Size()
}

// Compression is how a group of files is stored. Weights do not compress.
func Compression(files []tree.File) layer.Compression {
	var sum int64
	for _, f := range files {
		sum += Size(f)
	}
	if sum < CompressBelow {
		return layer.Gzip
	}
	return layer.Plain
}

// Newest is the file that was modified last; a report that is older measured
// something else. ok is false when there are no files.
func Newest(files []tree.File) (path string, modified time.Time, ok bool) {
	for _, f := range files {
		if !ok || f.ModTime.After(modified) {
			path, modified, ok = f.Source, f.ModTime, true
		}
	}
	return path, modified, ok
}
