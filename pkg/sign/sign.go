package sign

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
)

// Statement is an in-toto statement to be bound to the digest.
type Statement struct {
	PredicateType string
	Predicate     []byte // JSON
}

// Signer signs a pushed digest and its statements.
//
// Sign returns only after what it wrote could be read back. A failure leaves
// the registry without any statement that verifies.
type Signer interface {
	Sign(ctx context.Context, digest name.Digest, statements []Statement) (Proof, error)
}

// Verifier checks what a registry holds about a digest against a policy.
type Verifier interface {
	Verify(ctx context.Context, digest name.Digest) (Proof, error)
}

// Proof is the permission to move tags onto one digest. Its zero value permits
// nothing: release.Apply refuses a Proof with no subject.
type Proof struct {
	subject name.Digest
	signed  bool
	note    string
}

// Unsigned is the proof of a run that does not sign; why is printed beside
// every tag that is moved on its strength.
func Unsigned(subject name.Digest, why string) Proof {
	return Proof{subject: subject, note: why}
}

// Subject is the digest that tags may be moved onto, and whether there is one.
func (p Proof) Subject() (name.Digest, bool) {
	return p.subject, p.subject.DigestStr() != ""
}

// Signed says whether a signature stands behind the proof.
func (p Proof) Signed() bool { return p.signed }

// Note says in words what the proof rests on.
func (p Proof) Note() string { return p.note }
