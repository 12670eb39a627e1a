package sigstore

import (
	"context"
	"errors"
	"fmt"
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
	written, err := s.sign(ctx, digest, statements)
	if err != nil {
		return sign.Written{}, fmt.Errorf("signing %s: %w", digest, err)
	}
	return written, nil
}

func (s *Signer) sign(ctx context.Context, digest name.Digest, statements []sign.Statement) (sign.Written, error) {
	if !strings.HasPrefix(digest.DigestStr(), "sha256:") {
		return sign.Written{}, errors.New("only digests by sha256 can be signed")
	}
	for _, st := range statements {
		if st.PredicateType == sign.SignaturePredicate {
			return sign.Written{}, fmt.Errorf("a statement has the predicate type of a signature, %q", st.PredicateType)
		}
	}
	client, err := s.options.Registry.connect(ctx, digest.Context(), transport.PushScope)
	if err != nil {
		return sign.Written{}, err
	}
	subject, err := remote.Head(digest, client.options(ctx)...)
	if err != nil {
		err = fmt.Errorf("looking for it: %w", err)
		if missing(err) {
			err = hint.Wrap(err, "push the image before it is signed")
		}
		return sign.Written{}, explain(err, digest.Context())
	}
	session, err := s.open(ctx)
	if err != nil {
		return sign.Written{}, err
	}
	all := append(statements[:len(statements):len(statements)], sign.Statement{PredicateType: sign.SignaturePredicate, Predicate: []byte("{}")})
	written, err := s.write(ctx, &desk{client: client, session: session, digest: digest, subject: *subject}, all)
	return written, explain(err, digest.Context())
}

// write signs everything before anything is written, and writes the signatures
// when the attestations could be read back.
func (s *Signer) write(ctx context.Context, d *desk, all []sign.Statement) (sign.Written, error) {
	if err := d.sign(ctx, all, s.options.Format); err != nil {
		return sign.Written{}, err
	}
	last := len(all) - 1
	shelf := &shelf{client: d.client, subject: d.digest}
	attLedger := &ledger{client: d.client, tag: cosignTag(d.digest, attSuffix)}
	if s.options.Format.bundles() && last > 0 {
		if err := settle(ctx, shelf, d.artifacts[:last], 1); err != nil {
			return sign.Written{}, err
		}
	}
	if s.options.Format.tags() && last > 0 {
		if err := settle(ctx, attLedger, d.attestations, stableLooks); err != nil {
			return sign.Written{}, err
		}
	}
	if s.options.Format.bundles() {
		if err := shelf.put(ctx, d.artifacts[last:]); err != nil {
			return sign.Written{}, err
		}
		if err := settle(ctx, shelf, d.artifacts, stableLooks); err != nil {
			return sign.Written{}, err
		}
	}
	if s.options.Format.tags() {
		sigLedger := &ledger{client: d.client, tag: cosignTag(d.digest, sigSuffix)}
		if err := settle(ctx, sigLedger, d.signatures, stableLooks); err != nil {
			return sign.Written{}, err
		}
	}
	return sign.Written{By: d.session.by, Signature: d.entries[last], Attestations: d.entries[:last]}, nil
}
