package modelfile_test

import (
	"os"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	remembering "github.com/org/ai-ship/pkg/scan/memory"
	"github.com/org/ai-ship/pkg/scan/modelfile"
	"github.com/org/ai-ship/pkg/seal"
)

// A second scan opens no file that has not changed, and still holds files against
// each other: what one says of another is never remembered of the other.
func TestSecondScanReadsNothing(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	scanner := modelfile.Scanner{Memory: remembering.New(root, seal.New("ours"), "test")}
	var mu sync.Mutex
	var opened []string
	scanned := func(contents map[string]string) scan.Findings {
		t.Helper()
		opened = nil
		files := image(contents)
		for i := range files {
			f, open := &files[i], files[i].Open
			f.Stamp = contents[f.Path]
			f.Open = func() (scan.Content, error) {
				mu.Lock()
				defer mu.Unlock()
				opened = append(opened, f.Path)
				return open()
			}
		}
		findings, err := scanner.Scan(t.Context(), scan.Target{Files: files})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(opened)
		return findings
	}
	const config = `{"architectures":["A"],"auto_map":{"AutoModel":"code.Model"}}`
	contents := map[string]string{
		"m/README.md":         "---\nlicense: apache-2.0\n---\n",
		"m/config.json":       config,
		"m/code.py":           python,
		"m/model.safetensors": oneFile,
		"m/bad.pkl":           "\x80\x04cos\nsystem\n(S'id'\ntR.",
		"m/cut.gguf":          "GGUF\x03\x00\x00\x00",
	}
	first := scanned(contents)
	if len(opened) != len(contents) || len(first.Models) < 2 || len(first.Incomplete) != 1 || first.Incomplete[0].Path != "m/cut.gguf" {
		t.Fatalf("opened %q, found %+v", opened, first)
	}
	second := scanned(contents)
	if diff := gocmp.Diff([]string{"m/cut.gguf"}, opened); diff != "" {
		t.Errorf("opened by the second scan, what was not read to its end aside (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff(first, second); diff != "" {
		t.Errorf("the second scan differs (-first +second):\n%s", diff)
	}

	// The config names the code no more: only the config is read, and the code is
	// none that loading runs.
	runs := func(f scan.Findings) bool {
		return slices.ContainsFunc(f.Models, func(m scan.Finding) bool { return m.ID == "remote-code" && m.Path == "m/code.py" })
	}
	if !runs(second) {
		t.Fatalf("found %+v, want the code", second.Models)
	}
	delete(contents, "m/cut.gguf")
	contents["m/config.json"] = `{"architectures":["A"]}`
	third := scanned(contents)
	if diff := gocmp.Diff([]string{"m/config.json"}, opened); diff != "" {
		t.Errorf("opened after a change (-want +got):\n%s", diff)
	}
	if runs(third) {
		t.Errorf("found %+v, which the config does not run", third.Models)
	}
	contents["m/config.json"] = config
	if fourth := scanned(contents); !runs(fourth) || fourth.Inventory[0].License != "apache-2.0" {
		t.Errorf("found %+v in %+v, want the code and the card's licence", fourth.Models, fourth.Inventory)
	}
}
