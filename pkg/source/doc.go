// Package source reads the commit that is being shipped: its hash, time,
// branch, tags and remote, from the git repository around a folder, with a
// library and never a shell.
//
// It reads references, commits and tags, and no file of the worktree: whether
// the worktree is clean is not asked, because the answer needs every file's
// hash and the models in it are large. Linked worktrees, submodules, bare
// repositories, shallow and partial clones and borrowed objects (alternates)
// are read; SHA-256 repositories and reftable are errors.
package source
