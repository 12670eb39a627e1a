package trivy_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

const maxDatabase = 64 << 20 // bytes of a file in the archive

// pypa unpacks the database made of PyPA's advisories, which stands beside the
// checkout where it is at hand.
func pypa(t *testing.T) string {
	t.Helper()
	name := os.Getenv("AI_SHIP_PYPA_DB")
	for up := ".."; name == "" && len(up) < len("../../../../../.."); up = filepath.Join("..", up) {
		if dir := filepath.Join(up, "shared", "data", "trivy-db-pypa"); exists(dir) {
			name = dir
		}
	}
	if name == "" {
		t.Skip("no shared/data/trivy-db-pypa beside the checkout, and AI_SHIP_PYPA_DB names none")
	}
	f, err := os.Open(filepath.Join(name, "db.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(io.LimitReader(r, maxDatabase))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.Base(h.Name)), string(data))
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestPyPA(t *testing.T) {
	o := options(t)
	o.DatabaseDir = pypa(t)
	old := layer(t, dist("pillow", "9.0.0"), dist("requests", "2.19.0"), dist("torch", "1.13.0"), dist("Jinja2", "2.10"), dist("PyYAML", "5.1"),
		dist("transformers", "4.20.0"), dist("numpy", "1.19.0"), dist("onnx", "1.12.0"), dist("Products.CMFCore", "2.4.0"), dist("zope.interface", "5.0"), environment())
	found := scanned(t, o, image(layer(t, debian()...), old).target(t))
	if len(found.Vulnerabilities) != 15 || len(found.Secrets) != 2 {
		t.Errorf("found %d vulnerabilities and %d secrets, want 15 and 2: %q", len(found.Vulnerabilities), len(found.Secrets), ids(found.Vulnerabilities))
	}
	if got := incomplete(found); len(got) != 1 || got[0] != "no-advisories-debian" {
		t.Errorf("incomplete %q, want no-advisories-debian", got)
	}
	current := layer(t, dist("pillow", "11.0.0"), dist("requests", "2.32.3"), dist("idna", "3.10"))
	found = scanned(t, o, image(layer(t, debian()...), current).target(t))
	if len(found.Vulnerabilities)+len(found.Secrets) > 0 {
		t.Errorf("found %q and %q, want none", ids(found.Vulnerabilities), ids(found.Secrets))
	}
}
