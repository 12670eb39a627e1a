package sigstore

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	engine "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/org/ai-ship/pkg/sign"
)

// maxSignings is how often a statement is signed again because the log has the
// entry already.
const maxSignings = 3

// session is one call of Sign: one certificate and one key for everything that
// is said about a digest.
type session struct {
	by          sign.Identity
	keypair     engine.Keypair
	certificate *x509.Certificate // nil with a key
	services    Services
	root        root.TrustedMaterial             // nil: signatures are not checked when they are made
	logs        map[string]*root.TransparencyLog // as the trusted root names them
}

// open gets ready to sign: with a token that means a key for this session and a
// certificate for it.
func (s *Signer) open(ctx context.Context) (*session, error) {
	out := &session{services: s.options.Services}
	if s.root != nil {
		out.root, out.logs = s.root, s.root.RekorLogs()
	}
	if s.key != nil {
		out.keypair, out.by = s.key, identityOf(s.key.der)
		if s.root == nil {
			return out, nil
		}
		var err error
		out.root, err = withKey(s.root, s.key.public)
		return out, err
	}
	token, err := s.options.Token.Token(ctx)
	if err != nil {
		return nil, err
	}
	return out, out.certify(ctx, token)
}

// certify asks the certificate authority who the token's holder is.
func (s *session) certify(ctx context.Context, token Secret) error {
	pair, err := engine.NewEphemeralKeypair(nil)
	if err != nil {
		return fmt.Errorf("making a key for this signature: %w", err)
	}
	authority := engine.NewFulcio(&engine.FulcioOptions{
		BaseURL: s.services.Fulcio, Timeout: -1,
		Transport: patient(ctx, "the certificate authority", "see whether it takes tokens of this issuer, made out to "+Audience, s.services.Transport, s.services.Retry),
	})
	der, err := authority.GetCertificate(ctx, pair, &engine.CertificateProviderOptions{IDToken: token.Reveal()})
	if err != nil {
		return fmt.Errorf("getting a certificate: %w", plainly(err))
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	summary, err := certificate.SummarizeCertificate(leaf)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	s.keypair, s.certificate = pair, leaf
	s.by = sign.Identity{Subject: summary.SubjectAlternativeName, Issuer: summary.Issuer}
	return nil
}

// GetCertificate gives sigstore-go the session's certificate.
func (s *session) GetCertificate(context.Context, engine.Keypair, *engine.CertificateProviderOptions) ([]byte, error) {
	return s.certificate.Raw, nil
}

// pem is the certificate for cosign's tags.
func (s *session) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

// signed is one bundle.
type signed struct {
	json  []byte
	proto *protobundle.Bundle
	log   string // place in the log, ""
}

// bundle signs one statement.
func (s *session) bundle(ctx context.Context, digest name.Digest, st sign.Statement) (signed, error) {
	text, err := encode(digest, st)
	if err != nil {
		return signed{}, err
	}
	return s.seal(ctx, &engine.DSSEData{Data: text, PayloadType: payloadType})
}

// seal signs the content, has it timestamped and logged, and checks the whole
// against the trusted root.
func (s *session) seal(ctx context.Context, content engine.Content) (signed, error) {
	options := engine.BundleOptions{Context: ctx, TrustedRoot: s.root}
	if s.certificate != nil {
		options.CertificateProvider = s
	}
	if s.services.Timestamps != "" {
		options.TimestampAuthorities = []*engine.TimestampAuthority{s.timestamps(ctx)}
	}
	if s.services.Rekor != "" {
		client, err := newLog(ctx, s.services)
		if err != nil {
			return signed{}, err
		}
		options.TransparencyLogs = []engine.Transparency{client.transparency(s.services.RekorVersion)}
	}
	for try := 1; ; try++ {
		made, err := engine.Bundle(content, s.keypair, options)
		if errors.Is(err, errLogged) && try < maxSignings {
			continue
		}
		if err != nil {
			return signed{}, plainly(err)
		}
		text, err := protojson.Marshal(made)
		return signed{json: text, proto: made, log: s.logged(made)}, err
	}
}

func (s *session) timestamps(ctx context.Context) *engine.TimestampAuthority {
	return engine.NewTimestampAuthority(&engine.TimestampAuthorityOptions{
		URL: s.services.Timestamps, Timeout: -1,
		Transport: patient(ctx, "the timestamp authority", "see whether the URL ends in the path of its endpoint", s.services.Transport, s.services.Retry),
	})
}

// logged is where the bundle's entry is in the log.
func (s *session) logged(b *protobundle.Bundle) string {
	for _, entry := range b.GetVerificationMaterial().GetTlogEntries() {
		return placeInLog(s.logs, entry.GetLogId().GetKeyId(), entry.GetLogIndex())
	}
	return ""
}
