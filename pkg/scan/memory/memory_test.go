package memory_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/seal"
)

func folder(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func save(t *testing.T, m *memory.Memory, name, text string) {
	t.Helper()
	if err := m.Save(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir *os.Root) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir.Name(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOnlyWhatIsOursIsSeen(t *testing.T) {
	dir := folder(t)
	ours := memory.New(dir, seal.New("ours"), "v1")
	save(t, ours, "a", "clean")
	if got, ok := ours.Load("a"); !ok || string(got) != "clean" {
		t.Fatalf("Load = %q, %t", got, ok)
	}
	for name, m := range map[string]*memory.Memory{
		"another key":     memory.New(dir, seal.New("theirs"), "v1"),
		"no key":          memory.New(dir, seal.Key{}, "v1"),
		"another version": memory.New(dir, seal.New("ours"), "v2"),
		"nothing":         nil,
	} {
		if got, ok := m.Load("a"); ok {
			t.Errorf("%s: Load = %q", name, got)
		}
	}
	if _, ok := ours.Load("b"); ok {
		t.Error("found what was never kept")
	}
	var none *memory.Memory
	save(t, none, "a", "")
}

// What an entry may have become, and what somebody may put in its place: without
// the key none of it is seen.
func TestDamagedAndForgedEntries(t *testing.T) {
	sum := sha256.Sum256([]byte("fine"))
	for name, change := range map[string]func(d, other []byte) []byte{
		"empty":            func([]byte, []byte) []byte { return nil },
		"cut":              func(d, _ []byte) []byte { return d[:len(d)-1] },
		"only a seal":      func(d, _ []byte) []byte { return d[:32] },
		"longer":           func(d, _ []byte) []byte { return append(d, '!') },
		"a bit":            func(d, _ []byte) []byte { d[len(d)-1] ^= 1; return d },
		"a bit of seal":    func(d, _ []byte) []byte { d[0] ^= 1; return d },
		"a checksum":       func(_, _ []byte) []byte { return append(sum[:], "fine"...) },
		"another's":        func(_, other []byte) []byte { return other },
		"another's seal":   func(d, other []byte) []byte { return append(bytes.Clone(other[:32]), d[32:]...) },
		"sealed by others": func(d, _ []byte) []byte { return seal.New("theirs").Seal("v1 a", d[32:]) },
	} {
		dir := folder(t)
		m := memory.New(dir, seal.New("ours"), "v1")
		save(t, m, "b", "another result")
		other, err := os.ReadFile(names(t, dir)[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(names(t, dir)[0]); err != nil {
			t.Fatal(err)
		}
		save(t, m, "a", "the result")
		file := names(t, dir)[0]
		d, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, change(d, other), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := m.Load("a"); ok {
			t.Errorf("%s: Load = %q", name, got)
		}
		save(t, m, "a", "the result")
		if got, ok := m.Load("a"); !ok || string(got) != "the result" {
			t.Errorf("%s: written again, Load = %q, %t", name, got, ok)
		}
	}
}

func TestTheOldestGo(t *testing.T) {
	dir := folder(t)
	m := memory.New(dir, seal.New("ours"), "v1")
	const more = 5
	for i := range memory.MaxEntries + more {
		save(t, m, fmt.Sprint(i), "x")
		if i == 0 { // the order of those of one tick is no matter
			if err := os.Chtimes(names(t, dir)[0], time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(names(t, dir)); n != memory.MaxEntries {
		t.Errorf("%d entries, want %d", n, memory.MaxEntries)
	}
	if _, ok := m.Load("0"); ok {
		t.Error("the oldest is still there")
	}
}

func TestALinkLeadsNowhere(t *testing.T) {
	dir := folder(t)
	m := memory.New(dir, seal.New("ours"), "v1")
	save(t, m, "a", "the result")
	file, outside := names(t, dir)[0], filepath.Join(t.TempDir(), "outside")
	if err := os.Rename(file, outside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, file); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Load("a"); ok {
		t.Error("a link out of the folder was followed")
	}
	save(t, m, "a", "new")
	if data, _ := os.ReadFile(outside); bytes.Contains(data, []byte("new")) {
		t.Error("written through a link")
	}
}

func TestFiles(t *testing.T) {
	dir := folder(t)
	m := memory.New(dir, seal.New("ours"), "v1")
	file := scan.File{Path: "app/a", Kind: "app", Size: 3, Stamp: "1"}
	young := scan.File{Path: "app/b", Kind: "app", Size: 3}
	first := memory.Of[[]string](m, "s 1", "linux/amd64")
	if _, ok := first.Get(file); ok {
		t.Fatal("an empty memory knows a file")
	}
	first.Put(file, []string{"x"})
	first.Put(young, []string{"y"})
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	second := memory.Of[[]string](m, "s 1", "linux/amd64")
	if got, ok := second.Get(file); !ok || len(got) != 1 || got[0] != "x" {
		t.Errorf("Get = %q, %t", got, ok)
	}
	for _, other := range []scan.File{
		young,
		{Path: "app/a", Kind: "app", Size: 3, Stamp: "2"},
		{Path: "app/a", Kind: "app", Size: 4, Stamp: "1"},
		{Path: "app/a", Kind: "python", Size: 3, Stamp: "1"},
		{Path: "app/c", Kind: "app", Size: 3, Stamp: "1"},
	} {
		if got, ok := second.Get(other); ok {
			t.Errorf("%+v: Get = %q", other, got)
		}
	}
	for _, of := range []struct{ scanner, platform string }{{"s 2", "linux/amd64"}, {"s 1", "linux/arm64"}} {
		if _, ok := memory.Of[[]string](m, of.scanner, of.platform).Get(file); ok {
			t.Errorf("%v knows the file", of)
		}
	}

	// What the image lost is forgotten; without news nothing is written.
	before := stat(t, dir)
	if err := second.Save(); err != nil || !os.SameFile(before, stat(t, dir)) {
		t.Errorf("written without news: %v", err)
	}
	third := memory.Of[[]string](m, "s 1", "linux/amd64")
	third.Put(scan.File{Path: "app/d", Stamp: "1"}, nil)
	if err := third.Save(); err != nil {
		t.Fatal(err)
	}
	if _, ok := memory.Of[[]string](m, "s 1", "linux/amd64").Get(file); ok {
		t.Error("a file that is gone is remembered")
	}
}

func stat(t *testing.T, dir *os.Root) os.FileInfo {
	t.Helper()
	info, err := os.Stat(names(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	return info
}
