package modelfile

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestLongContentsAreUnpackedAgain reads contents that are too long to be held:
// forward, at their end, and back.
func TestLongContentsAreUnpackedAgain(t *testing.T) {
	long := func(n int) string { return "\x80\x04B" + le(uint64(n), 4) + strings.Repeat("abcdefg\n", n/8) + "0" }
	for name, content := range map[string]string{
		"behind what is held":    long(9<<20) + evil4,
		"twice as far":           long(9<<20) + long(9<<20) + evil4,
		"and more at the end":    long(9<<20) + evil4[:len(evil4)-1] + "0" + long(1<<20) + "N.",
		"a zip with it in front": zipped(entry{name: "a", data: evil2, method: methodDeflate}, entry{name: "b", data: long(9 << 20)}),
		"a pickle in its bytes":  "\x80\x04B" + le(9<<20, 4) + "\x80\x04B" + le(9<<20-9-uint64(len(evil4)), 4) + strings.Repeat("\x01", 9<<20-9-len(evil4)) + "0" + evil4 + ".",
	} {
		for how, packed := range map[string]string{"gzip": gzipped(content), "zstd": zstandard(content), "zip": zipped(entry{name: "m.pkl", data: content, method: methodDeflate})} {
			left := defaultBudget()
			r, err := inspectWithin(t.Context(), sourceOf("m", packed), left)
			if err != nil || !says(r, "pickle-global posix.system") {
				t.Errorf("%s by %s: %v, risks %+v, unscanned %q", name, how, err, r.Risks, r.Unscanned)
			}
		}
	}
}

func TestReadingUnpackedContents(t *testing.T) {
	var want strings.Builder
	for i := range 3 << 20 {
		want.WriteString(le(uint64(i), 4))
	}
	packed := gzipped(want.String())
	in := newInput(sourceOf("m.gz", packed), defaultBudget())
	if !unpack(t.Context(), in, in.ReaderAt, in.Size, openGzip, func([]byte) {}) || in.Size != int64(want.Len()) {
		t.Fatalf("unpacked %d bytes, %q", in.Size, in.reasons)
	}
	for _, off := range []int64{0, 100, maxHeld - 3, maxHeld, maxHeld + 70_000, maxHeld + 5, in.Size - 9, in.Size - 3} {
		got := in.at(off, 8)
		if end := min(off+8, in.Size); string(got) != want.String()[off:end] {
			t.Errorf("at %d: got %x", off, got)
		}
	}
	all := make([]byte, in.Size+1)
	if n, err := in.ReadAt(all, 0); int64(n) != in.Size || !errors.Is(err, io.EOF) || string(all[:n]) != want.String() {
		t.Errorf("all of it: %d bytes, %v", n, err)
	}
	if got := in.at(maxHeld+5, 8); string(got) != want.String()[maxHeld+5:maxHeld+13] {
		t.Errorf("back again: got %x", got)
	}
	if _, err := in.ReadAt(make([]byte, 1), in.Size); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %v", err)
	}
	if in.left.inflated = 0; len(in.at(maxHeld+3<<20, 8)) != 0 || in.err != nil || !strings.Contains(in.reasons[0], errBudget.Error()) {
		t.Errorf("without a budget: %v, %q", in.err, in.reasons)
	}
}

// TestLZ4 unpacks frames made by hand; one by the reference implementation, of
// blocks that refer to each other, is among the samples.
func TestLZ4(t *testing.T) {
	alone := lz4Magic + "\x74\x40\xbd" + le(9, 4) + "\x4aabcd\x04\x00\x10e" + "\x00\x00\x00\x00" + le(0, 4) + "\x00\x00\x00\x00"
	for name, c := range map[string][2]string{
		"stored":    {lz4ed("hello"), "hello"},
		"two":       {lz4ed("hel") + lz4ed("lo"), "hello"},
		"skippable": {"\x51\x2a\x4d\x18\x03\x00\x00\x00abc" + lz4ed("hello"), "hello"},
		"packed":    {alone, "abcd" + strings.Repeat("abcd", 4)[:14] + "e"},
	} {
		r, err := openLZ4(strings.NewReader(c[0]))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != c[1] {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c[1])
		}
	}
	for name, content := range map[string]string{
		"cut header":          lz4Magic,
		"cut flags":           lz4Magic + "\x60",
		"version 2":           lz4Magic + "\xa0\x40\x82",
		"dictionary":          lz4Magic + "\x61\x40\x82",
		"block of 2 GiB":      lz4Magic + "\x60\x40\x82\xff\xff\xff\x7f",
		"cut block":           lz4Magic + "\x60\x40\x82\x05\x00\x00\x80ab",
		"cut checksum":        lz4Magic + "\x70\x40\x82\x01\x00\x00\x80a",
		"no end":              lz4ed("a")[:12],
		"another format":      lz4ed("a") + "abcd",
		"cut skippable":       lz4ed("a") + "\x50\x2a\x4d\x18\x09\x00\x00\x00a",
		"back before start":   lz4Magic + "\x60\x40\x82" + le(4, 4) + "\x10a\x09\x00",
		"back by nothing":     lz4Magic + "\x60\x40\x82" + le(4, 4) + "\x10a\x00\x00",
		"literals too long":   lz4Magic + "\x60\x40\x82" + le(2, 4) + "\x50a",
		"length never ends":   lz4Magic + "\x60\x40\x82" + le(3, 4) + "\xf0\xff\xff",
		"cut distance":        lz4Magic + "\x60\x40\x82" + le(3, 4) + "\x10a\x01",
		"longer than a block": lz4Magic + "\x60\x40\x82" + le(304, 4) + "\x1fa\x01\x00" + strings.Repeat("\xff", 300),
	} {
		r, _ := openLZ4(strings.NewReader(content))
		if _, err := io.ReadAll(r); !errors.Is(err, errLZ4) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestTarsThatAreOdd(t *testing.T) {
	for name, c := range map[string][2]string{
		"own records": {tarred(tar.Header{Name: "a", Uname: "x", PAXRecords: map[string]string{"ACME.x": "y"}}), ""},
		"not regular": {tarred(tar.Header{Name: "f", Typeflag: tar.TypeFifo}), "archive-special f (type"},
		"PyTorch's":   {tarred(tar.Header{Name: "sys_info", Uname: benign2}, tar.Header{Name: "pickle", Uname: benign2}, tar.Header{Name: "storages", Uname: benign2}), ""},
	} {
		r := inspectString(t, "m.tar", c[0])
		if c[1] == "" && (len(r.Risks) > 0 || r.Unscanned != "") || c[1] != "" && !says(r, c[1]) {
			t.Errorf("%s: risks %+v, unscanned %q", name, r.Risks, r.Unscanned)
		}
		if want := map[bool]Format{true: TorchLegacy, false: Archive}[name == "PyTorch's"]; r.Card.Format != want {
			t.Errorf("%s: format is %s, want %s", name, r.Card.Format, want)
		}
	}
}

func TestSniffing(t *testing.T) {
	userBlock := strings.Repeat("\x00", 1024) + "\x89HDF\r\n\x1a\n"
	head := func(s string) []byte { return []byte(s)[:min(len(s), maxHead)] }
	for name, c := range map[string]struct {
		content string
		want    string
	}{
		"hdf5":                     {"\x89HDF\r\n\x1a\nabc", "hdf5"},
		"hdf5 behind a user block": {userBlock, "hdf5"},
		"gguf":                     {"GGUF\x03\x00\x00\x00", "gguf"},
		"tflite":                   {"\x1c\x00\x00\x00TFL3abc", "tflite"},
		"safetensors":              {le(2, 8) + "{}  ", "safetensors"},
		"safetensors, too long":    {le(1<<40, 8) + `{"a":`, "safetensors"},
		"json":                     {"\xef\xbb\xbf {\"a\": 1}", "json"},
		"json list":                {" [ {\"a\": 1}]", "json"},
		"no json":                  {"{\"\x00\x01\x02", ""},
		"onnx":                     {"\x08\x08\x12\x01a\x3a\x02\x0a\x00", "onnx"},
		"saved model":              {"\x08\x01\x12\x02\x0a\x00", "saved model"},
		"no protobuf":              {"\x08\x01\x12\x09\x0a\x00", ""},
		"zlib":                     {zlibbed("hello, hello, hello"), "zlib"},
		"no zlib":                  {"x\x9cabcdefghijk", ""},
		"lzma":                     {"\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xffabc", "closed archive"},
	} {
		in := newInput(sourceOf("m", c.content), tightBudget())
		var got []string
		for _, n := range natures() {
			if n.is(t.Context(), in, head(c.content)) {
				got = append(got, n.name)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: sniffed %q, want %q", name, got, c.want)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"os.system": "os.system", "a\nb": `a\u000ab`, "\x1b[31m": `\u001b[31m`, "\xff\xfe": `\xff\xfe`,
		strings.Repeat("ß", 300): strings.Repeat("ß", 200) + "…", "\u202e": `\u202e`,
	} {
		if got := shown(in, maxCalls); got != want {
			t.Errorf("shown(%q) is %q, want %q", in, got, want)
		}
	}
	if !bytes.Equal([]byte(unhex(hex.EncodeToString([]byte(evil2)))), []byte(evil2)) {
		t.Error("unhex")
	}
}
