// Package layer turns files into an image layer without ever storing it.
//
// A Layer is a view over its entries: every byte of the tar stream belongs to
// a header, to a file's content or to padding, and the view knows where each
// begins. It can be opened at any offset, any number of times, and holds no
// file open between reads. A plain layer is stored as it is (its digest is its
// diffID); a gzip layer is compressed while it is read.
//
// # Reproducibility
//
// Entries are sorted by path, owners are numeric, modes are 0755 or 0644, and
// every time is the one given at construction. The same entries give the same
// digest on any machine. The gzip encoder is a pinned module and not the
// standard library's, whose output may change with the toolchain.
//
// # Knowing the digest
//
// A plain layer can be sent before it is known: whoever reads OpenAt(0) to its
// end has made it known, so that a push hashes and uploads in one pass.
// With Facts from a cache or a predecessor, nothing is read at all.
package layer
