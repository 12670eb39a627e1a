package registry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/hint"
)

func serve(t *testing.T, dir string, opts ...Option) *Server {
	t.Helper()
	s, err := Serve(t.Context(), dir, "", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func end(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func repository(t *testing.T, s *Server) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(s.Addr() + "/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// push writes an index of one image by digest, without a tag, and a referrer
// of it.
func push(t *testing.T, s *Server) (index, referrer v1.Hash) {
	t.Helper()
	img, err := random.Image(50_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})
	if index, err = idx.Digest(); err != nil {
		t.Fatal(err)
	}
	repo := repository(t, s)
	// One at a time: the store has a data race over the birth of a repository.
	if err := remote.WriteIndex(repo.Digest(index.String()), idx, remote.WithJobs(1)); err != nil {
		t.Fatal(err)
	}
	subject := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: index, Size: 1}
	note := mutate.Subject(mutate.MediaType(empty.Image, types.OCIManifestSchema1), subject).(v1.Image)
	if referrer, err = note.Digest(); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(repo.Digest(referrer.String()), note); err != nil {
		t.Fatal(err)
	}
	return index, referrer
}

func TestWhatWasPushedStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "registry")
	s := serve(t, dir)
	if host, _, err := net.SplitHostPort(s.Addr()); err != nil || host != "127.0.0.1" {
		t.Errorf("address = %q, want one of 127.0.0.1", s.Addr())
	}
	index, referrer := push(t, s)
	orphan, err := random.Layer(1000, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteLayer(repository(t, s), orphan); err != nil {
		t.Fatal(err)
	}
	end(t, s)

	s = serve(t, dir)
	defer end(t, s)
	repo := repository(t, s)
	back, err := remote.Index(repo.Digest(index.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(back); err != nil {
		t.Error(err)
	}
	list, err := remote.Referrers(repo.Digest(index.String()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := list.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Manifests) != 1 || m.Manifests[0].Digest != referrer {
		t.Errorf("referrers = %+v, want %s", m.Manifests, referrer)
	}
	digest, err := orphan.Digest()
	if err != nil {
		t.Fatal(err)
	}
	l, err := remote.Layer(repo.Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Size(); err != nil {
		t.Errorf("a blob that nothing points to is gone: %v", err)
	}
}

func TestNothingCanBeDeleted(t *testing.T) {
	s := serve(t, t.TempDir())
	defer end(t, s)
	index, _ := push(t, s)
	if err := remote.Delete(repository(t, s).Digest(index.String())); err == nil {
		t.Error("a manifest was deleted")
	}
	if _, err := remote.Head(repository(t, s).Digest(index.String())); err != nil {
		t.Error(err)
	}
}

func TestCloseWithARepositoryThatIsOnlyAskedFor(t *testing.T) {
	s := serve(t, t.TempDir())
	if tags, err := remote.List(repository(t, s)); err == nil && len(tags) > 0 {
		t.Errorf("a repository that was never pushed to has the tags %q", tags)
	}
	end(t, s)
}

func TestOneServerAFolder(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	_, err := Serve(t.Context(), dir, "")
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("error = %v, want ErrLocked", err)
	}
	if len(hint.Of(err)) != 1 {
		t.Errorf("hints = %q", hint.Of(err))
	}
	if out, err := helper(t, dir).CombinedOutput(); err == nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("another process: %v, %s", err, out)
	}
	end(t, s)
	if out, err := helper(t, dir).CombinedOutput(); err != nil {
		t.Errorf("another process, afterwards: %v, %s", err, out)
	}
	end(t, serve(t, dir))
}

// helper is this test binary, serving dir for a moment.
func helper(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper$")
	cmd.Env = append(os.Environ(), "SERVE_DIR="+dir)
	return cmd
}

func TestHelper(t *testing.T) {
	dir := os.Getenv("SERVE_DIR")
	if dir == "" {
		t.Skip("only runs as a process of its own")
	}
	end(t, serve(t, dir))
}

func TestServeFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(t.Context(), file, ""); err == nil || !strings.Contains(err.Error(), "serving registry") {
		t.Errorf("a file was served: %v", err)
	}
	blocked := t.TempDir()
	if err := os.Mkdir(filepath.Join(blocked, lockFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(t.Context(), blocked, ""); err == nil {
		t.Error("a folder whose lock is no file was served")
	}
	dir := t.TempDir()
	first := serve(t, t.TempDir())
	defer end(t, first)
	if _, err := Serve(t.Context(), dir, first.Addr()); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("error = %v, want that the address is in use", err)
	}
	end(t, serve(t, dir)) // the lock was given back
}

func TestCloseWaitsOnlyAsLongAsItIsTold(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir)
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const unfinished = "POST /v2/acme/digits/blobs/uploads/?digest=sha256:" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx"
	if _, err := conn.Write([]byte(unfinished)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // until the request is being served
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("error = %v, want that time ran out", err)
	}
	end(t, serve(t, dir)) // the folder is free all the same
}

func TestLog(t *testing.T) {
	var out lockedBuffer
	s := serve(t, t.TempDir(), WithLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	defer end(t, s)
	res, err := http.Get("http://" + s.Addr() + "/v2/acme/digits/nonsense")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if !strings.Contains(out.String(), "unknown request") {
		t.Errorf("log = %q", out.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Signers of one image run at once, and every one of their referrers stays.
func TestReferrersAtOnce(t *testing.T) {
	const writers = 32
	server := serve(t, t.TempDir())
	defer end(t, server)
	// Connections that were dialed and not used hold up the end.
	defer remote.DefaultTransport.(*http.Transport).CloseIdleConnections()
	repo := repository(t, server)
	push := func(img v1.Image) (name.Digest, error) {
		hash, err := img.Digest()
		if err != nil {
			return name.Digest{}, err
		}
		ref := repo.Digest(hash.String())
		return ref, remote.Write(ref, img)
	}
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := push(image)
	if err != nil {
		t.Fatal(err)
	}
	about, err := partial.Descriptor(image)
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for range writers {
		group.Go(func() error {
			img, err := random.Image(16, 1)
			if err != nil {
				return err
			}
			_, err = push(mutate.Subject(img, *about).(v1.Image))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(subject)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != writers {
		t.Errorf("%d of %d referrers are listed, %v", len(manifest.Manifests), writers, err)
	}
}
