package trivy_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// written is how many bytes this process has written, to whatever it was.
func written(t *testing.T) (n int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skipf("what is written is not known: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "wchar: ")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A model with the executable bit is not copied for the analyzers of programs,
// and a program of that size is still known for what it is made of.
func TestLargeExecutables(t *testing.T) {
	const size = 101 << 20
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	program = append(program, make([]byte, max(0, size-len(program)))...)
	for title, test := range map[string]struct {
		content []byte
		copied  bool
	}{"model": {bytes.Repeat([]byte{'x'}, size), false}, "program": {program, true}} {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := w.WriteHeader(&tar.Header{Name: "app/file", Mode: 0o755, Size: int64(len(test.content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(test.content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		o := options(t)
		o.Secrets = false
		before := written(t)
		found := scanned(t, o, image(nil, layerOf(t, out.Bytes())).target(t))
		if got := written(t)-before > size; got != test.copied {
			t.Errorf("%s: %d bytes were written", title, written(t)-before)
		}
		if got := strings.Contains(document(t, found, "sbom.cdx.json"), "pkg:golang/stdlib@"); got != test.copied {
			t.Errorf("%s: the SBOM lists Go: %t", title, got)
		}
	}
}
