package vulndb

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

// large makes a database of several thousand advisories: with branches, pages
// that overflow, buckets inside pages, and free pages.
func large(t testing.TB) []byte {
	t.Helper()
	var all []entry
	for i := range 120 {
		for j := range 12 {
			all = append(all, entry{[]string{"pip::Example", fmt.Sprintf("package-%03d", i)}, fmt.Sprintf("CVE-%d-%04d", 2000+j, i), dbAdvisory{PatchedVersions: []string{"1.0"}}})
		}
	}
	for i := range 600 {
		all = append(all, entry{[]string{bucketDetails}, fmt.Sprintf("CVE-2000-%04d", i), dbVulnerability{Title: strings.Repeat("long ", i%5*400)}})
	}
	all = append(all, entry{[]string{bucketSources}, "pip::Example", publisher{"ghsa", "Example", "https://example.com"}})
	all = append(all, entry{[]string{bucketIDs}, "CVE-2000-0000", nil}, entry{[]string{"debian 12", "openssl"}, "CVE-2000-0001", dbAdvisory{FixedVersion: "1"}})
	file := filepath.Join(t.TempDir(), "trivy.db")
	if err := writeBolt(file, all); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestInspect(t *testing.T) {
	data := large(t)
	got, err := inspectBytes(t, data)
	if err != nil {
		t.Fatal(err)
	}
	want := contents{Ecosystems: []Ecosystem{{"debian 12", 1}, {"pip", 1440}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func inspectBytes(t testing.TB, data []byte) (contents, error) {
	t.Helper()
	dir := root(t)
	if err := os.WriteFile(filepath.Join(dir.Name(), "trivy.db"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := inspect(t.Context(), dir, Advisories.spec())
	if gone := os.Remove(filepath.Join(dir.Name(), "trivy.db")); gone != nil {
		t.Fatal(gone)
	}
	return found, err
}

// TestEveryDamageIsFound changes one byte of a page's header or elements, and
// asks that the file is refused, or read without a panic.
func TestEveryDamageIsFound(t *testing.T) {
	data := large(t)
	used := len(bytes.TrimRight(data, "\x00")) // bbolt grows its files ahead of what it uses
	for length := 0; length < used; length += used/37 + 1 {
		if _, err := inspectBytes(t, data[:length]); err == nil {
			t.Errorf("cut off after %d bytes, and not refused", length)
		}
	}
	refused := 0
	step := fixturePage * max(1, len(data)/fixturePage/60)
	for at := 0; at < len(data); at += step {
		for _, offset := range []int{0, 8, 10, 12, 16, 20, 24, 28, 32} {
			data[at+offset] ^= 0x41
			err := checkPages(t.Context(), bytes.NewReader(data), int64(len(data)))
			if err != nil {
				refused++
			} else if _, err := walk(t, data); err != nil {
				t.Errorf("page %d, byte %d: not refused, and then %v", at/fixturePage, offset, err)
			}
			data[at+offset] ^= 0x41
		}
	}
	if refused == 0 {
		t.Error("none of the changes was refused")
	}
}

// walk reads all of a file with bbolt, as trivy would.
func walk(t testing.TB, data []byte) (n int, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trivy.db")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if b == nil {
				return fmt.Errorf("a value %q", name)
			}
			below, err := leaves(t.Context(), b, 0)
			n += below
			return err
		})
	})
	return n, err
}

// boltFile writes pages by hand: the two first, and then bodies from page 2 on.
func boltFile(root uint64, bodies ...[]byte) []byte {
	const size = 4096
	out := make([]byte, size*(2+len(bodies)))
	for i := range 2 {
		page := out[i*size:]
		binary.LittleEndian.PutUint64(page, uint64(i))
		binary.LittleEndian.PutUint16(page[8:], metaPage)
		body := page[pageHeader:]
		binary.LittleEndian.PutUint32(body, boltMagic)
		binary.LittleEndian.PutUint32(body[4:], boltVersion)
		binary.LittleEndian.PutUint32(body[8:], size)
		binary.LittleEndian.PutUint64(body[16:], root)
		binary.LittleEndian.PutUint64(body[40:], uint64(2+len(bodies)))
		binary.LittleEndian.PutUint64(body[48:], uint64(i))
		sum := fnv.New64a()
		sum.Write(body[:56])
		binary.LittleEndian.PutUint64(body[56:], sum.Sum64())
	}
	for i, b := range bodies {
		page := out[(i+2)*size:]
		binary.LittleEndian.PutUint64(page, uint64(i+2))
		copy(page[8:], b)
	}
	return out
}

type element16 struct {
	flags      uint32
	key, value string
	page       uint64
}

// pageBody is a page from its kind on.
func pageBody(kind uint16, overflow uint32, elements ...element16) []byte {
	out := make([]byte, 8+elementSize*len(elements))
	binary.LittleEndian.PutUint16(out, kind)
	binary.LittleEndian.PutUint16(out[2:], uint16(len(elements)))
	binary.LittleEndian.PutUint32(out[4:], overflow)
	for i, e := range elements {
		at := 8 + i*elementSize
		position := uint32(len(out) - at)
		head := out[at:]
		if kind == branchPage {
			binary.LittleEndian.PutUint32(head, position)
			binary.LittleEndian.PutUint32(head[4:], uint32(len(e.key)))
			binary.LittleEndian.PutUint64(head[8:], e.page)
		} else {
			binary.LittleEndian.PutUint32(head, e.flags)
			binary.LittleEndian.PutUint32(head[4:], position)
			binary.LittleEndian.PutUint32(head[8:], uint32(len(e.key)))
			binary.LittleEndian.PutUint32(head[12:], uint32(len(e.value)))
		}
		out = append(append(out, e.key...), e.value...)
	}
	return out
}

func bucketAt(page uint64) string {
	return string(binary.LittleEndian.AppendUint64(nil, page)) + strings.Repeat("\x00", 8)
}

func TestCheckPages(t *testing.T) {
	leaf := func(keys ...string) []byte {
		var all []element16
		for _, k := range keys {
			all = append(all, element16{key: k, value: "v"})
		}
		return pageBody(leafPage, 0, all...)
	}
	branch := func(elements ...element16) []byte { return pageBody(branchPage, 0, elements...) }
	bucket := func(key, value string) element16 { return element16{flags: bucketLeaf, key: key, value: value} }
	deep := make([][]byte, 80)
	for i := range deep {
		deep[i] = branch(element16{key: "a", page: uint64(i + 3)})
	}
	tooLong := leaf("a")
	binary.LittleEndian.PutUint32(tooLong[8+8:], 1<<31)
	tooMany := leaf("a")
	binary.LittleEndian.PutUint16(tooMany[2:], 65535)
	otherID := boltFile(2, leaf("a"))
	otherID[2*4096] = 9
	huge := boltFile(2, leaf("a"))
	for _, i := range []int{0, 4096} {
		binary.LittleEndian.PutUint32(huge[i+pageHeader+8:], 3)
		sum := fnv.New64a()
		sum.Write(huge[i+pageHeader:][:56])
		binary.LittleEndian.PutUint64(huge[i+pageHeader+56:], sum.Sum64())
	}
	for _, tc := range []struct {
		name  string
		data  []byte
		error string
	}{
		{"leaf", boltFile(2, leaf("a", "b")), ""},
		{"empty", boltFile(2, leaf()), ""},
		{"branch", boltFile(2, branch(element16{key: "a", page: 3}, element16{key: "c", page: 4}), leaf("a", "b"), leaf("c")), ""},
		{"bucket", boltFile(2, pageBody(leafPage, 0, bucket("a", bucketAt(3))), leaf("z")), ""},
		{"loop", boltFile(2, branch(element16{key: "a", page: 2})), "page 2: is referred to twice"},
		{"loop of a bucket", boltFile(2, pageBody(leafPage, 0, bucket("a", bucketAt(2)))), "page 2: is referred to twice"},
		{"shared", boltFile(2, branch(element16{key: "a", page: 3}, element16{key: "b", page: 3}), leaf("a")), "page 3: is referred to twice"},
		{"outside", boltFile(2, branch(element16{key: "a", page: 1 << 60})), "is outside the file"},
		{"to a meta page", boltFile(1), "page 1: is outside the file"},
		{"bucket outside", boltFile(2, pageBody(leafPage, 0, bucket("a", bucketAt(1<<63)))), "is outside the file"},
		{"order", boltFile(2, leaf("b", "a")), "keys are not in order"},
		{"twice", boltFile(2, leaf("a", "a")), "keys are not in order"},
		{"order over pages", boltFile(2, branch(element16{key: "a", page: 3}, element16{key: "b", page: 4}), leaf("a", "c"), leaf("d")), "keys are not in order"},
		{"before its branch", boltFile(2, branch(element16{key: "b", page: 3}), leaf("a")), "keys are not in order"},
		{"branches", boltFile(2, branch(element16{key: "b", page: 3}, element16{key: "a", page: 4}), leaf("b"), leaf("c")), "keys are not in order"},
		{"childless", boltFile(2, branch()), "a branch without children"},
		{"kind", boltFile(2, pageBody(0x10, 0)), "is of kind 0x10"},
		{"key too long", boltFile(2, tooLong), "goes beyond its end"},
		{"too many keys", boltFile(2, tooMany), "keys are not in order"},
		{"overflow", boltFile(2, pageBody(leafPage, 1<<31)), "goes on for 2147483648 pages"},
		{"another page", otherID, "says that it is page 9"},
		{"deep", boltFile(2, deep...), "is below more than 64 others"},
		{"short bucket", boltFile(2, pageBody(leafPage, 0, bucket("a", "short"))), "shorter than its header"},
		{"no bucket inside", boltFile(2, pageBody(leafPage, 0, bucket("a", bucketAt(0)))), "a bucket inside a page is no leaf"},
		{"branch inside", boltFile(2, pageBody(leafPage, 0, bucket("a", bucketAt(0)+strings.Repeat("\x00", 8)+string(branch())))), "is no leaf"},
		{"flags", boltFile(2, pageBody(leafPage, 0, element16{flags: 0x30, key: "a"})), "a value has the flags 0x30"},
		{"page size", huge, "has pages of 3 bytes"},
		{"cut off", boltFile(2, leaf("a"))[:10000], "is cut off"},
		{"nothing", nil, "too short"},
		{"zeros", make([]byte, 1<<16), "neither of its two first pages is whole"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := checkPages(t.Context(), bytes.NewReader(tc.data), int64(len(tc.data)))
			if tc.error == "" && err != nil {
				t.Error(err)
			} else if tc.error != "" {
				wantError(t, err, tc.error)
			}
		})
	}
	t.Run("meta pages that differ", func(t *testing.T) {
		data := boltFile(2, leaf("a"))
		second := data[4096+pageHeader:]
		binary.LittleEndian.PutUint32(second[8:], 8192)
		sum := fnv.New64a()
		sum.Write(second[:56])
		binary.LittleEndian.PutUint64(second[56:], sum.Sum64())
		wantError(t, checkPages(t.Context(), bytes.NewReader(data), int64(len(data))), "has pages of 4096 bytes, and of 8192")
	})
	t.Run("value outside of buckets", func(t *testing.T) {
		_, err := inspectBytes(t, boltFile(2, leaf("pip::x")))
		wantError(t, err, `has a value "pip::x" outside of any bucket`)
	})
	t.Run("second meta page", func(t *testing.T) {
		data := boltFile(2, leaf("a"))
		clear(data[:4096])
		if err := checkPages(t.Context(), bytes.NewReader(data), int64(len(data))); err != nil {
			t.Error(err)
		}
	})
}

func TestCensus(t *testing.T) {
	source := entry{[]string{bucketSources}, "pip::x", publisher{ID: "x"}}
	detail := entry{[]string{bucketDetails}, "CVE-1", dbVulnerability{}}
	advisory := entry{[]string{"pip::x", "a"}, "CVE-1", dbAdvisory{}}
	nested := advisory
	nested.buckets = append([]string{"Red Hat"}, strings.Split("abcdefghijk", "")...)
	for _, tc := range []struct {
		name  string
		all   []entry
		error string
	}{
		{"whole", []entry{source, detail, advisory}, ""},
		{"no advisories", []entry{source, detail}, "has no bucket with advisories"},
		{"no details", []entry{source, advisory}, `has no bucket "vulnerability"`},
		{"no sources", []entry{detail, advisory}, `has no bucket "data-source"`},
		{"deep", []entry{source, detail, nested}, "buckets inside more than 8 others"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "trivy.db")
			if err := writeBolt(path, tc.all); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = inspectBytes(t, data)
			if tc.error == "" && err != nil {
				t.Error(err)
			} else if tc.error != "" {
				wantError(t, err, tc.error)
			}
		})
	}
}

func FuzzPages(f *testing.F) {
	data := members(f, build(f, time.Hour))["trivy.db"]
	f.Add(uint16(0), []byte{1}, uint16(8), []byte{2})
	f.Add(uint16(2*4096+16), []byte{255, 255}, uint16(3*4096), []byte{0})
	f.Fuzz(func(t *testing.T, at uint16, first []byte, then uint16, second []byte) {
		hurt := bytes.Clone(data)
		copy(hurt[min(int(at), len(hurt)):], first)
		copy(hurt[min(int(then), len(hurt)):], second)
		if err := checkPages(t.Context(), bytes.NewReader(hurt), int64(len(hurt))); err != nil {
			return
		}
		if _, err := walk(t, hurt); err != nil && strings.HasPrefix(err.Error(), "panic") {
			t.Error(err)
		}
	})
}

// TestPyPA reads the larger database where it stands on this machine.
func TestPyPA(t *testing.T) {
	path := os.Getenv("AI_SHIP_PYPA_DB")
	if path == "" {
		t.Skip("AI_SHIP_PYPA_DB names no archive")
	}
	o := options()
	o.MaxAge = 100 * 365 * 24 * time.Hour
	db, err := Open(t.Context(), path, root(t), o)
	if err != nil || db.Fixture || db.Advisories("pip") < 2000 {
		text, _ := json.Marshal(db)
		t.Errorf("Open = %s, %v", text, err)
	}
}
