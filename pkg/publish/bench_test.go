package publish

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	benchLayers = 8
	benchSize   = 256 << 20 // bytes of each layer
)

// dockerRegistry starts Distribution's registry on disk, or skips.
func dockerRegistry(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage:\n  filesystem: {rootdirectory: %q}\n  delete: {enabled: true}\nhttp: {addr: %q}\n", filepath.Join(dir, "data"), addr)
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "serve", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 200 {
		if res, err := http.Get("http://" + addr + "/v2/"); err == nil {
			_ = res.Body.Close()
			return "http://" + addr
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("docker-registry does not answer")
	return ""
}

// sink is a registry that believes everything and keeps nothing: the upper
// bound of what a server can take.
func sink(t testing.TB) string {
	buffers := sync.Pool{New: func() any { return new([256 << 10]byte) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := buffers.Get().(*[256 << 10]byte)
		defer buffers.Put(buf)
		for {
			if _, err := r.Body.Read(buf[:]); err != nil {
				break
			}
		}
		switch {
		case r.Method == http.MethodPost:
			w.Header().Set("Location", "/v2/x/blobs/uploads/1")
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodPatch:
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusCreated)
		case strings.Contains(r.URL.Path, "/blobs/"):
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// bare uploads the same bytes with nothing but net/http.
func bare(ctx context.Context, base string, views []*testView, digests []v1.Hash, hashed bool) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: defaultJobs}}
	defer client.CloseIdleConnections()
	ask := func(method, address string, body io.Reader, size int64) (*url.URL, error) {
		req, err := http.NewRequestWithContext(ctx, method, address, body)
		if err != nil {
			return nil, err
		}
		req.ContentLength = size
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode >= 300 {
			return nil, fmt.Errorf("%s: %s", method, res.Status)
		}
		location, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			return nil, err
		}
		return res.Request.URL.ResolveReference(location), nil
	}
	var next atomic.Int64
	errs := make(chan error, defaultJobs)
	for range defaultJobs {
		go func() {
			errs <- func() error {
				for {
					i := int(next.Add(1)) - 1
					if i >= len(views) {
						return nil
					}
					at, err := ask(http.MethodPost, base+"/v2/bare/blobs/uploads/", nil, 0)
					if err != nil {
						return err
					}
					body := &viewReader{view: views[i]}
					if hashed {
						body.sum = sha256.New()
					}
					if at, err = ask(http.MethodPatch, at.String(), body, views[i].size); err != nil {
						return err
					}
					if _, err = ask(http.MethodPut, withDigest(at, digests[i].String()).String(), nil, 0); err != nil {
						return err
					}
				}
			}()
		}()
	}
	for range defaultJobs {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func benchViews(seed uint64) []*testView {
	views := make([]*testView, benchLayers)
	for i := range views {
		views[i] = newView(seed+uint64(i), benchSize)
	}
	return views
}

// spent is the processor time of this process.
func spent(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkPush compares a push of 2 GiB of unknown layers, hashing included,
// with a bare upload of the same bytes on as many streams, with and without
// hashing them on the way. cpu is this process's time; with docker-registry
// that is the client's alone.
func BenchmarkPush(b *testing.B) {
	for kind, start := range map[string]func(testing.TB) string{"sink": sink, "docker-registry": dockerRegistry} {
		b.Run(kind, func(b *testing.B) {
			base := start(b)
			repo := repository(b, base, "bench/push")
			digests := make([]v1.Hash, benchLayers)
			variants := map[string]func(views []*testView) error{
				"push": func(views []*testView) error {
					layers := make([]v1.Layer, len(views))
					for j, v := range views {
						layers[j] = v
					}
					_, err := (Registry{}).Push(b.Context(), repo, image(b, layers...))
					for j, v := range views {
						digests[j], _ = v.Digest()
					}
					return err
				},
				"bare":      func(views []*testView) error { return bare(b.Context(), base, views, digests, false) },
				"bare+hash": func(views []*testView) error { return bare(b.Context(), base, views, digests, true) },
			}
			wall, cpu := map[string]time.Duration{}, map[string]time.Duration{}
			for i := 0; b.Loop(); i++ {
				for _, name := range []string{"push", "bare", "bare+hash"} {
					views := benchViews(uint64(i * benchLayers))
					runtime.GC()
					began, used := time.Now(), spent(b)
					if err := variants[name](views); err != nil {
						b.Fatal(err)
					}
					wall[name] += time.Since(began)
					cpu[name] += spent(b) - used
				}
			}
			size := float64(b.N) * benchLayers * benchSize / 1e6
			for name := range variants {
				b.ReportMetric(size/wall[name].Seconds(), "MB/s:"+name)
				b.ReportMetric(1e6*cpu[name].Seconds()/size, "cpu-µs/MB:"+name)
			}
			b.ReportMetric(wall["push"].Seconds()/wall["bare"].Seconds(), "push/bare")
			b.ReportMetric(wall["push"].Seconds()/wall["bare+hash"].Seconds(), "push/bare+hash")
		})
	}
}
