//go:build linux

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

// startTime is how long a server may take until it answers.
const startTime = 30 * time.Second

// registry is a docker-registry process of one test.
type registry struct {
	host string
	dir  string // its storage
}

// account is who may use a registry; its zero value means everybody.
type account struct{ user, password string }

func startRegistry(t *testing.T, only account) registry {
	t.Helper()
	program := need(t, "docker-registry")
	r := registry{host: freeAddr(t), dir: filepath.Join(t.TempDir(), "storage")}
	var auth string
	if only != (account{}) {
		auth = "auth: {htpasswd: {realm: e2e, path: " + htpasswd(t, only) + "}}\n"
	}
	config := writeFile(t, filepath.Join(t.TempDir(), "config.yml"), fmt.Sprintf(`version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %q}
%s`, r.dir, r.host, auth))
	s, err := start(exec.Command(program, "serve", config), config+".log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.until(startTime, func() bool { return answers(t, "http://"+r.host+"/v2/") }); err != nil {
		t.Fatal(err)
	}
	return r
}

func htpasswd(t *testing.T, a account) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(a.password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, filepath.Join(t.TempDir(), "htpasswd"), a.user+":"+string(hash)+"\n")
}

// freeAddr is an address of loopback that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// answers says whether there is any HTTP response.
func answers(t *testing.T, url string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return true
}

// ref is a tag or, with a digest, an image of the registry.
func (r registry) ref(repo, tag string) string {
	if strings.HasPrefix(tag, "sha256:") {
		return r.host + "/" + repo + "@" + tag
	}
	return r.host + "/" + repo + ":" + tag
}

// digest is what a tag points to.
func (r registry) digest(t *testing.T, repo, tag string) string {
	t.Helper()
	return must(t, shared.program("crane"), "digest", r.ref(repo, tag))
}

// storage is every file of the registry with its content's digest, so that a
// new blob and a moved tag both show.
func (r registry) storage(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	if _, err := os.Stat(r.dir); errors.Is(err, fs.ErrNotExist) {
		return files // nothing was ever written
	}
	root := os.DirFS(r.dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := fs.ReadFile(root, path)
		sum := sha256.Sum256(content)
		files[path] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unchanged fails the test when the registry holds anything else than before.
func (r registry) unchanged(t *testing.T, before map[string]string) {
	t.Helper()
	if after := r.storage(t); !maps.Equal(before, after) {
		t.Errorf("the registry's storage (-before +after):\n%s", cmp.Diff(before, after))
	}
}

// accepted fails the test unless crane and skopeo accept the image. fast
// leaves the layers' content out: crane's full validation gunzips every layer,
// whatever its media type, and so refuses one that is stored uncompressed, as
// models of 16 MiB and more are.
func (r registry) accepted(t *testing.T, repo, tag string, fast bool) {
	t.Helper()
	args := []string{"validate", "--remote", r.ref(repo, tag)}
	if fast {
		args = append(args, "--fast")
	}
	must(t, shared.program("crane"), args...)
	must(t, need(t, "skopeo"), "inspect", "--tls-verify=false", "docker://"+r.ref(repo, tag))
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
