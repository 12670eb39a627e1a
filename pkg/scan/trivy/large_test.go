package trivy

import (
	"archive/tar"
	"io"
	"os"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

// sparse is a layer of one file of equal bytes.
type sparse struct {
	v1.Layer
	size int64
	text byte
}

type zeros byte

func (z zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(z)
	}
	return len(p), nil
}

func (s *sparse) Uncompressed() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		archive := tar.NewWriter(w)
		err := archive.WriteHeader(&tar.Header{Name: "app/model.safetensors", Mode: 0o644, Size: s.size, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = io.CopyN(archive, zeros(s.text), s.size)
		}
		if err == nil {
			err = archive.Close()
		}
		_ = w.CloseWithError(err)
	}()
	return r, nil
}

// A file far larger than the limit in an app layer, binary or text, is searched for secrets
// in constant memory and without a copy.
func TestLargeFileCostsNeitherMemoryNorDisk(t *testing.T) {
	const (
		size    = 512 << 20
		maxHeap = 64 << 20
	)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, text := range []byte{0, 'x'} {
		rules, err := newRules()
		if err != nil {
			t.Fatal(err)
		}
		s := newSearch(rules, 2)
		c := &checked{Layer: &sparse{size: size, text: text}, about: scan.Layer{}, live: func() error { return nil }, proof: &proof{}, copies: s}
		r, err := c.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var peak uint64
		buf := make([]byte, 1<<20)
		for n := 0; err == nil; n++ {
			_, err = r.Read(buf)
			if n%100 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		if found, err := s.take(); len(found) > 0 || err != nil {
			t.Errorf("found %v, %v in nothing", found, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		t.Logf("heap of at most %d MiB", peak>>20)
		if peak > maxHeap {
			t.Errorf("the heap grew to %d MiB, want at most %d", peak>>20, maxHeap>>20)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%s holds %v (%v), want nothing", temp, left, err)
	}
}
