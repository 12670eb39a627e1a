package trivy

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"
)

// Only a large file that certainly is no program is left out.
func TestForeignFiles(t *testing.T) {
	text := strings.Repeat("x", 2*block)
	var header bytes.Buffer
	if err := tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "next", Size: 1, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	old := bytes.Clone(header.Bytes()) // without a magic
	copy(old[257:265], make([]byte, 8))
	sum := 0
	copy(old[148:156], "        ")
	for _, b := range old {
		sum += int(b)
	}
	copy(old[148:156], []byte{'0', '0' + byte(sum>>9&7), '0' + byte(sum>>6&7), '0' + byte(sum>>3&7), '0' + byte(sum&7), 0, ' ', ' '})
	tests := map[string]struct {
		next   string
		before int // bytes that were read
		size   int64
		pax    map[string]string
		want   bool
	}{
		"text":                  {next: text, size: copied, want: true},
		"text after others":     {next: text, before: 3 * block, size: copied, want: true},
		"small":                 {next: text, size: copied - 1},
		"read in part":          {next: text, before: 3*block + 1, size: copied},
		"next file":             {next: header.String(), size: copied},
		"next file, old format": {next: string(old), size: copied},
		"end of the archive":    {next: string(make([]byte, 2*block)), size: copied},
		"end of the stream":     {next: text[:block-1], size: copied},
		"sparse":                {next: text, size: copied, pax: map[string]string{"GNU.sparse.major": "1"}},
		"ELF":                   {next: "\x7fELF" + text, size: copied},
		"PE":                    {next: "MZ" + text, size: copied},
		"Mach-O":                {next: "\xcf\xfa\xed\xfe" + text, size: copied},
		"Mach-O, big-endian":    {next: "\xfe\xed\xfa\xcf" + text, size: copied},
		"Mach-O, universal":     {next: "\xca\xfe\xba\xbe" + text, size: copied},
		"XCOFF":                 {next: "\x01\xf7" + text, size: copied},
		"Plan 9":                {next: "\x00\x00\x8a\x97" + text, size: copied},
		"WebAssembly":           {next: "\x00asm" + text, size: copied},
	}
	for name, test := range tests {
		r := newAhead(io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("b", test.before)), strings.NewReader(test.next))), &proof{})
		if _, err := io.CopyN(io.Discard, r, int64(test.before)); err != nil {
			t.Fatal(err)
		}
		h := &tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: test.size, Mode: 0o755, PAXRecords: test.pax}
		if got := r.foreign(h.FileInfo()); got != test.want {
			t.Errorf("%s: foreign is %t, want %t", name, got, test.want)
		}
		rest, err := io.ReadAll(r)
		if err != nil || string(rest) != test.next {
			t.Errorf("%s: afterwards %d bytes are read (%v), want all %d", name, len(rest), err, len(test.next))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
