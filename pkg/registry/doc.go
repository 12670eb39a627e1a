// Package registry is the registry inside ai-ship: it serves a folder on the
// loopback interface, so that everything that needs a registry works without
// one, and what is pushed stays on disk for the next run.
//
// The folder holds one OCI layout per repository. Nothing in it is ever
// deleted or collected by this package. There is no login, so the address
// should stay a loopback one.
package registry
