package leftover_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/leftover"
	remembering "github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/seal"
)

// A second scan opens no file that has not changed, and finds the same.
func TestSecondScanReadsNothing(t *testing.T) {
	m := newMaker()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	scanner := leftover.Scanner{Memory: remembering.New(root, seal.New("ours"), "test")}
	var opened []string
	watched := func(f scan.File, stamp string) scan.File {
		open := f.Open
		f.Stamp = stamp
		f.Open = func() (scan.Content, error) { opened = append(opened, f.Path); return open() }
		return f
	}
	token := func() string { return "hf_" + m.key(letters, 34) }
	files := []scan.File{
		watched(file("app/a.py", "x = '"+token()+"'\n"), "1"),
		watched(file("app/b.py", "nothing\n"), "1"),
		watched(file("app/c.bin", "\x00"+token()+strings.Repeat("\x00", 2<<20)), "1"),
		watched(file("app/.env", "PASSWORD=\n"), "1"),
		watched(unreadable("app/d.py", "the disk is gone"), "1"),
		watched(file("app/young.py", "x = '"+token()+"'\n"), ""),
	}
	scanned := func(files ...scan.File) scan.Findings {
		t.Helper()
		opened = nil
		image := target(t, v1.ConfigFile{}, files...)
		image.Layers = []scan.Layer{{Kind: "app", Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(fmt.Sprint(len(files)), 64)}}}
		findings, err := scanner.Scan(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		return findings
	}
	first := scanned(files...)
	if len(opened) != len(files) || len(first.Secrets) != 4 || len(first.Skipped) != 1 || len(first.Incomplete) != 1 {
		t.Fatalf("opened %q, found %+v", opened, first)
	}
	second := scanned(files...)
	if diff := cmp.Diff([]string{"app/d.py", "app/young.py"}, opened); diff != "" {
		t.Errorf("opened by the second scan, unreadable and young files aside (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second scan differs (-first +second):\n%s", diff)
	}

	// A file that changed, in a layer that is therefore another.
	files[1] = watched(file("app/b.py", "x = '"+token()+"'\n"), "2")
	third := scanned(files[:4]...)
	if diff := cmp.Diff([]string{"app/b.py"}, opened); diff != "" {
		t.Errorf("opened after a change (-want +got):\n%s", diff)
	}
	if len(third.Secrets) != 4 {
		t.Errorf("found %q, want the new one too", ids(third))
	}
	for _, f := range third.Secrets {
		if !strings.HasPrefix(f.Layer.Hex, "4") {
			t.Errorf("%s has the layer %s of an earlier image", f.Path, f.Layer)
		}
	}
}
