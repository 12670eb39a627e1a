package inventory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

const mib = 1 << 20

func file(path string, size int64) inventory.File { return inventory.File{Path: path, Size: size} }

// listed is a layer with all its files, which must be the largest first.
func listed(kind layer.Kind, name string, files ...inventory.File) inventory.Layer {
	l := inventory.Layer{Kind: kind, Name: name, Files: files, Listed: inventory.All, Unpacked: 1024}
	for _, f := range files {
		l.Unpacked += 512 + f.Size
		if f.Type == inventory.Regular {
			l.FileCount++
		}
	}
	l.Size = l.Unpacked / 2
	return l
}

func TestSummary(t *testing.T) {
	l := listed(layer.KindApp, "src in /app",
		inventory.File{Path: "app/a b.bin", Size: 2 * mib, ID: "sha256:00", Linked: true},
		file("app/\"q\".py", 7), file("app/bad\xff\nname", 7), file("app/ümlaut.py", 7), file("app/__init__.py", 0),
		inventory.File{Path: "app/link", Type: inventory.Symlink})
	const want = `1 files=5 unpacked=2101269 name="src in /app"
2097152 app/a b.bin
7 app/"q".py
7 "app/bad\xff\nname"
7 app/ümlaut.py
0 app/__init__.py`
	got := inventory.Summary(l)
	if got != want {
		t.Fatalf("Summary:\n%s\nwant:\n%s", got, want)
	}
	back, err := inventory.ParseSummary(got)
	if err != nil {
		t.Fatal(err)
	}
	expect := inventory.Layer{Name: "src in /app", Unpacked: 2101269, FileCount: 5, Listed: inventory.All, Files: []inventory.File{
		file("app/a b.bin", 2*mib), file("app/\"q\".py", 7), file("app/bad\xff\nname", 7), file("app/ümlaut.py", 7), file("app/__init__.py", 0),
	}}
	if diff := cmp.Diff(expect, back); diff != "" {
		t.Errorf("ParseSummary (-want +got):\n%s", diff)
	}
}

// However many files and however long their names, the text stays small and
// says that it is not all.
func TestSummaryIsBounded(t *testing.T) {
	for name, tc := range map[string]struct{ path, layer string }{
		"many":       {"f%04d", "models"},
		"long paths": {strings.Repeat("d/", 500) + "f%04d", strings.Repeat("ü", 500)},
		"longest":    {strings.Repeat("d/", 5000) + "f%04d", "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			var files []inventory.File
			for i := range 1000 {
				files = append(files, file(fmt.Sprintf(tc.path, i), int64(2000-i)))
			}
			text := inventory.Summary(listed(layer.KindModel, tc.layer, files...))
			if len(text) > 6<<10 || strings.Count(text, "\n") > 64 {
				t.Errorf("%d bytes, %d lines", len(text), strings.Count(text, "\n"))
			}
			l, err := inventory.ParseSummary(text)
			if err != nil || l.Listed != inventory.Largest || l.FileCount != 1000 {
				t.Errorf("ParseSummary: %+v, %v", l, err)
			}
			for i, f := range l.Files {
				if f != files[i] {
					t.Errorf("file %d is %v, want %v", i, f, files[i])
				}
			}
		})
	}
}

func TestParseSummaryRefuses(t *testing.T) {
	const head = "1 files=2 unpacked=100 name=\"x\"\n"
	for name, tc := range map[string]struct{ text, want string }{
		"empty":        {"", "line 1"},
		"version":      {"2 files=0 unpacked=0 name=\"\"", "line 1"},
		"name":         {"1 files=0 unpacked=0 name=x", "line 1"},
		"long name":    {`1 files=0 unpacked=0 name="` + strings.Repeat("x", 300) + `"`, "line 1"},
		"negative":     {"1 files=-1 unpacked=0 name=\"\"", "line 1"},
		"huge":         {"1 files=0 unpacked=99999999999999999999 name=\"\"", "line 1"},
		"plus":         {"1 files=+1 unpacked=0 name=\"\"", "line 1"},
		"no size":      {head + "path", "line 2"},
		"empty path":   {head + "1 ", "line 2"},
		"absolute":     {head + "1 /etc/passwd", "line 2"},
		"leads out":    {head + "1 ../x", "line 2"},
		"leading zero": {head + "01 x", "line 2"},
		"open quote":   {head + `1 "x`, "line 2"},
		"vain quote":   {head + `1 "x"`, "line 2"},
		"control":      {head + "1 a\x1bb", "line 2"},
		"not sorted":   {head + "1 x\n2 y", "line 3: expected at most 64 files"},
		"sum too big":  {head + "17592186044416 x\n1 y", "line 3"},
		"too many":     {head + "3 a\n2 b\n1 c", "3 files, but files=2"},
		"whiteout":     {head + "-0 x", `"x": expected plain files only`},
		"identity":     {head + "1#sha256:00 x", `"x": expected plain files only`},
		"lines":        {strings.Replace(head, "=2", "=99", 1) + strings.TrimSuffix(strings.Repeat("1 x\n", 65), "\n"), "at most 64 files"},
		"long":         {head + "1 " + strings.Repeat("x", 7000), "at most 6144"},
		"end":          {head, "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inventory.ParseSummary(tc.text)
			if !errors.Is(err, inventory.ErrSummary) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("ParseSummary: %v, want %q", err, tc.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	want := listed(layer.KindBase, "",
		inventory.File{Path: "usr/lib/big", Size: 3 * mib, ID: "sha256:ab", Linked: true}, file("etc/passwd", 3),
		inventory.File{Path: ".", Type: inventory.Opaque}, inventory.File{Path: "bin", Type: inventory.Symlink},
		inventory.File{Path: "etc/gone", Type: inventory.Whiteout}, inventory.File{Path: "usr/lib/same", Type: inventory.Hardlink})
	got, err := inventory.Decode(inventory.Encode(want))
	want.Size, want.Kind = 0, ""
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Decode: %v (-want +got):\n%s", err, diff)
	}
	if _, err := inventory.Decode(strings.Repeat("x", 64<<20+1)); !errors.Is(err, inventory.ErrSummary) {
		t.Errorf("Decode of too much: %v", err)
	}
	many := inventory.Layer{Listed: inventory.All, FileCount: 200_001}
	for i := range many.FileCount {
		many.Files = append(many.Files, file(fmt.Sprintf("f%06d", i), 1))
	}
	got, err = inventory.Decode(inventory.Encode(many))
	if err != nil || len(got.Files) != 200_000 || got.Listed != inventory.Largest {
		t.Errorf("of 200,001 files: %d, listed %d, %v", len(got.Files), got.Listed, err)
	}
}

func TestOf(t *testing.T) {
	app := listed(layer.KindApp, "src in /app", file("app/main.py", 100))
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	got := inventory.Of(v1.Manifest{Layers: []v1.Descriptor{
		{Size: 30, Digest: hash},
		{Size: -1, Annotations: map[string]string{inventory.KindAnnotation: "\x1b", inventory.PathsAnnotation: "nonsense"}},
		{Size: 1 << 60, Annotations: map[string]string{inventory.KindAnnotation: "app", inventory.PathsAnnotation: inventory.Summary(app)}},
	}})
	app.Size = 1 << 44
	want := inventory.Inventory{Layers: []inventory.Layer{{Digest: hash.String(), Kind: layer.KindBase, Size: 30}, {Kind: layer.KindBase}, app}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Of (-want +got):\n%s", diff)
	}
	if n, ok := got.Unpacked(); ok || n != 0 || got.Compressed() != 1<<44+30 {
		t.Errorf("unpacked %d %v, compressed %d", n, ok, got.Compressed())
	}
	if n, ok := (inventory.Inventory{Layers: []inventory.Layer{app, app}}).Unpacked(); !ok || n != 2*app.Unpacked {
		t.Errorf("unpacked %d, %v", n, ok)
	}
}

// What parses is what Summary would have written.
func FuzzParseSummary(f *testing.F) {
	f.Add("1 files=5 unpacked=2101781 name=\"src in /app\"\n2097152 app/a b.bin\n7 \"app/bad\\xff\\nname\"\n0 x")
	f.Add("1 files=0 unpacked=0 name=\"\\u00fc\"")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := inventory.ParseSummary(text)
		if err != nil {
			if !errors.Is(err, inventory.ErrSummary) {
				t.Errorf("error %v", err)
			}
			return
		}
		if got := inventory.Summary(l); got != text {
			t.Errorf("Summary gives %q for %q", got, text)
		}
		inventory.Compare(inventory.Inventory{Layers: []inventory.Layer{l}}, inventory.Inventory{})
		inventory.Wastes(inventory.Inventory{Layers: []inventory.Layer{l, l}})
	})
}
