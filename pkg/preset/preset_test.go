package preset_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/preset"
)

// Every preset is documented: each variable once, with a value and a reason.
func TestPresets(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	for _, n := range preset.Names() {
		p, err := preset.Of(n)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != n || p.Summary == "" || (n != "none") != (len(p.Variables) > 0) {
			t.Errorf("%s: %+v", n, p)
		}
		var names []string
		for _, v := range p.Variables {
			names = append(names, v.Name)
			if !name.MatchString(v.Name) || v.Value == "" || len(v.Why) < 40 {
				t.Errorf("%s: %+v", n, v)
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: variables %q, want them sorted and each once", n, names)
		}
	}
}

func TestOfUnknown(t *testing.T) {
	if _, err := preset.Of("jax"); err == nil || !strings.Contains(err.Error(), "none, onnxruntime, pytorch, tensorflow") {
		t.Errorf("Of: %v", err)
	}
	if p, err := preset.Of(""); err != nil || p.Name != "none" {
		t.Errorf("Of(\"\") = %v, %v", p, err)
	}
}
