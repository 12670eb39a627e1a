package sigstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/sigstore/sigstore-go/pkg/root"
	"golang.org/x/sync/errgroup"

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
	written := sign.Written{By: session.by}
	if s.options.Format.bundles() {
		if written, err = s.writeBundles(ctx, client, session, digest, *subject, all); err != nil {
			return sign.Written{}, err
		}
	}
	return written, nil
}

// writeBundles signs everything before anything is written. The last statement
// is the signature; it is written when the rest could be read back.
func (s *Signer) writeBundles(ctx context.Context, client *client, session *session, digest name.Digest, subject v1.Descriptor, all []sign.Statement) (sign.Written, error) {
	artifacts := make([]*artifact, len(all))
	entries := make([]sign.Entry, len(all))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, st := range all {
		group.Go(func() error {
			signed, err := session.bundle(inner, digest, st)
			if err != nil {
				return fmt.Errorf("statement %q: %w", st.PredicateType, err)
			}
			artifacts[i], err = newArtifact(subject, st.PredicateType, signed.json)
			if err != nil {
				return err
			}
			entries[i] = sign.Entry{PredicateType: st.PredicateType, Digest: artifacts[i].digest.String(), Log: signed.log}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return sign.Written{}, err
	}
	shelf, last := &shelf{client: client, subject: digest}, len(all)-1
	if last > 0 {
		if err := settle(ctx, shelf, artifacts[:last], 1); err != nil {
			return sign.Written{}, explain(err, digest.Context())
		}
	}
	if err := shelf.put(ctx, artifacts[last:]); err != nil {
		return sign.Written{}, explain(err, digest.Context())
	}
	if err := settle(ctx, shelf, artifacts, stableLooks); err != nil {
		return sign.Written{}, explain(err, digest.Context())
	}
	return sign.Written{By: session.by, Signature: entries[last], Attestations: entries[:last]}, nil
}
