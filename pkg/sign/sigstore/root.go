package sigstore

import (
	"context"
	"crypto"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/org/ai-ship/pkg/hint"
)

// parseRoot reads a trusted root file.
func parseRoot(text []byte) (*root.TrustedRoot, error) {
	parsed, err := root.NewTrustedRootFromJSON(text)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("reading the trusted root: %w", err), "give a file trusted_root.json of version 0.1")
	}
	return parsed, nil
}

// fetchRoot gets the public good instance's root by TUF, from the root of
// trust that is compiled in. Nothing is kept on disk.
func fetchRoot(ctx context.Context) (*root.TrustedRoot, error) {
	fetched, err := within(ctx, func() (*root.TrustedRoot, error) {
		return root.FetchTrustedRootWithOptions(tuf.DefaultOptions().WithDisableLocalCache().WithContext(ctx))
	})
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("fetching the trusted root from %s: %w", tuf.DefaultMirror, err),
			"give a trusted root file; with one, nothing is fetched")
	}
	return fetched, nil
}

// withKey is a root that also trusts one key, whatever its name.
func withKey(services root.TrustedMaterial, public crypto.PublicKey) (root.TrustedMaterial, error) {
	verifier, err := loadVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("loading public key: %w", err)
	}
	key := root.NewExpiringKey(verifier, time.Time{}, time.Time{})
	keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return key, nil })
	if services == nil {
		return keys, nil
	}
	return root.TrustedMaterialCollection{keys, services}, nil
}
