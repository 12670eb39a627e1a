package modelfile

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// entry is a member of a zip as the tests write it: what stands in the central
// directory, and what the local header says otherwise.
type entry struct {
	name, data    string
	method, flags uint16
	mode          uint32
	size          uint64 // said instead of the true one
	crc           uint32 // said instead of the true one
	local         func(*entry)
	absent        bool   // from the central directory
	gap           string // bytes before the local header
	descriptor    bool
	zip64         bool
	alias         string // name of another field
	shared        bool   // its local header is that of the member before
}

func (e entry) packed() string {
	switch e.method {
	case methodDeflate:
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 9)
		_, _ = w.Write([]byte(e.data))
		_ = w.Close()
		return b.String()
	case methodZstd:
		w, _ := zstd.NewWriter(nil)
		return string(w.EncodeAll([]byte(e.data), nil))
	case methodBzip2:
		return bzipped()
	}
	return e.data
}

// fields are the values that both headers have, from the version on.
func (e entry) fields() string {
	sum, size, packed := crc32.ChecksumIEEE([]byte(e.data)), uint64(len(e.data)), uint64(len(e.packed()))
	if e.crc != 0 {
		sum = e.crc
	}
	if e.size != 0 {
		size = e.size
	}
	if e.zip64 {
		size, packed = 0xffffffff, 0xffffffff
	}
	return le(20, 2) + le(uint64(e.flags), 2) + le(uint64(e.method), 2) + le(0, 4) + le(uint64(sum), 4) + le(packed, 4) + le(size, 4)
}

func (e entry) extra() string {
	if e.alias != "" {
		return le(0x7075, 2) + le(uint64(5+len(e.alias)), 2) + "\x01" + le(uint64(crc32.ChecksumIEEE([]byte(e.name))), 4) + e.alias
	}
	if !e.zip64 {
		return ""
	}
	return le(1, 2) + le(16, 2) + le(uint64(len(e.data)), 8) + le(uint64(len(e.packed())), 8)
}

// zipped writes a zip. before stands in front of it, offsets not counting it.
func zipped(entries ...entry) string {
	var b, central strings.Builder
	count, last := 0, 0
	for _, e := range entries {
		b.WriteString(e.gap)
		at := b.Len()
		if e.shared {
			at = last
		} else {
			l := e
			if e.local != nil {
				e.local(&l)
			}
			fields := l.fields()
			if e.descriptor {
				fields = fields[:10] + strings.Repeat("\x00", 12)
			}
			b.WriteString(localMagic + fields + le(uint64(len(l.name)), 2) + le(uint64(len(e.extra())), 2) + l.name + e.extra() + e.packed())
			if e.descriptor {
				b.WriteString(descMagic + e.fields()[10:])
			}
		}
		last = at
		if e.absent {
			continue
		}
		count++
		central.WriteString(centralMagic + le(3<<8|20, 2) + e.fields() + le(uint64(len(e.name)), 2) + le(uint64(len(e.extra())), 2) +
			le(0, 2) + le(0, 2) + le(0, 2) + le(uint64(e.mode)<<16, 4) + le(uint64(at), 4) + e.name + e.extra())
	}
	return b.String() + central.String() + ended(count, central.Len(), b.Len(), "")
}

func ended(count, size, start int, comment string) string {
	return endMagic + le(0, 4) + le(uint64(count), 2) + le(uint64(count), 2) + le(uint64(size), 4) + le(uint64(start), 4) +
		le(uint64(len(comment)), 2) + comment
}

func torchZip(data string, more ...entry) string {
	return zipped(append([]entry{
		{name: "m/data.pkl", data: data}, {name: "m/byteorder", data: "little"}, {name: "m/data/0", data: "\x00\x01\x02\x03"}, {name: "m/version", data: "3\n"},
	}, more...)...)
}

// bzippedHex is evil2 by bzip2, for which Go has no writer.
const bzippedHex = "425a68393141592653599637539500000c53c05010000110400e22cc6042002000229ea034d1a69e90a64c4c83230095cefc" +
	"9088c54b9730b8d031f177245385090963753950"

func bzipped() string { return unhex(bzippedHex) }

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func hostileZips() []hostile {
	const system = "pickle-global posix.system"
	good := entry{name: "a.txt", data: "hello"}
	evil := entry{name: "m/data.pkl", data: evil2}
	with := func(e entry, change func(*entry)) entry { change(&e); return e }
	plain := torchZip(benign2)
	nested := zipped(evil)
	for range 20 {
		nested = zipped(entry{name: "z.zip", data: nested})
	}
	return []hostile{
		{"PyTorch zip", "m.pt", torchZip(evil2), system},
		{"PyTorch zip with deflate", "m.pt", zipped(with(evil, func(e *entry) { e.method = methodDeflate })), system},
		{"PyTorch zip with zstd", "m.pt", zipped(with(evil, func(e *entry) { e.method = methodZstd })), system},
		{"PyTorch zip with another member's pickle", "m.pt", torchZip(benign2, entry{name: "m/extra/x", data: evil4}), system},
		{"TorchScript constants", "m.pt", torchZip(benign2, entry{name: "m/code/a.py", data: "def"}, entry{name: "m/constants.pkl", data: evil2}), system},
		{"TorchScript that reads files", "m.pt", torchZip(benign2, entry{name: "m/code/a.py", data: "torch.from_file(\"/etc/passwd\")"}), "torchscript-call torch.from_file"},
		{"__torch__ without code", "m.pt", torchZip("\x80\x02c__torch__\nM\n)\x81."), "pickle-global __torch__.M"},
		{"npz with objects", "a.npz", zipped(entry{name: "a.npy", data: npyOf(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", evil2)}), system},
		{"CVE-2025-1944 names differ", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.name = "m/datb.pkl" } })), "zip-mismatch name"},
		{"CVE-2025-1944 pickle is seen", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.name = "m/datb.pkl" } })), system},
		{"CVE-2025-1945 flag bits", "m.pt", zipped(with(evil, func(e *entry) { e.flags = 0x40 })), "zip-flags"},
		{"CVE-2025-1945 flag bit of encryption", "m.pt", zipped(with(evil, func(e *entry) { e.flags = flagEncrypted })), system},
		{"CVE-2025-1945 encrypted is unscannable", "m.pt", zipped(with(evil, func(e *entry) { e.flags = flagEncrypted })), "?encrypted"},
		{"CVE-2025-1945 flags in one header only", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.flags = 0x20 } })), "zip-mismatch flags"},
		{"CVE-2025-10156 bad checksum", "m.pt", zipped(with(evil, func(e *entry) { e.crc = 1 })), system},
		{"CVE-2025-10156 bad checksum is unscannable", "m.pt", zipped(with(good, func(e *entry) { e.crc = 1 })), "?checksum"},
		{"bad checksum of a packed member", "m.pt", zipped(with(good, func(e *entry) { e.crc, e.method = 1, methodDeflate })), "?checksum"},
		{"unknown method", "m.pt", zipped(with(evil, func(e *entry) { e.method = 99 })), "?method 99"},
		{"methods differ", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.method = methodDeflate } })), "zip-mismatch method"},
		{"sizes differ", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.size = 5 } })), "zip-mismatch size"},
		{"checksums differ", "m.pt", zipped(with(evil, func(e *entry) { e.local = func(l *entry) { l.crc = 5 } })), "zip-mismatch checksum"},
		{"size that is not true", "m.pt", zipped(with(good, func(e *entry) { e.size, e.method = 3, methodDeflate })), "?unpacks to 5 bytes"},
		{"stored size that is not true", "m.pt", zipped(with(good, func(e *entry) { e.size = 3 })), "?says that it has 3"},
		{"data descriptor", "m.pt", zipped(with(evil, func(e *entry) { e.flags, e.descriptor = flagDescriptor, true })), system},
		{"zip64", "m.pt", zipped(with(evil, func(e *entry) { e.zip64 = true })), system},
		{"duplicate names", "m.pt", zipped(entry{name: "m/data.pkl", data: benign2}, evil), "zip-duplicate"},
		{"duplicate names, second is evil", "m.pt", zipped(entry{name: "m/data.pkl", data: benign2}, evil), system},
		{"names that differ in case", "m.pt", zipped(entry{name: "m/DATA.pkl", data: benign2}, entry{name: "m/data.pkl", data: benign2}), "zip-duplicate"},
		{"..", "m.zip", zipped(entry{name: "a/../../b", data: "x"}), "archive-path"},
		{"absolute name", "m.zip", zipped(entry{name: "/etc/passwd", data: "x"}), "archive-path"},
		{"backslash", "m.zip", zipped(entry{name: `..\b`, data: "x"}), "archive-path"},
		{"drive", "m.zip", zipped(entry{name: "c:b", data: "x"}), "archive-path"},
		{"NUL in a name", "m.zip", zipped(entry{name: "data.pkl\x00.txt", data: "x"}), "archive-path"},
		{"symbolic link", "m.zip", zipped(entry{name: "l", data: "/etc", mode: 0xa1ff}), "archive-link"},
		{"two ends", "m.pt", plain + ended(0, 0, 0, ""), "zip-two-ends"},
		{"two archives", "m.pt", torchZip(evil2) + torchZip(benign2), system},
		{"end record in the comment", "m.pt", withComment(plain, ended(0, 0, 0, "")), "zip-two-ends"},
		{"pickle before a zip", "m.pt", evil2 + plain, system},
		{"polyglot of pickle and zip", "m.pt", benign2 + plain, "polyglot zip, pickle"},
		{"zip before its own offsets", "m.pt", "junkjunk" + plain, "zip-prefix"},
		{"zip behind another format", "m.safetensors", le(2, 8) + "{}" + plain, "polyglot"},
		{"data behind a zip", "m.pt", plain + "\x00\x01" + evil4, system},
		{"data between members", "m.pt", zipped(good, entry{gap: "\x01\x02\x03" + evil4, name: "b", data: "x"}), "zip-gap"},
		{"pickle between members", "m.pt", zipped(good, entry{gap: "\x01\x02\x03" + evil4, name: "b", data: "x"}), system},
		{"member of the local headers only", "m.pt", zipped(good, entry{name: "x", data: evil2, absent: true}), "zip-hidden"},
		{"pickle of the local headers only", "m.pt", zipped(good, entry{name: "x", data: evil2, absent: true}, good), system},
		{"members that overlap", "m.pt", zipped(good, entry{name: "b", data: "hello", shared: true}), "zip-overlap"},
		{"zip without its end", "m.pt", torchZip(evil2)[:120], system},
		{"zip without its end is unscannable", "m.pt", plain[:120], "?cannot be opened"},
		{"directory that is cut", "m.zip", "PK\x01\x02aaaa" + ended(1, 8, 0, ""), "?cannot be opened"},
		{"zip of several disks", "m.zip", localMagic + strings.Replace(plain[4:], endMagic+"\x00\x00", endMagic+"\x01\x00", 1), "?cannot be opened"},
		{"zip64 locator to nowhere", "m.zip", zip64Locator(), "?cannot be opened"},
		{"comment longer than the file", "m.pt", plain[:len(plain)-2] + "\x09\x00", "?comment"},
		{"local header that is not there", "m.pt", strings.Replace(plain, localMagic, "PK\x03\x05", 1), "?no readable local header"},
		{"zip in a zip in a zip", "m.pt", nested, "?nested deeper"},
		{"zip bomb", "m.npz", zipped(entry{name: "a.npy", method: methodDeflate, data: strings.Repeat("\x00", 40<<20)}), "?more than the limit"},
		{"more members than the limit", "m.zip", zipped(manyEntries(1200)...), "?more members"},
	}
}

func manyEntries(n int) []entry {
	var all []entry
	for i := range n {
		all = append(all, entry{name: strings.Repeat("a", 1+i%100) + string(rune('a'+i/100)), data: "x"})
	}
	return all
}

func withComment(zip, comment string) string {
	return zip[:len(zip)-2] + le(uint64(len(comment)), 2) + comment
}

func zip64Locator() string {
	plain := torchZip(benign2)
	cut := len(plain) - endSize
	return plain[:cut] + locatorMagic + le(0, 4) + le(1<<40, 8) + le(1, 4) + plain[cut:]
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zlibbed(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(s), nil))
}

// lz4ed is a frame with one block that is not packed.
func lz4ed(s string) string {
	return lz4Magic + "\x60\x40\x82" + le(uint64(len(s))|1<<31, 4) + s + le(0, 4)
}

func tarred(headers ...tar.Header) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		data := h.Uname // the tests' place for the content
		h.Uname = ""
		h.Mode = 0o644
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		_, _ = w.Write([]byte(data))
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// sparseTar makes the first member of a tar an old GNU sparse file.
func sparseTar() string {
	b := []byte(tarred(tar.Header{Name: "a", Uname: "x"}))
	b[156] = 'S'
	copy(b[257:], "ustar  \x00")
	clear(b[345:512])
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return string(b)
}

func hostileStreams() []hostile {
	const system = "pickle-global posix.system"
	evil := tar.Header{Name: "pickle", Uname: evil2}
	nested := evil4
	for range 20 {
		nested = gzipped(nested)
	}
	return []hostile{
		{"gzip", "m.pkl.gz", gzipped(evil2), system},
		{"gzip without a name", "m", gzipped(evil2), system},
		{"gzip with a header that is cut", "m.pkl.gz", "\x1f\x8b0", "?unpacks to 0 bytes"},
		{"gzip with fields that are cut", "m", "\x1f\x8b\x08\xff0", "?unpacks to 0 bytes"},
		{"gzip cut behind the payload", "m.pkl.gz", gzipped(evil2 + strings.Repeat("abcdefgh", 999))[:60], system},
		{"gzip with a wrong checksum", "m.pkl.gz", strings.TrimSuffix(gzipped(evil2), le(uint64(len(evil2)), 4)) + "\x00\x00\x00\x00", "?unpacks to"},
		{"gzip with data behind", "m.pkl.gz", gzipped(benign2) + "junk", "?unpacks to"},
		{"gzip in gzip in gzip", "m.gz", nested, "?nested deeper"},
		{"gzip bomb", "m.gz", gzipped(strings.Repeat("\x00", 40<<20)), "?more than the limit"},
		{"zlib", "m.joblib", zlibbed(evil2), system},
		{"zlib with data behind", "m.joblib", zlibbed(benign2) + evil2, "?data follows"},
		{"bzip2", "m.joblib", bzipped(), system},
		{"bzip2 that is cut", "m.joblib", bzipped()[:40], "?unpacks to"},
		{"zstd", "m.pkl.zst", zstandard(evil2), system},
		{"zstd behind a skippable frame", "m.pkl", "\x50\x2a\x4d\x18\x02\x00\x00\x00ab" + zstandard(evil2), system},
		{"lz4", "m.joblib", lz4ed(evil2), system},
		{"lz4 that is broken", "m.joblib", lz4ed(evil2)[:12], "?unpacks to"},
		{"xz", "m.joblib", "\xfd7zXZ\x00\x00\x04abcdefgh", "?not unpacked"},
		{"lzma", "m.joblib", "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xffabc", "?not unpacked"},
		{"nullifAI 7z", "model.pt", "7z\xbc\xaf\x27\x1c\x00\x04" + evil2, "?not unpacked"},
		{"RAR", "model.bin", "Rar!\x1a\x07\x01\x00abc", "?not unpacked"},
		{"joblib before 0.10", "m.pkl", "ZF0x1e         abc", "?not unpacked"},
		{"tar", "m.tar", tarred(evil), system},
		{"PyTorch tar with a symbolic link", "m.pt", tarred(evil, tar.Header{Name: "storages", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "archive-link storages"},
		{"tar with a hard link", "m.tar", tarred(tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "../x"}), "archive-link"},
		{"tar with a device", "m.tar", tarred(tar.Header{Name: "d", Typeflag: tar.TypeChar}), "archive-special"},
		{"tar with a sparse member", "m.tar", sparseTar(), "?type 'S'"},
		{"tar with ..", "m.tar", tarred(tar.Header{Name: "../x", Uname: "a"}), "archive-path"},
		{"tar with an absolute name", "m.tar", tarred(tar.Header{Name: "/x", Uname: "a"}), "archive-path"},
		{"tar with a duplicate", "m.tar", tarred(evil, evil), "archive-duplicate"},
		{"tar that is cut", "m.tar", tarred(evil, evil)[:1200], "?cannot be read on"},
		{"two tars", "m.tar", tarred(tar.Header{Name: "a", Uname: "x"}) + tarred(evil), "trailing-data"},
		{"two tars, second is evil", "m.tar", tarred(tar.Header{Name: "a", Uname: "x"}) + tarred(evil), system},
		{"named as a tar", "m.tar", "hello", "?cannot be read on"},
		{"named as a zip", "m.zip", "hello", "?cannot be opened"},
		{"tar in gzip", "m.tgz", gzipped(tarred(evil)), system},
	}
}
