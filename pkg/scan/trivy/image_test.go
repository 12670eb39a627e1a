package trivy_test

import (
	"archive/tar"
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

const site = "usr/lib/python3/dist-packages/"

type file struct{ name, data string }

func dist(name, version string) file {
	return file{site + name + "-" + version + ".dist-info/METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\nLicense: MIT\n\n"}
}

const dpkg = `Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u4
Description: GNU C Library

Package: openssl
Status: install ok installed
Section: utils
Maintainer: Debian OpenSSL Team <x@example.org>
Architecture: amd64
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer toolkit

`

func debian() []file {
	return []file{
		{"etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n"},
		{"etc/debian_version", "12.4\n"},
		{"var/lib/dpkg/status", dpkg},
	}
}

// The keys are made up. They are put together here so that no scanner of this
// repository finds them.
const (
	accessKey = "AKIA" + "Q3EGRVNXK5LPHZWT"
	secretKey = "kWc8Z1dPq7sR4vYt" + "N0bXhJmLgE2uFo6A9iCzQe5T"
)

func environment() file {
	return file{"app/.env", "AWS_ACCESS_KEY_ID=" + accessKey + "\nAWS_SECRET_ACCESS_KEY=\"" + secretKey + "\"\n"}
}

func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fake is a layer that may lie about its content.
type fake struct {
	v1.Layer
	open func() (io.ReadCloser, error)
	read atomic.Int64
}

func (f *fake) Uncompressed() (io.ReadCloser, error) {
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r, counter{&f.read}), r}, nil
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func layerOf(t *testing.T, data []byte) *fake {
	t.Helper()
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	l, err := tarball.LayerFromOpener(open)
	if err != nil {
		t.Fatal(err)
	}
	return &fake{Layer: l, open: open}
}

func layer(t *testing.T, files ...file) *fake {
	t.Helper()
	return layerOf(t, archive(t, files...))
}

type built struct {
	kinds   []string
	layers  []*fake
	config  v1.Config
	history []v1.History // nil: one for each layer
}

// base and app layers, in that order.
func image(base *fake, app ...*fake) built {
	b := built{}
	if base != nil {
		b.kinds, b.layers = []string{"base"}, []*fake{base}
	}
	for _, l := range app {
		b.kinds, b.layers = append(b.kinds, "app"), append(b.layers, l)
	}
	return b
}

func (b built) target(t *testing.T) scan.Target {
	t.Helper()
	img := empty.Image
	target := scan.Target{Name: "registry.example.com/acme/digits:v1", Platform: "linux/amd64"}
	for i, l := range b.layers {
		var err error
		if img, err = mutate.AppendLayers(img, l); err != nil {
			t.Fatal(err)
		}
		digest, err := l.Digest()
		if err != nil {
			t.Fatal(err)
		}
		diffID, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		target.Layers = append(target.Layers, scan.Layer{Digest: digest, DiffID: diffID, Kind: b.kinds[i]})
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", b.config
	if b.history != nil {
		config.History = b.history
	}
	if target.Image, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return target
}

func now() time.Time { return time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC) }

func options(t *testing.T) trivy.Options {
	t.Helper()
	return trivy.Options{DatabaseDir: database(t), Now: now, Secrets: true}
}

func engineScan(t *testing.T, o trivy.Options, target scan.Target) (scan.Findings, error) {
	t.Helper()
	return trivy.New(o).Scan(t.Context(), target)
}

func scanned(t *testing.T, o trivy.Options, target scan.Target) scan.Findings {
	t.Helper()
	found, err := engineScan(t, o, target)
	if err != nil {
		t.Fatal(err)
	}
	if !found.Ran {
		t.Error("the findings say that nothing was scanned")
	}
	return found
}

func ids(list []scan.Finding) (out []string) {
	for _, f := range list {
		out = append(out, f.ID)
	}
	return out
}

func incomplete(f scan.Findings) (out []string) {
	for _, i := range f.Incomplete {
		out = append(out, i.ID)
	}
	slices.Sort(out)
	return out
}

// left are trivy's folders in the temporary folder of this process.
func left(t *testing.T, tmp string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(tmp, "trivy-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func document(t *testing.T, f scan.Findings, name string) string {
	t.Helper()
	for _, d := range f.Documents {
		if d.Name == name {
			return string(d.Data)
		}
	}
	t.Fatalf("no document %s", name)
	return ""
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("found %s, expected it to contain %q", text, part)
	}
}
