package sigstore

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/cosign/v2/pkg/cosign"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/fake"

	"github.com/org/ai-ship/pkg/hint"
)

// values is a Lookup of a map.
func values(m map[string]string) Lookup {
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func TestKeyOfAVariable(t *testing.T) {
	private, public, err := GenerateKey(NewSecret("secret"))
	if err != nil {
		t.Fatal(err)
	}
	lookup := values(map[string]string{"KEY": private.Reveal(), "PUB": string(public)})
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	signer, err := NewSigner(t.Context(), Options{Key: &Key{Ref: "env://KEY", Lookup: lookup, Password: NewSecret("secret")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(t.Context(), digest, examples()); err != nil {
		t.Fatal(err)
	}
	own, err := signer.PublicKey()
	if err != nil || !bytes.Equal(own, public) {
		t.Errorf("the public key is %s, %v", own, err)
	}
	for label, trust := range map[string]Trust{"env": {Key: &Key{Ref: "env://PUB", Lookup: lookup}}, "PEM": {KeyPEM: public}} {
		v, err := NewVerifier(t.Context(), trust, Registry{})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := v.Verify(t.Context(), digest)
		if err != nil || len(evidence.Signatures) != 1 {
			t.Errorf("%s: found %+v, %v", label, evidence, err)
		}
		if want, err := IdentityOfKey(public); err != nil || evidence.Signatures[0].By != want {
			t.Errorf("%s: signed by %s, want %s, %v", label, evidence.Signatures[0].By, want, err)
		}
	}
}

// TestAlgorithms signs with each kind of key that cosign makes.
func TestAlgorithms(t *testing.T) {
	for _, algorithm := range []protocommon.PublicKeyDetails{
		protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256,
		protocommon.PublicKeyDetails_PKIX_ED25519_PH,
	} {
		t.Run(algorithm.String(), func(t *testing.T) {
			details, err := signature.GetAlgorithmDetails(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			made, err := cosign.GenerateKeyPairWithAlgorithm(&details, func(bool) ([]byte, error) { return []byte("x"), nil })
			if err != nil {
				t.Fatal(err)
			}
			digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
			signer, err := NewSigner(t.Context(), Options{
				Key: &Key{Ref: "env://KEY", Lookup: values(map[string]string{"KEY": string(made.PrivateBytes)}), Password: NewSecret("x")}, Format: Both,
			})
			if err != nil {
				t.Fatal(err)
			}
			written, err := signer.Sign(t.Context(), digest, examples())
			if err != nil {
				t.Fatal(err)
			}
			verifiedAsWritten(t, Trust{KeyPEM: made.PublicBytes}, Registry{}, digest, written, 2)
		})
	}
}

func TestKeysThatDoNotLoad(t *testing.T) {
	folder := keyFiles(t, "secret")
	if err := os.WriteFile(filepath.Join(filepath.Dir(folder.Name()), "outside.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder.WriteFile("huge.key", make([]byte, maxKey+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder.Mkdir("folder.key", 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := folder.ReadFile("cosign.key")
	if err != nil {
		t.Fatal(err)
	}
	lookup := values(map[string]string{"EMPTY": "", "JUNK": "junk", "KEY": string(text)})
	for ref, want := range map[string]string{
		"":                    "no key is named",
		"absent.key":          "absent.key",
		"../outside.key":      "escapes",
		"huge.key":            "larger than",
		"folder.key":          "not a regular file",
		"cosign.pub":          "unsupported pem type",
		"cosign.key":          "decrypt",
		"env://ABSENT":        "ABSENT is not set",
		"env://EMPTY":         "EMPTY is not set",
		"env://JUNK":          "invalid pem block",
		"env://KEY":           "decrypt",
		"k8s://ns/secret":     `scheme "k8s" is not supported`,
		"gitlab://project":    `scheme "gitlab" is not supported`,
		"http://host/key":     `scheme "http" is not supported`,
		"https://host/key":    `scheme "https" is not supported`,
		"pkcs11://token":      `scheme "pkcs11" is not supported`,
		"openbao://key":       `scheme "openbao" is not supported`,
		"hashivault://../key": "invalid vault format",
	} {
		_, err := NewSigner(t.Context(), Options{Key: &Key{Ref: ref, Folder: folder, Lookup: lookup, Password: NewSecret("wrong-password")}})
		if ref == "hashivault://../key" {
			want = "hashivault://<key>"
		}
		wantError(t, ref, err, want)
		if err != nil && strings.Contains(err.Error(), "wrong-password") {
			t.Errorf("%s: the error tells the password: %v", ref, err)
		}
		if strings.Contains(ref, "://") && strings.Contains(want, "supported") && len(hint.Of(err)) == 0 {
			t.Errorf("%s: no hint", ref)
		}
	}
}

// TestNoProgramRuns puts programs on the path that the engine would run for a
// scheme that it does not know, and looks for the mark that each leaves.
func TestNoProgramRuns(t *testing.T) {
	bin := t.TempDir()
	mark := filepath.Join(bin, "ran")
	for _, scheme := range []string{"evil", "AWSKMS", "awskms2", "env", ""} {
		script := "#!/bin/sh\necho ran >> " + mark + "\n"
		if err := os.WriteFile(filepath.Join(bin, "sigstore-kms-"+scheme), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, ref := range []string{"evil://x", "AWSKMS://x", "awskms2://x", "://x", "env://NOT_SET", "evil://awskms://x"} {
		key := &Key{Ref: ref, Lookup: values(nil)}
		if _, err := NewSigner(t.Context(), Options{Key: key}); err == nil {
			t.Errorf("%s: a signer was made", ref)
		}
		if _, err := NewVerifier(t.Context(), Trust{Key: key}, Registry{}); err == nil {
			t.Errorf("%s: a verifier was made", ref)
		}
	}
	if _, err := os.Stat(mark); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program was run (%v)", err)
	}
	// The check can fail: the engine itself does run one.
	if err := runEvil(t.Context()); err == nil {
		t.Error("the engine knows the scheme evil")
	}
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the engine ran nothing either, so this test shows nothing: %v", err)
	}
}

// vault is a transit engine with one key.
func vault(t *testing.T, token string) (string, *ecdsa.PrivateKey, *http.ServeMux) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/transit/keys/release", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != token {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{
			"latest_version": 1, "keys": map[string]any{"1": map[string]any{"name": "P-256", "public_key": public}},
		}})
	})
	mux.HandleFunc("PUT /v1/transit/sign/release/sha2-256", func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Input     string `json:"input"`
			Prehashed bool   `json:"prehashed"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || !request.Prehashed || r.Header.Get("X-Vault-Token") != token {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		digest, err := base64.StdEncoding.DecodeString(request.Input)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		signed, err := ecdsa.SignASN1(rand.Reader, key, digest)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"signature": "vault:v1:" + base64.StdEncoding.EncodeToString(signed)}})
	})
	return "http://" + serveHTTP(t, mux), key, mux
}

func TestVault(t *testing.T) {
	at, _, mux := vault(t, "vault-token-value")
	key := &Key{Ref: "hashivault://release", Lookup: values(map[string]string{"VAULT_ADDR": at, "VAULT_TOKEN": "vault-token-value"})}
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	signer, err := NewSigner(t.Context(), Options{Key: key, Format: Both})
	if err != nil {
		t.Fatal(err)
	}
	written, err := signer.Sign(t.Context(), digest, examples())
	if err != nil {
		t.Fatal(err)
	}
	verifiedAsWritten(t, Trust{Key: key}, Registry{}, digest, written, 2)

	wrong := *key
	wrong.Lookup = values(map[string]string{"VAULT_ADDR": at, "VAULT_TOKEN": "another-token-value"})
	_, err = NewSigner(t.Context(), Options{Key: &wrong})
	wantError(t, "wrong token", err, "403")
	if strings.Contains(err.Error(), "another-token-value") {
		t.Errorf("the error tells the token: %v", err)
	}

	mux.HandleFunc("GET /v1/slow/keys/release", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3 * time.Second) // the client left behind keeps asking, so this must end by itself
		w.WriteHeader(http.StatusBadRequest)
	})
	slow := *key
	slow.Lookup = values(map[string]string{"VAULT_ADDR": at, "VAULT_TOKEN": "x", "TRANSIT_SECRET_ENGINE_PATH": "slow"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = NewSigner(ctx, Options{Key: &slow})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("a hang ended after %s with %v", time.Since(start), err)
	}
}

// TestService signs with sigstore's own stand-in for a key service.
func TestService(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), fake.KmsCtxKey{}, private)
	service, err := openService(ctx, fake.ReferenceScheme+"key")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := newKeypair(ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pair.GetPublicKeyPem()
	if err != nil {
		t.Fatal(err)
	}
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	written, err := (&Signer{key: pair}).Sign(t.Context(), digest, examples())
	if err != nil {
		t.Fatal(err)
	}
	verifiedAsWritten(t, Trust{KeyPEM: []byte(text)}, Registry{}, digest, written, 1)
	if _, err := NewSigner(ctx, Options{Key: &Key{Ref: fake.ReferenceScheme + "key"}}); err == nil {
		t.Error("a scheme that is linked in but not on the list was taken")
	}
}

// TestSecretsStaySecret prints everything that holds one in every way.
func TestSecretsStaySecret(t *testing.T) {
	const value = "hunter2-hunter2"
	secret := NewSecret(value)
	var out bytes.Buffer
	holders := []any{
		secret, &secret, []Secret{secret}, map[string]Secret{"x": secret},
		Key{Password: secret}, &Key{Password: secret}, Token{Value: secret}, GitHub{Request: secret},
		Options{Key: &Key{Password: secret}, Token: Token{Value: secret}},
	}
	for _, h := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", h)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "h", h)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "h", h)
	}
	text, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, form := range []string{value, fmt.Sprintf("%x", value), base64.StdEncoding.EncodeToString([]byte(value))} {
		if strings.Contains(out.String(), form) {
			at := strings.Index(out.String(), form)
			t.Errorf("a secret was printed as %q: %s", form, out.String()[max(0, at-120):at])
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing was printed")
	}
}
