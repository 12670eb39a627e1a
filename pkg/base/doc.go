// Package base opens the image that a build stands on, wherever it is: in a
// registry, in an OCI layout, in a docker-save tarball, or nowhere (scratch).
//
// Opening pins the base to a digest. Layers stay where they are until somebody
// reads them; of a registry base that is never, when the target can mount them.
package base
