// Package publish moves an image to where it will live, by digest: a registry,
// an OCI layout, a docker-load tarball or a Docker daemon. It never writes a
// tag to a registry; that is the release package's job and needs a Proof.
//
// # Order
//
// A failed push leaves blobs that nothing points to, and never a manifest
// whose parts are missing: layers go first, then configs, then images by
// digest, then the index by digest. At the end the registry is asked for every
// manifest again.
//
// # Bytes
//
// A layer whose digest is not known yet (see View) is hashed while it is sent:
// one pass, no temporary file, and memory does not depend on its size.
//
// # Failures
//
// Every request is repeated after a temporary failure, with exponential
// backoff, jitter, and the registry's Retry-After. An upload that broke off is
// continued where the registry says that it stopped; when the registry cannot
// say, it starts over. Silence is cut by a watchdog. Refused credentials are
// ErrDenied and final.
package publish
