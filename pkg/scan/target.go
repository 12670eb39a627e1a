package scan

import (
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Target is one platform's image as scanners see it, before anything is pushed.
type Target struct {
	// Image has the base's layers and ours but those of models: its config lists
	// only their diffIDs. What a model layer holds is in Files, so that weights
	// need not be hashed, or read twice, to be scanned.
	Image    v1.Image
	Name     string // reference that the image will have, repository:tag
	Platform string // such as linux/amd64
	Layers   []Layer
	Files    []File // of our layers, model layers included, in the image's order
}

// Layer is one layer of Target.Image, from the bottom up.
type Layer struct {
	Digest v1.Hash // of the stored form
	DiffID v1.Hash
	Kind   string // base, python, app or config
}

// File is a regular file of one of our layers.
type File struct {
	Path string // in the image, slash-separated, without leading slash
	Kind string // of its layer: python, model, app or config
	Size int64  // bytes
	// Stamp changes whenever the content may have changed, and costs no read; ""
	// where that cannot be told, as of a file that changed a moment ago.
	Stamp string
	// SHA256 is the content's, in hex, where it is known without reading it; else "".
	SHA256 string
	// Open gives random access to the content on this machine. The caller closes
	// it.
	Open func() (Content, error)
}

// Content is an open file.
type Content interface {
	io.ReaderAt
	io.Closer
}
