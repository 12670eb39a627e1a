// Package build puts base, files and config together into an image, or an
// index over one image a platform.
//
// Building reads no more than it must. Layers are views (package layer); what
// a predecessor's manifest or the local cache knows about them is taken over by
// recipe; a large model layer that nobody knows stays unknown, and the push
// that reads it anyway finds its digest. Manifests are put together when
// somebody asks for them, from what is known by then.
package build
