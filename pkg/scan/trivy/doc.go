// Package trivy finds known vulnerabilities and secrets in an image with the
// trivy engine, in this process and before anything is pushed.
//
// It is the only importer of trivy, which is made for its own command line:
// analysis errors, cut layers, unknown distributions and versions that cannot
// be compared are log lines there, and the result looks clean. Here each of
// them is an entry of scan.Findings.Incomplete with one of these IDs:
//
//	unverified-layer       the layer's content is not what its diffID says
//	walk-error             a layer's archive, or a file in it, could not be read
//	analysis-error         a file could not be understood
//	jar-without-database   Java archives that no database could name
//	unknown-os             no distribution was recognised
//	unsupported-os         the distribution has no advisories in trivy
//	unsupported-os-version the distribution stopped publishing advisories
//	no-os-packages         the distribution is known, its package list is not
//	unparsable-version     a version or an advisory could not be compared
//	unread-component       an SBOM's component is no package that could be looked up
//	no-database            packages were listed, and looked up nowhere
//	no-advisories-X        the database knows nothing of the ecosystem X
//
// # Global state
//
// Trivy keeps its database, its analyzers, its logger and its temporary folder
// in package variables. Therefore one scan runs at a time in a process,
// whatever the number of engines; the others wait, and stop waiting when their
// context ends. While a scan runs, slog's default logger belongs to it.
//
// # Secrets
//
// They are trivy's rules, applied to the layer's stream while trivy reads it, in
// pieces of trivy's size; its own analyzer is off. What is found is the same,
// but for what trivy quotes around it. Package sieve says which rules may match
// a piece, so that the others need not be tried.
//
// # Temporary files
//
// Trivy copies what it parses, mostly lists of packages, into one folder below
// os.TempDir, which it chooses at a process's first scan and which is removed at
// the end of each. A file of 100 MiB or more is copied only when an analyzer
// opens it: a program by its mode and its first bytes, or a Java archive when
// there is a database for these.
package trivy
