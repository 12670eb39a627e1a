package sigstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign"
)

// Signer signs with a key, or with the identity that a token tells.
type Signer struct {
	options Options
	key     *keypair          // nil with a token
	root    *root.TrustedRoot // nil: what is signed is not checked against one
}

var _ sign.Signer = (*Signer)(nil)

// NewSigner loads the key and the trusted root. It asks nobody when the key is
// a file or value and the root is given.
func NewSigner(ctx context.Context, options Options) (*Signer, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("preparing to sign: %w", err)
	}
	s := &Signer{options: options}
	switch {
	case len(options.Services.Root) > 0:
		s.root, err = parseRoot(options.Services.Root)
	case options.Token != nil:
		s.root, err = fetchRoot(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing to sign: %w", err)
	}
	if options.Key != nil {
		if s.key, err = options.Key.private(ctx); err != nil {
			return nil, fmt.Errorf("preparing to sign: %w", err)
		}
	}
	return s, nil
}

// PublicKey is the key's public half as PEM, nil with a token.
func (s *Signer) PublicKey() ([]byte, error) {
	if s.key == nil {
		return nil, nil
	}
	text, err := s.key.GetPublicKeyPem()
	return []byte(text), err
}

// Sign implements sign.Signer.
func (s *Signer) Sign(ctx context.Context, digest name.Digest, statements []sign.Statement) (sign.Written, error) {
	signature := sign.Statement{PredicateType: sign.SignaturePredicate, Predicate: []byte("{}")}
	d, err := s.prepare(ctx, digest, statements)
	if err == nil {
		err = d.sign(ctx, append(slices.Clip(statements), signature))
	}
	if err == nil {
		err = d.attest(ctx, 1)
	}
	if err == nil {
		err = d.seal(ctx)
	}
	if err != nil {
		return sign.Written{}, fmt.Errorf("signing %s: %w", digest, explain(err, digest.Context()))
	}
	last := len(statements)
	return sign.Written{By: d.session.by, Signature: d.entries[last], Attestations: d.entries[:last]}, nil
}

// Attest implements sign.Signer.
func (s *Signer) Attest(ctx context.Context, digest name.Digest, statements []sign.Statement) ([]sign.Entry, error) {
	d, err := s.prepare(ctx, digest, statements)
	if err == nil {
		err = d.sign(ctx, statements)
	}
	if err == nil {
		err = d.attest(ctx, stableLooks)
	}
	if err != nil {
		return nil, fmt.Errorf("attesting %s: %w", digest, explain(err, digest.Context()))
	}
	return d.entries, nil
}

// prepare checks what is to be signed, finds the digest, and gets a
// certificate if need be.
func (s *Signer) prepare(ctx context.Context, digest name.Digest, statements []sign.Statement) (*desk, error) {
	if !strings.HasPrefix(digest.DigestStr(), "sha256:") {
		return nil, errors.New("only digests by sha256 can be signed")
	}
	for _, st := range statements {
		if st.PredicateType == sign.SignaturePredicate {
			return nil, fmt.Errorf("a statement has the predicate type of a signature, %q", st.PredicateType)
		}
	}
	client, err := s.options.Registry.connect(ctx, digest.Context(), transport.PushScope)
	if err != nil {
		return nil, err
	}
	subject, err := remote.Head(digest, client.options(ctx)...)
	if missing(err) {
		return nil, hint.Wrap(fmt.Errorf("looking for it: %w", err), "push the image before it is signed")
	}
	if err != nil {
		return nil, fmt.Errorf("looking for it: %w", err)
	}
	session, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	return &desk{client: client, session: session, digest: digest, subject: *subject, format: s.options.Format}, nil
}
