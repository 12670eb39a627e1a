// Package notary signs and verifies in memory, for tests of what is done with
// signatures. The cryptography has its own tests.
package notary

import (
	"context"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/sign"
)

// Notary is a sign.Signer and the sign.Verifier that trusts it. The zero value
// is ready.
type Notary struct {
	mu         sync.Mutex
	statements map[string][]sign.Statement
	signed     map[string]bool
	fail       error
}

// By is the identity that it signs with.
func By() sign.Identity { return sign.Identity{Key: "sha256:0123"} }

// Fail has every signature from now on fail; nil ends that.
func (n *Notary) Fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = err
}

// Forget takes the signature off a digest, sha256:HEX, and leaves its statements.
func (n *Notary) Forget(digest string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.signed, digest)
}

// Sign keeps the statements and a signature.
func (n *Notary) Sign(ctx context.Context, digest name.Digest, statements []sign.Statement) (sign.Written, error) {
	entries, err := n.Attest(ctx, digest, statements)
	if err != nil {
		return sign.Written{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.signed == nil {
		n.signed = make(map[string]bool)
	}
	n.signed[digest.DigestStr()] = true
	return sign.Written{By: By(), Attestations: entries}, nil
}

// Attest keeps the statements.
func (n *Notary) Attest(_ context.Context, digest name.Digest, statements []sign.Statement) ([]sign.Entry, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		return nil, n.fail
	}
	if n.statements == nil {
		n.statements = make(map[string][]sign.Statement)
	}
	n.statements[digest.DigestStr()] = append(n.statements[digest.DigestStr()], statements...)
	var entries []sign.Entry
	for _, s := range statements {
		entries = append(entries, sign.Entry{PredicateType: s.PredicateType})
	}
	return entries, nil
}

// Verify returns what was kept.
func (n *Notary) Verify(_ context.Context, digest name.Digest) (sign.Evidence, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := sign.Evidence{Subject: digest, Trusts: "the notary"}
	by := sign.Signature{By: By()}
	if n.signed[digest.DigestStr()] {
		e.Signatures = []sign.Signature{by}
	}
	for _, s := range n.statements[digest.DigestStr()] {
		e.Attestations = append(e.Attestations, sign.Attestation{Statement: s, Signature: by})
	}
	return e, nil
}
