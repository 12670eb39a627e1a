// Package doctor looks at what surrounds a project: credentials, registries, the
// clock, the disk. Each check says in a line what it found, and what to do where
// that is not enough.
//
// Checks run at once, each within a time of its own, and leave nothing behind: an
// upload that was begun to see whether it may be is given up again. What a
// run's exit code would be is not decided here: a Result keeps its error.
package doctor
