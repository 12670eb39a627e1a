package sign

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// SignaturePredicate is the predicate type of a statement that says no more
// than "this is signed": a bundle without it is an attestation and no
// signature (cosign, pkg/types).
const SignaturePredicate = "https://sigstore.dev/cosign/sign/v1"

// Statement is what is said about a digest: an in-toto Statement v1 without its
// subject, which is always the digest that it is signed for.
type Statement struct {
	PredicateType string          // URI
	Predicate     json.RawMessage // one JSON object
}

// Signer signs a pushed digest and statements about it.
//
// Both methods return when all that they wrote could be read back, and end with
// ctx. What was written before a failure stays; signing again completes it.
type Signer interface {
	// Sign writes the attestations and then the signature, so that a digest with
	// a signature has all its statements.
	Sign(ctx context.Context, digest name.Digest, statements []Statement) (Written, error)
	// Attest writes statements about a digest that has its signature already.
	Attest(ctx context.Context, digest name.Digest, statements []Statement) ([]Entry, error)
}

// Written is what a Signer has put beside a digest.
type Written struct {
	By           Identity
	Signature    Entry
	Attestations []Entry // in the order of the statements
}

// Entry is one signed statement in a registry.
type Entry struct {
	PredicateType string
	Digest        string // sha256:HEX of the referrer's manifest, or of the layer of a legacy tag
	Log           string // place in the transparency log, "" when there is none
}

// Identity is who signed: somebody whom an issuer vouched for, or a key.
type Identity struct {
	Subject string // of the certificate: a workflow's URI, an address; "" for a key
	Issuer  string // who vouched for the subject; "" for a key
	Key     string // sha256:HEX of the public key's DER form; "" for a certificate
}

// String names the identity in a sentence.
func (i Identity) String() string {
	if i.Subject != "" {
		return i.Subject + " (" + i.Issuer + ")"
	}
	return "key " + i.Key
}

// Verifier finds what is said about a digest by those whom it was made to
// trust, with its cryptography checked and its subject being the digest.
//
// An error means that nothing is known: the registry did not answer. A digest about which nothing
// verifies is no error but an Evidence without signatures, whose Refused says
// what was found.
type Verifier interface {
	Verify(ctx context.Context, digest name.Digest) (Evidence, error)
}

// Evidence is what a Verifier found about a digest.
type Evidence struct {
	Subject      name.Digest
	Trusts       string        // whom the verifier trusts, in words
	Signatures   []Signature   // of the digest itself
	Attestations []Attestation // statements about it, oldest first as far as their time is known
	Refused      []Refusal     // found, and not counted
}

// Signature is a verified signature.
type Signature struct {
	By  Identity
	At  time.Time // by a timestamp authority or a log; zero when nobody vouches for one
	Log string    // place in the transparency log, "" when there is none
	// Digest is that of Entry.Digest.
	Digest string
}

// Attestation is a verified statement.
type Attestation struct {
	Statement
	Signature
}

// Refusal is something that was found beside a digest and does not verify.
type Refusal struct {
	Digest        string
	PredicateType string // as its annotation or content claims; "" when not known
	Reason        string // one sentence
}
