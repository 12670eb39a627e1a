package sigstore

import (
	"context"
	"crypto"
	"fmt"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	"github.com/sigstore/sigstore/pkg/signature/options"

	// The services that a key may live in.
	_ "github.com/sigstore/sigstore/pkg/signature/kms/aws"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/azure"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/gcp"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/hashivault"

	"github.com/org/ai-ship/pkg/hint"
)

// isService says whether the reference is a key of a service that is linked
// in. kms.Get must see no other: for a scheme that it does not know it runs a
// program of that name.
func isService(ref string) bool {
	switch scheme(ref) {
	case "awskms", "gcpkms", "azurekms", "hashivault":
		return true
	}
	return false
}

// refuse says why a scheme is not taken, and what is.
func refuse(name string) error {
	advice := "use a key file, env://NAME, awskms://, gcpkms://, azurekms:// or hashivault://"
	switch name {
	case "k8s", "gitlab":
		advice = "put the key into a variable of the job and use env://NAME"
	case "http", "https":
		advice = "download the key, check it, and give the file"
	case "pkcs11":
		advice = "keys on tokens are not supported; " + advice
	}
	return hint.Wrap(fmt.Errorf("scheme %q is not supported", name), advice)
}

// service opens the key of a service. The client looks for its credentials
// where its vendor keeps them, besides what Lookup has for Vault.
func (k Key) service(ctx context.Context) (signature.SignerVerifier, error) {
	auth := options.RPCAuth{}
	if scheme(k.Ref) == "hashivault" {
		auth.Address, _ = k.Lookup.find("VAULT_ADDR")
		auth.Token, _ = k.Lookup.find("VAULT_TOKEN")
		auth.Path, _ = k.Lookup.find("TRANSIT_SECRET_ENGINE_PATH")
	}
	return within(ctx, func() (signature.SignerVerifier, error) {
		return kms.Get(ctx, k.Ref, crypto.SHA256, options.WithContext(ctx), options.WithRPCAuthOpts(auth))
	})
}
