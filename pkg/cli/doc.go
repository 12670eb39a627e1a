// Package cli turns arguments and environment into one run: a file per
// subcommand, the only exit-code table, and the only place where engines are
// wired to the pipeline.
//
// Data goes to standard output, everything said on the way to standard error.
// Nothing below this package reads the process's environment or ends it.
package cli
