// Package tree finds the project's files that go into an image: it expands
// what the config names, applies the ignore rules, and refuses whatever would
// lead out of the project.
//
// Every path is resolved below one os.Root. A symlink in
// a copied directory is kept when it stays inside that directory, and refused
// otherwise; one that is named itself, and every one among model files, stands
// for the file behind it. Devices, sockets and pipes are refused. Ignore rules come from .aishipignore or, without one,
// .dockerignore, in Docker's syntax, after a short list of our own.
package tree
