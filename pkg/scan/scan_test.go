package scan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

func TestFindingsAreReadBack(t *testing.T) {
	layer := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	want := scan.Findings{
		Ran:             true,
		Vulnerabilities: []scan.Finding{{ID: "CVE-2024-3094", Severity: scan.Critical, Layer: layer, Path: "/usr/lib/liblzma.so.5"}},
		Models:          []scan.Finding{{ID: "pickle-import", Severity: scan.High}, {ID: "x"}},
		Secrets:         []scan.Finding{{Severity: scan.Low}, {Severity: scan.Medium}},
		Skipped:         []scan.Skip{{Reason: "too large"}, {Layer: layer}},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"severity":"critical"`, `"severity":"unknown"`, `"layer":"sha256:aaaa`, `{"reason":"too large"}`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	if strings.Contains(string(text), `":"`+`:"`) {
		t.Errorf("a digest that is not known is written: %s", text)
	}
	var got scan.Findings
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestSeverity(t *testing.T) {
	for _, s := range []scan.Severity{-1, 5, 1 << 30} {
		if s.String() != "unknown" {
			t.Errorf("severity %d is %s, want unknown", int(s), s)
		}
	}
	var s scan.Severity
	err := s.UnmarshalText([]byte("catastrophic"))
	if want := `found the severity "catastrophic", expected one of ["unknown" "low" "medium" "high" "critical"]`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestMerge(t *testing.T) {
	one := scan.Findings{Models: []scan.Finding{{ID: "a"}}}
	one.Merge(scan.Findings{Ran: true, Models: []scan.Finding{{ID: "b"}}, Skipped: []scan.Skip{{Path: "c"}}})
	want := scan.Findings{Ran: true, Models: []scan.Finding{{ID: "a"}, {ID: "b"}}, Skipped: []scan.Skip{{Path: "c"}}}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}
