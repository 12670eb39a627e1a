package vulndb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/hint"
)

// now is the time of every test; databases are made an hour before.
func now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

const oneAdvisory = `ecosystem: pip
source: {id: ghsa, name: GitHub Security Advisory pip, url: "https://example.com/"}
advisories:
  - id: CVE-2024-0001
    package: requests
    vulnerable: ["< 2.0"]
    patched: ["2.0"]
    severity: high
    title: An example
    link: https://example.com/CVE-2024-0001
`

func sheets(files ...string) fs.FS {
	out := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		out[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return out
}

// build makes the archive of one advisory, as old as given.
func build(t testing.TB, age time.Duration) []byte {
	t.Helper()
	archive, err := Build(sheets("a.yaml", oneAdvisory), now().Add(-age))
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// members unpacks an archive.
func members(t testing.TB, archive []byte) map[string][]byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]byte)
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// repack is the archive with a member changed; nil leaves it out.
func repack(t testing.TB, archive []byte, name string, data []byte) []byte {
	t.Helper()
	all := members(t, archive)
	all[name] = data
	var list []member
	for _, n := range []string{"trivy.db", metadataFile} {
		if all[n] != nil {
			list = append(list, member{n, all[n]})
		}
	}
	out, err := pack(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func about(t testing.TB, version int, updated time.Time) []byte {
	t.Helper()
	data, err := json.Marshal(metadata{Version: version, UpdatedAt: updated})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// server is a registry that can be told to fail.
type server struct {
	host string

	mu    sync.Mutex
	fault func(http.ResponseWriter, *http.Request) bool // true: it answered
	asked []string
}

func serve(t testing.TB) *server {
	t.Helper()
	s := &server{}
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if fault == nil || !fault(w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	s.host = strings.TrimPrefix(srv.URL, "http://")
	return s
}

func (s *server) fail(fault func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *server) ref(t testing.TB, tag string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s.host + "/sec/trivy-db:" + tag)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// publish pushes an archive as it should be.
func (s *server) publish(t testing.TB, tag string, archive []byte) name.Reference {
	t.Helper()
	if _, err := Publish(t.Context(), s.ref(t, tag), archive, Options{}); err != nil {
		t.Fatal(err)
	}
	return s.ref(t, tag)
}

func (s *server) push(t testing.TB, tag string, image v1.Image) name.Reference {
	t.Helper()
	if err := remote.Write(s.ref(t, tag), image); err != nil {
		t.Fatal(err)
	}
	return s.ref(t, tag)
}

func root(t testing.TB) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func options() Options { return Options{Now: now, Stall: 5 * time.Second} }

func refs(list ...name.Reference) []name.Reference { return list }

// folders lists the databases in a store, finished or not.
func folders(t testing.TB, r *os.Root) []string {
	t.Helper()
	entries, err := os.ReadDir(r.Name())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// snapshot is every file below a folder.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error is %v, want %q in it", err, want)
	}
}

func wantHint(t testing.TB, err error, want string) {
	t.Helper()
	if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, want) {
		t.Errorf("hints of %v are %q, want %q in them", err, hints, want)
	}
}
