// Package publish moves an image to where it will live, by digest: a registry,
// an OCI layout, a docker-load tarball or a Docker daemon. It never writes a
// tag; that is the release package's job and needs a Proof.
//
// A failed push leaves blobs that nothing points to, and never a manifest
// whose parts are missing: blobs go first, then images, then the index.
package publish
