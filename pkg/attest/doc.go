// Package attest makes the statements that a digest is signed with: the gates'
// verdict, the same as a test result, an SBOM, provenance, what the scan found, and
// what the model files are. It reads verified ones back, and says what is demanded
// of a verdict.
//
// It is pure: no clock, no I/O; the same facts give the same bytes. Every
// predicate is documented in docs/attestations.md; where a published format
// exists it is used, and its library writes it.
package attest
