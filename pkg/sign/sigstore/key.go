package sigstore

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign"
)

// maxKey is what a key's file may weigh, in bytes.
const maxKey = 1 << 20

// Key names a key and says where its parts come from.
type Key struct {
	// Ref is a file, env://NAME, or a key of a service: awskms://, gcpkms://,
	// azurekms:// or hashivault://.
	Ref string
	// Folder is where files are read; a path that leaves it is refused.
	Folder *os.Root
	// Lookup finds the values of env://NAME, and VAULT_ADDR, VAULT_TOKEN and
	// TRANSIT_SECRET_ENGINE_PATH for hashivault://.
	Lookup Lookup
	// Password decrypts a private key that is a file or a value.
	Password Secret
}

// scheme is the part of a reference before "://", "" for a file. Its case
// counts, as it does for the engine.
func scheme(ref string) string {
	before, _, found := strings.Cut(ref, "://")
	if !found {
		return ""
	}
	return before
}

// private loads the key to sign with.
func (k Key) private(ctx context.Context) (*keypair, error) {
	pair, err := k.loadPrivate(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading key %q: %w", k.Ref, err)
	}
	return pair, nil
}

func (k Key) loadPrivate(ctx context.Context) (*keypair, error) {
	if isService(k.Ref) {
		service, err := k.service(ctx)
		if err != nil {
			return nil, err
		}
		return newKeypair(ctx, service)
	}
	text, err := k.text()
	if err != nil {
		return nil, err
	}
	private, err := cosign.LoadPrivateKey(text, []byte(k.Password.Reveal()), nil)
	if err != nil {
		return nil, hint.Wrap(err, "give an encrypted private key as cosign generate-key-pair makes it, and its password in COSIGN_PASSWORD")
	}
	return newKeypair(ctx, private)
}

// Public loads the public half: a PEM file or value, or what the service says.
// The answer is PEM.
func (k Key) Public(ctx context.Context) ([]byte, error) {
	public, err := k.public(ctx)
	if err != nil {
		return nil, err
	}
	return cryptoutils.MarshalPublicKeyToPEM(public)
}

func (k Key) public(ctx context.Context) (crypto.PublicKey, error) {
	public, err := k.loadPublic(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading public key %q: %w", k.Ref, err)
	}
	return public, nil
}

func (k Key) loadPublic(ctx context.Context) (crypto.PublicKey, error) {
	if isService(k.Ref) {
		service, err := k.service(ctx)
		if err != nil {
			return nil, err
		}
		pair, err := newKeypair(ctx, service)
		if err != nil {
			return nil, err
		}
		return pair.public, nil
	}
	text, err := k.text()
	if err != nil {
		return nil, err
	}
	return parsePublic(text)
}

func parsePublic(text []byte) (crypto.PublicKey, error) {
	public, err := cryptoutils.UnmarshalPEMToPublicKey(text)
	if err != nil {
		return nil, hint.Wrap(err, "give a public key in PEM form, as in cosign.pub")
	}
	return public, nil
}

// text reads a key that is a file or a value.
func (k Key) text() ([]byte, error) {
	switch name := scheme(k.Ref); name {
	case "":
		return k.file()
	case "env":
		variable := k.Ref[len("env://"):]
		value, found := k.Lookup.find(variable)
		if !found || value == "" {
			return nil, hint.Wrap(fmt.Errorf("%s is not set", variable), "put the key's text into "+variable)
		}
		return []byte(value), nil
	default:
		return nil, refuse(name)
	}
}

func (k Key) file() ([]byte, error) {
	if k.Ref == "" {
		return nil, errors.New("no key is named")
	}
	if k.Folder == nil {
		return nil, errors.New("no folder to read it from")
	}
	file, err := k.Folder.Open(k.Ref)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKey+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKey {
		return nil, fmt.Errorf("it is larger than %d bytes", maxKey)
	}
	return text, nil
}

// GenerateKey makes a key of cosign's format (ECDSA P-256): the private half,
// encrypted with the password, and the public half, both PEM.
func GenerateKey(password Secret) (private Secret, public []byte, err error) {
	made, err := cosign.GenerateKeyPair(func(bool) ([]byte, error) { return []byte(password.Reveal()), nil })
	if err != nil {
		return Secret{}, nil, fmt.Errorf("generating key: %w", err)
	}
	return NewSecret(string(made.PrivateBytes)), made.PublicBytes, nil
}

// IdentityOfKey names the owner of a public key (PEM).
func IdentityOfKey(public []byte) (sign.Identity, error) {
	key, err := parsePublic(public)
	if err != nil {
		return sign.Identity{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return sign.Identity{}, err
	}
	return identityOf(der), nil
}

// loadVerifier takes cosign's options: an Ed25519 key signs the hash, since a
// log takes nothing else.
func loadVerifier(public crypto.PublicKey) (signature.Verifier, error) {
	return signature.LoadDefaultVerifier(public, *cosign.GetDefaultLoadOptions(nil)...)
}
