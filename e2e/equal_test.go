//go:build linux

package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/org/ai-ship/pkg/scan"
)

// sitePackages is where Debian's Python looks.
const sitePackages = "usr/lib/python3/dist-packages"

// file is a path and what it holds.
type file struct{ path, content string }

// installed is what pip leaves of a package, as far as scanners look.
func installed(dir, name, version string) file {
	return file{
		filepath.Join(dir, fmt.Sprintf("%s-%s.dist-info", name, version), "METADATA"),
		fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n\n", name, version),
	}
}

// oldPython are releases that have advisories, and some that have none.
func oldPython(dir string) (list []file) {
	for _, p := range []string{
		"requests 2.19.0", "urllib3 1.26.5", "pillow 9.0.0", "torch 1.13.0", "transformers 4.20.0", "numpy 1.16.0", "Jinja2 2.10",
		"PyYAML 5.1", "onnx 1.12.0", "mlflow 2.2.0", "gradio 3.0", "ray 2.6.0", "vllm 0.6.0", "keras 3.8.0", "tensorflow 2.5.0",
		"aiohttp 3.8.0", "certifi 2022.12.7", "Products.CMFCore 2.4.0", "zope.interface 5.0", "idna 3.10", "six 1.16.0",
	} {
		name, version, _ := strings.Cut(p, " ")
		list = append(list, installed(dir, name, version))
	}
	return list
}

// dpkg is a paragraph of Debian's package list.
func dpkg(name, source, version string) string {
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\nSource: %s\nVersion: %s\nMaintainer: Debian\nDescription: %[1]s\n\n",
		name, source, version)
}

// oldDebian is Debian 12 as of its first days.
func oldDebian() []file {
	return []file{
		{"etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nNAME=\"Debian GNU/Linux\"\n"},
		{"etc/debian_version", "12.0\n"},
		{"var/lib/dpkg/status", dpkg("libc6", "glibc", "2.36-9") + dpkg("libc-bin", "glibc", "2.36-9") + dpkg("libssl3", "openssl", "3.0.9-1") +
			dpkg("openssl", "openssl", "3.0.9-1") + dpkg("zlib1g", "zlib", "1:1.2.13.dfsg-1") + dpkg("libcurl4", "curl", "7.88.1-10") +
			dpkg("liblzma5", "xz-utils", "5.4.0-0.1") + dpkg("libexpat1", "expat (2.5.0-1)", "2.5.0-1+b1") + dpkg("bash", "bash", "5.2.15-2")},
	}
}

// currentDebian is the same in releases without advisories in the fixture.
func currentDebian() []file {
	return []file{
		{"etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nNAME=\"Debian GNU/Linux\"\n"},
		{"etc/debian_version", "12.12\n"},
		{"var/lib/dpkg/status", dpkg("libc6", "glibc", "2.36-9+deb12u13") + dpkg("libssl3", "openssl", "3.0.17-1~deb12u3") + dpkg("bash", "bash", "5.2.15-2")},
	}
}

// packed is an archive of files.
func packed(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.path, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t *testing.T, files ...file) v1.Layer {
	t.Helper()
	data := packed(t, files...)
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func plainLayer(t *testing.T, files ...file) v1.Layer {
	t.Helper()
	return static.NewLayer(packed(t, files...), types.OCIUncompressedLayer)
}

// zstdLayer is made by hand, as its diffID is another digest than its own.
func zstdLayer(t *testing.T, files ...file) v1.Layer {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed(t, files...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
		tarball.WithMediaType(types.OCILayerZStd))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// writeBase writes a layout with one image into the project's folder base.
func (p project) writeBase(t *testing.T, layers ...v1.Layer) {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(img, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	to, err := layout.Write(p.path("base"), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := to.AppendImage(img); err != nil {
		t.Fatal(err)
	}
}

// oldService compiles a program whose build information names a release of
// golang.org/x/net that has advisories. Its code is the test's own, in the
// place where Go looks for vendored code.
func oldService(t *testing.T, out string) {
	t.Helper()
	dir := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":                               "module example.com/service\n\ngo 1.26\n\nrequire golang.org/x/net v0.16.0\n",
		"main.go":                              "package main\n\nimport \"golang.org/x/net/idna\"\n\nfunc main() { println(idna.Name) }\n",
		"vendor/modules.txt":                   "# golang.org/x/net v0.16.0\n## explicit; go 1.17\ngolang.org/x/net/idna\n",
		"vendor/golang.org/x/net/idna/idna.go": "package idna\n\nconst Name = \"idna\"\n",
	} {
		writeFile(t, filepath.Join(dir, path), content)
	}
	if err := shared.compileIn(dir, out, "amd64", "."); err != nil {
		t.Fatal(err)
	}
}

const equalConfig = `image: ghcr.io/acme/equal
base: %s
version: 1.0.0
platforms: [linux/amd64]
app: [{from: site-packages, to: /` + sitePackages + `}, {from: build, to: /app}]
command: [/app/service]
scan: {max-age: 1000000h}
`

// newVulnerable is a project with old packages in its base and its own files:
// base layers of all three compressions, one of which hides and replaces what
// is below it.
func newVulnerable(t *testing.T, own ...file) project {
	t.Helper()
	p := newProject(t, nil)
	p.writeBase(t,
		gzipped(t, append(oldDebian(), oldPython(sitePackages)[:4]...)...),
		zstdLayer(t, installed("opt/venv/lib/python3.11/site-packages", "setuptools", "60.0.0"), installed("opt/venv/lib/python3.11/site-packages", "pillow", "8.0.0")),
		plainLayer(t, file{sitePackages + "/.wh.urllib3-1.26.5.dist-info", ""},
			file{"var/lib/dpkg/status.d/libwebp7", dpkg("libwebp7", "libwebp", "1.2.4-0.2")}),
	)
	for _, f := range append(oldPython("site-packages")[4:], own...) {
		p.write(t, f.path, f.content)
	}
	oldService(t, p.path("build"))
	return p
}

func vulnerableTwins(t *testing.T, own ...file) twins {
	t.Helper()
	return newTwins(t, newVulnerable(t, own...), fmt.Sprintf(equalConfig, "oci:base"), "oci", fullDatabase(t))
}

// fullDatabase is the project's advisories and the made up ones, which have
// every severity and every state.
func fullDatabase(t *testing.T) (archive string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "advisories")
	sheets, err := filepath.Glob(filepath.Join(shared.repo, "testdata/vulndb/*.yaml"))
	if err != nil || len(sheets) == 0 {
		t.Fatalf("found %d sheets of advisories: %v", len(sheets), err)
	}
	copyDir(t, "testdata/advisories", dir)
	must(t, "cp", append(sheets, dir)...)
	archive = filepath.Join(dir, "db.tar.gz")
	must(t, shared.program("publish"), "-advisories", dir, "-out", archive)
	return archive
}

// hasAll fails unless findings have all of ids.
func hasAll(t *testing.T, findings []vulnerable, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if !slices.ContainsFunc(findings, func(v vulnerable) bool { return v.ID+" "+v.Package == id }) {
			t.Errorf("neither finds %s", id)
		}
	}
}

func TestPackagesEqualTrivy(t *testing.T) {
	w := vulnerableTwins(t)
	for _, want := range []types.MediaType{types.OCILayer, types.OCILayerZStd, types.OCIUncompressedLayer} {
		if !slices.Contains(w.types, string(want)) {
			t.Errorf("the image's layers are %q, want one that is %s", w.types, want)
		}
	}
	found := w.compare(t, "fail-on: low", everything)
	hasAll(t, found, "CVE-2023-5363 libssl3", "CVE-2023-45853 zlib1g", "CVE-2024-45491 libexpat1", "CVE-2023-4863 libwebp7",
		"CVE-2022-22817 pillow", "CVE-2022-40897 setuptools", "CVE-2018-18074 requests", "CVE-2023-39325 golang.org/x/net", "EXAMPLE-2026-0001 bash", "EXAMPLE-2026-0002 bash", "EXAMPLE-2026-0003 bash",
		"EXAMPLE-2026-0004 bash", "EXAMPLE-2026-0005 bash", "EXAMPLE-2026-0007 six", "EXAMPLE-2026-0008 idna")
	if slices.ContainsFunc(found, func(v vulnerable) bool { return v.Package == "urllib3" }) {
		t.Error("both find urllib3, which a layer takes away")
	}
	w.compareSBOM(t)
	w.compare(t, "ignore-unfixed: true, fail-on: low", func(f scan.Finding) bool { return f.Status == "fixed" }, "--ignore-unfixed")
	for _, level := range []scan.Severity{scan.Low, scan.Medium, scan.High, scan.Critical} {
		var names []string
		for s := level; s <= scan.Critical; s++ {
			names = append(names, strings.ToUpper(s.String()))
		}
		only := strings.Join(names, ",")
		w.compare(t, "fail-on: "+level.String(), func(f scan.Finding) bool { return f.Severity >= level }, "--severity", only)
		w.compare(t, "ignore-unfixed: true, fail-on: "+level.String(),
			func(f scan.Finding) bool { return f.Severity >= level && f.Status == "fixed" }, "--ignore-unfixed", "--severity", only)
	}
}

func TestCleanImageEqualsTrivy(t *testing.T) {
	p := newProject(t, map[string]string{"build/service": "#!/bin/sh\n"})
	p.writeBase(t, gzipped(t, currentDebian()...))
	f := installed("site-packages", "requests", "2.32.5")
	p.write(t, f.path, f.content)
	w := newTwins(t, p, fmt.Sprintf(equalConfig, "oci:base"), "oci", shared.database())
	if found := w.compare(t, "fail-on: low", everything); len(found) > 0 {
		t.Errorf("found %v, want none", found)
	}
	// That nothing is found says little of packages that nobody saw.
	if n := w.compareSBOM(t); n < 4 {
		t.Errorf("both list %d packages, want four at least", n)
	}
}

// A base as debootstrap makes it, in a file as docker save writes it.
func TestDebianRootEqualsTrivy(t *testing.T) {
	d := needDebian(t)
	p := newProject(t, map[string]string{"build/service": "#!/bin/sh\n"})
	must(t, "cp", d.saved, p.path("base.tar"))
	for _, f := range oldPython("site-packages") {
		p.write(t, f.path, f.content)
	}
	w := newTwins(t, p, fmt.Sprintf(equalConfig, "tar:base.tar"), "tar", shared.database())
	hasAll(t, w.compare(t, "fail-on: low", everything), "CVE-2023-45853 zlib1g", "CVE-2022-22817 pillow")
	w.compareSBOM(t)
}

// PyPA's advisories, of which many have no severity and no fixed version.
func TestPyPAEqualsTrivy(t *testing.T) {
	name := filepath.Join(shared.repo, "..", "shared", "data", "trivy-db-pypa", "db.tar.gz")
	if dir := os.Getenv("AI_SHIP_PYPA_DB"); dir != "" {
		name = filepath.Join(dir, "db.tar.gz")
	}
	if _, err := os.Stat(name); err != nil {
		t.Skipf("no shared/data/trivy-db-pypa beside the checkout, and AI_SHIP_PYPA_DB names none: %v", err)
	}
	w := newTwins(t, newVulnerable(t), fmt.Sprintf(equalConfig, "oci:base"), "oci", name)
	hasAll(t, w.compare(t, "fail-on: low", everything), "CVE-2022-22817 pillow", "CVE-2018-18074 requests")
	w.compare(t, "fail-on: high", func(f scan.Finding) bool { return f.Severity >= scan.High }, "--severity", "HIGH,CRITICAL")
	w.compare(t, "ignore-unfixed: true, fail-on: low", func(f scan.Finding) bool { return f.Status == "fixed" }, "--ignore-unfixed")
}
