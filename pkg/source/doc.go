// Package source reads the commit that is being shipped: its hash, time,
// branch, tags and remote, from the git repository around a folder, with a
// library and never a shell.
package source
