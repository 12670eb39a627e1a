package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	engine "github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/org/ai-ship/pkg/sign"
)

// keypair is a key as sigstore-go wants to sign with it. Its private half may
// live in a service.
type keypair struct {
	private   signature.SignerVerifier
	public    crypto.PublicKey
	algorithm signature.AlgorithmDetails
	der       []byte // the public key, PKIX
}

var _ engine.Keypair = (*keypair)(nil)

// newKeypair asks a service for its public key, so that a key that does not
// work is found before anything is signed.
func newKeypair(ctx context.Context, private signature.SignerVerifier) (*keypair, error) {
	public, err := within(ctx, func() (crypto.PublicKey, error) {
		return private.PublicKey(options.WithContext(ctx))
	})
	if err != nil {
		return nil, fmt.Errorf("reading its public key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("encoding its public key: %w", err)
	}
	algorithm, err := signature.GetDefaultAlgorithmDetails(public, options.WithED25519ph())
	if err != nil {
		return nil, fmt.Errorf("choosing its algorithm: %w", err)
	}
	return &keypair{private: private, public: public, algorithm: algorithm, der: der}, nil
}

func (k *keypair) GetHashAlgorithm() protocommon.HashAlgorithm {
	return k.algorithm.GetProtoHashType()
}

func (k *keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.algorithm.GetSignatureAlgorithm()
}

// GetHint is how cosign names a key in a bundle.
func (k *keypair) GetHint() []byte {
	sum := sha256.Sum256(k.der)
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

func (k *keypair) GetKeyAlgorithm() string {
	switch k.public.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA"
	case *rsa.PublicKey:
		return "RSA"
	case ed25519.PublicKey:
		return "ED25519"
	}
	return ""
}

func (k *keypair) GetPublicKey() crypto.PublicKey { return k.public }

func (k *keypair) GetPublicKeyPem() (string, error) {
	text, err := cryptoutils.MarshalPublicKeyToPEM(k.public)
	return string(text), err
}

// SignData returns the signature of data and the digest that was signed.
func (k *keypair) SignData(ctx context.Context, data []byte) ([]byte, []byte, error) {
	hash := k.algorithm.GetHashType().New()
	hash.Write(data)
	digest := hash.Sum(nil)
	signed, err := within(ctx, func() ([]byte, error) {
		return k.private.SignMessage(bytes.NewReader(data), options.WithContext(ctx), options.WithDigest(digest))
	})
	if err != nil {
		return nil, nil, fmt.Errorf("signing with %s: %w", identityOf(k.der), err)
	}
	return signed, digest, nil
}

// identityOf names a public key.
func identityOf(der []byte) sign.Identity {
	sum := sha256.Sum256(der)
	return sign.Identity{Key: "sha256:" + hex.EncodeToString(sum[:])}
}

// within runs what has no ear for a context, and leaves it behind when ctx
// ends: Vault's client takes no context at all.
func within[T any](ctx context.Context, run func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := run()
		done <- outcome{value, err}
	}()
	select {
	case out := <-done:
		return out.value, out.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
