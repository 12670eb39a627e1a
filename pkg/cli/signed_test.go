package cli_test

import (
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/org/ai-ship/pkg/internal/faultproxy"
)

// folder is a project that signs with a key of its own. Its commands are
// processes.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	f := folder{t: t, dir: t.TempDir()}
	f.write("ai-ship.yaml", `image: ghcr.io/acme/digits
base: scratch
version: 1.0.0
app: [src]
sign: {key: cosign.key}
verify: {any-repository: true}   # the proxies in front of the registry have ports of their own
channels:
  staging: {on: ["branch:develop"]}
  production: {after: staging}
`)
	f.write("src/main.py", "print(0)\n")
	f.must("keygen", "--out", filepath.Join(f.dir, "cosign"))
	return f
}

func (f folder) write(path, text string) {
	f.t.Helper()
	path = filepath.Join(f.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// command is ai-ship in the project, without a CI around it.
func (f folder) command(args ...string) *exec.Cmd {
	cmd := exec.Command("ai-ship", args...)
	cmd.Dir = f.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + f.dir, "TMPDIR=" + os.TempDir(), "COSIGN_PASSWORD=secret"}
	return cmd
}

func (f folder) must(args ...string) string {
	f.t.Helper()
	out, err := f.command(args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("ai-ship %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ship runs it to staging.
func (f folder) ship(host string) {
	f.t.Helper()
	f.must("run", "--registry", host, "--channel", "staging")
}

// frontier is a registry in this process behind a proxy that fails on purpose.
type frontier struct {
	t     *testing.T
	inner string // URL
	host  string // of the proxy
	proxy *faultproxy.Proxy
}

func newFrontier(t *testing.T) *frontier {
	t.Helper()
	inner := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(inner.Close)
	f := &frontier{t: t, inner: inner.URL}
	f.breaks()
	return f
}

// breaks puts another proxy in front of the registry.
func (f *frontier) breaks(rules ...faultproxy.Rule) {
	f.t.Helper()
	target, err := url.Parse(f.inner)
	if err != nil {
		f.t.Fatal(err)
	}
	proxy := faultproxy.New(target, 1, rules...)
	outer := httptest.NewServer(proxy)
	f.t.Cleanup(func() { proxy.Close(); outer.Close() })
	f.proxy, f.host = proxy, strings.TrimPrefix(outer.URL, "http://")
}

// digest is what a tag points to, "" for no such tag.
func (f *frontier) digest(tag string) string {
	f.t.Helper()
	ref, err := name.NewTag(strings.TrimPrefix(f.inner, "http://") + "/acme/digits:" + tag)
	if err != nil {
		f.t.Fatal(err)
	}
	found, err := remote.Head(ref)
	if err != nil {
		return ""
	}
	return found.Digest.String()
}

// complete reads everything that an image is made of.
func (f *frontier) complete(digest string) {
	f.t.Helper()
	ref, err := name.NewDigest(strings.TrimPrefix(f.inner, "http://") + "/acme/digits@" + digest)
	if err != nil {
		f.t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		f.t.Errorf("%s is not complete: %v", ref, err)
	}
}
