// Package sigstore signs digests and checks signatures with the engines of
// sigstore-go and cosign. It is the only importer of either.
//
// A Signer writes one Sigstore bundle (v0.3) for each statement as an OCI 1.1
// referrer of the digest, and last the bundle whose predicate says no more than
// "signed"; clients that are older read the same from cosign's tags
// (Options.Format). Every write is read back until it stays, because a registry
// without the referrers API loses one of two writes that cross.
//
// A Verifier trusts one key, or one identity together with its issuer, and
// fails closed: what is not verified does not count, and it is named with its
// reason. A statement must name the repository that it is found in, unless
// Trust.AnyRepository says otherwise.
//
// Nothing here reads the environment: values come in as options. The clients of
// key management services are the exception; they look for their credentials
// where their vendors keep them. Secrets are of the type Secret, which no
// format prints. A context ends everything, also where an engine has no ear
// for it. Every answer is bounded, and so are an outage's retries.
package sigstore
