package ignore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/scan/ignore"
)

func TestMistakes(t *testing.T) {
	for title, test := range map[string]struct{ name, text, want, hint string }{
		"typo in the expiry": {"x.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    expires: 2026-01-01\n", `line 3: found the key "expires", expected one of ["id" "paths" "purls" "expired_at" "statement"]`, ""},
		"near miss":          {"x.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    expired_on: 2026-01-01\n", `line 3: found the key "expired_on"`, `did you mean "expired_at"?`},
		"unknown list":       {"x.yml", "vulnerability:\n  - id: CVE-2026-0001\n", `line 1: found the key "vulnerability"`, ""},
		"bad date":           {"x.yaml", "vulnerabilities:\n  - {id: a, expired_at: soon}\n", `line 2: found the date "soon" for expired_at`, ""},
		"quoted date":        {"x.yaml", "vulnerabilities:\n  - {id: a, expired_at: '2026-01-01'}\n", `line 2: found the date "2026-01-01" for expired_at, expected one such as 2026-12-31, without quotes`, ""},
		"no id":              {"x.yaml", "secrets:\n  - paths: [a]\n", "line 2: found an entry without id", ""},
		"twice":              {"x.yaml", "secrets:\n  - id: a\n    id: b\n", `line 3: found the key "id" twice`, ""},
		"bad pattern":        {"x.yaml", "secrets:\n  - id: a\n    paths: ['[']\n", `line 3: found the path "["`, ""},
		"bad package":        {"x.yaml", "vulnerabilities:\n  - id: a\n    purls: [torch]\n", `line 3: found the package "torch"`, ""},
		"text for a list":    {"x.yaml", "secrets:\n  - id: a\n    paths: a\n", "line 3: cannot unmarshal", ""},
		"list of texts":      {"x.yaml", "secrets: [a]\n", "line 1: found no mapping", ""},
		"no list":            {"x.yaml", "secrets: a\n", `line 1: found no list below "secrets"`, ""},
		"two documents":      {"x.yaml", "secrets: []\n---\nsecrets: []\n", "found a second document", ""},
		"alias":              {"x.yaml", "secrets: &a []\nlicenses: *a\n", "line 2: found an alias", ""},
		"no YAML":            {"x.yaml", "a: [\n", "line 1: did not find expected node content", ""},
		"bad line":           {"x", "CVE-2026-0001 until 2026\n", `line 1: found "until"`, ""},
		"bad date in a line": {"x", "\nCVE-2026-0001 exp:2026-13-01\n", `line 2: found the date "2026-13-01"`, ""},
		"year one":           {"x", "CVE-2026-0001 exp:0001-01-01\n", `line 1: found the date "0001-01-01"`, ""},
	} {
		t.Run(title, func(t *testing.T) {
			rules, err := ignore.Parse(test.name, []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error is %v, want one with %s", err, test.want)
			}
			if diff := cmp.Diff(ignore.Rules{}, rules); diff != "" {
				t.Errorf("rules beside the error: %s", diff)
			}
			if hints := strings.Join(hint.Of(err), "; "); test.hint != "" && hints != test.hint {
				t.Errorf("hint is %q, want %q", hints, test.hint)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	day := time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC)
	rules, err := ignore.Parse(".trivyignore", []byte("a\nb exp:2026-08-02\n"))
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[time.Time]int{day: 2, day.Add(time.Nanosecond): 1} {
		live, ended := rules.Prune(now)
		if len(live.Vulnerabilities) != want || len(live.Secrets) != want || len(ended) != 2-want {
			t.Errorf("at %s: %+v count and %+v do not, want %d to count", now, live, ended, want)
		}
	}
	if got := ignore.LastDay(day); got != "2026-08-01" {
		t.Errorf("the last day is %s", got)
	}
	if got := ignore.LastDay(time.Time{}); got != "" {
		t.Errorf("without an end the last day is %s", got)
	}
}
