// Package model knows what the files of a model are and how they travel: which
// of them make a layer together.
//
// The bounds trade two costs. A layer is what a lost connection re-sends and
// what one changed byte re-uploads, so it should be small; a manifest should
// stay under the hundred-odd layers that runtimes accept, so there should not
// be many.
package model
