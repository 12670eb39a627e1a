// Package release owns versions, tags and channels: which tags an event
// earns, and moving them, last of all, onto a digest that a Proof permits.
//
// No registry offers compare-and-swap on a tag, so a lost race is detected,
// by reading the tag back, and never prevented.
package release
