package trivy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/result"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/ai-ship/pkg/scan/ignore"
)

// What is read strictly, trivy reads to the same rules. Only the seeds run in
// CI: FuzzParse of pkg/scan/ignore is fuzzed.
func FuzzIgnoreFile(f *testing.F) {
	f.Add(true, "vulnerabilities:\n  - id: CVE-2026-0001\n    paths: ['**/x']\n    purls: ['pkg:pypi/torch@1']\n    expired_at: 2026-09-01\n    statement: why\nsecrets: [{id: a}]\n")
	f.Add(true, "misconfigurations: [{id: a, expired_at: 2020-01-01T00:00:00Z}]\nlicenses:\n")
	f.Add(true, "")
	f.Add(true, "? x")
	f.Add(false, "# ours\nCVE-2026-0001\nCVE-2026-0002 exp:2026-10-01\nGHSA exp:2020-01-01\n")
	f.Add(false, "a b\r\nc")
	f.Fuzz(func(t *testing.T, isYAML bool, text string) {
		dir, name := t.TempDir(), ".trivyignore"
		if isYAML {
			name = ".trivyignore.yaml"
		}
		rules, err := ignore.Parse(name, []byte(text))
		if err != nil {
			return
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		now := clock.Now(t.Context())
		want, err := result.ParseIgnoreFile(clock.With(t.Context(), now), file)
		if err != nil {
			t.Fatalf("trivy does not read what is accepted: %v", err)
		}
		live, _ := rules.Prune(now)
		got, err := trivyRules(live)
		if err != nil {
			t.Fatal(err)
		}
		// Trivy's plain format has no reason.
		options := []cmp.Option{cmpopts.IgnoreFields(result.IgnoreConfig{}, "FilePath"), cmpopts.EquateEmpty()}
		if !isYAML {
			options = append(options, cmpopts.IgnoreFields(result.IgnoreFinding{}, "Statement"))
		}
		if diff := cmp.Diff(want, got, options...); diff != "" {
			t.Errorf("rules (-trivy +ours):\n%s", diff)
		}
	})
}
