package sigstore

import (
	"context"
	"crypto"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
)

// openService is the engine's door, with no list before it.
func openService(ctx context.Context, ref string) (signature.SignerVerifier, error) {
	return kms.Get(ctx, ref, crypto.SHA256)
}

// runEvil asks the engine for a key of a scheme that it does not know.
func runEvil(ctx context.Context) error {
	service, err := openService(ctx, "evil://x")
	if err != nil {
		return err
	}
	_, err = service.PublicKey()
	return err
}
