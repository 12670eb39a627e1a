package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/org/ai-ship/pkg/seal"
)

func TestSeal(t *testing.T) {
	key := seal.New("ours")
	sealed := key.Seal("a", []byte("text"))
	if got, ok := key.Unseal("a", sealed); !ok || string(got) != "text" {
		t.Fatalf("Unseal = %q, %t", got, ok)
	}
	for name, test := range map[string]struct {
		key    seal.Key
		name   string
		sealed []byte
	}{
		"another key":        {seal.New("theirs"), "a", sealed},
		"no key":             {seal.Key{}, "a", sealed},
		"another name":       {key, "b", sealed},
		"a changed text":     {key, "a", append(bytes.Clone(sealed[:len(sealed)-1]), 'T')},
		"a longer text":      {key, "a", append(bytes.Clone(sealed), '!')},
		"a name in the text": {key, "a\"\nt", append(bytes.Clone(sealed[:32]), "ext"...)},
		"half a seal":        {key, "a", sealed[:16]},
		"nothing":            {key, "a", nil},
	} {
		if got, ok := test.key.Unseal(test.name, test.sealed); ok {
			t.Errorf("%s: Unseal = %q", name, got)
		}
	}
}

// Several processes may make the key at once: all get the same one.
func TestOneKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache", "ai-ship", "scan.key")
	seals := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range seals {
		all.Go(func() {
			key, err := seal.Open(file)
			if err != nil {
				t.Error(err)
			}
			seals[i] = key.Seal("a", nil)
		})
	}
	all.Wait()
	for _, s := range seals {
		if !bytes.Equal(s, seals[0]) {
			t.Fatal("the keys differ")
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".new*")); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(file); err == nil {
		t.Error("a key of 5 bytes was taken")
	}
	if bytes.Equal(seal.Random().Seal("a", nil), seal.Random().Seal("a", nil)) {
		t.Error("two random keys are the same")
	}
}
