package sigstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	stdlog "log"

	"github.com/org/ai-ship/pkg/registry"
	"github.com/org/ai-ship/pkg/sign"
)

// kinds are the registries that everything is tried on.
func kinds() map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"referrers API": func(t *testing.T) string { return serveHTTP(t, inMemory(true)) },
		"fallback tag":  func(t *testing.T) string { return serveHTTP(t, inMemory(false)) },
		"embedded":      serveEmbedded,
	}
}

func inMemory(referrers bool) http.Handler {
	return server.New(server.WithReferrersSupport(referrers), server.Logger(stdlog.New(io.Discard, "", 0)))
}

func serveHTTP(t *testing.T, handler http.Handler) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func serveEmbedded(t *testing.T) string {
	t.Helper()
	s, err := registry.Serve(t.Context(), t.TempDir(), "", registry.WithLog(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s.Addr()
}

// pushImage puts a small image into repo and returns its digest.
func pushImage(t *testing.T, host, repo string) name.Digest {
	t.Helper()
	image, err := random.Image(256, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := name.NewDigest(fmt.Sprintf("%s/%s@%s", host, repo, hash))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(digest, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return digest
}

// keyFiles is a folder with a new cosign.key and cosign.pub.
func keyFiles(t *testing.T, password string) *os.Root {
	t.Helper()
	private, public, err := GenerateKey(NewSecret(password))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	for file, text := range map[string][]byte{"cosign.key": []byte(private.Reveal()), "cosign.pub": public} {
		if err := folder.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// keySigner signs with the folder's cosign.key.
func keySigner(t *testing.T, folder *os.Root, change ...func(*Options)) *Signer {
	t.Helper()
	options := Options{Key: &Key{Ref: "cosign.key", Folder: folder, Password: NewSecret("secret")}}
	for _, c := range change {
		c(&options)
	}
	s, err := NewSigner(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keyVerifier(t *testing.T, folder *os.Root, change ...func(*Trust)) *Verifier {
	t.Helper()
	trust := Trust{Key: &Key{Ref: "cosign.pub", Folder: folder}}
	for _, c := range change {
		c(&trust)
	}
	v, err := NewVerifier(t.Context(), trust, Registry{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func examples() []sign.Statement {
	return []sign.Statement{
		{PredicateType: "https://example.com/verdict/v1", Predicate: json.RawMessage(`{"passed":true,"big":12345678901234567890}`)},
		{PredicateType: "https://cyclonedx.org/bom", Predicate: json.RawMessage(`{"components":[{"name":"naïve \u2028 <b>"}]}`)},
	}
}

func nameDigest(repo string, hex []byte) (name.Digest, error) {
	return name.NewDigest(repo + "@sha256:" + string(hex))
}

// wantError fails unless err says want.
func wantError(t *testing.T, label string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got error %v, want one with %q", label, err, want)
	}
}

// contextOfTest is for processes of the crowd, which have no *testing.T.
func contextOfTest() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}
