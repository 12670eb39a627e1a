package ignore_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/org/ai-ship/pkg/scan/ignore"
)

// lenient is an entry as trivy decodes it.
type lenient struct {
	ID        string
	Paths     []string
	PURLs     []string  `yaml:"purls"`
	ExpiredAt time.Time `yaml:"expired_at"`
	Statement string
}

// What is read strictly, a lenient reader reads to the same rules.
func FuzzParse(f *testing.F) {
	f.Add(true, "vulnerabilities:\n  - id: CVE-2026-0001\n    paths: ['**/x']\n    purls: ['pkg:pypi/torch@1']\n    expired_at: 2026-09-01\n    statement: why\nsecrets: [{id: a}]\n")
	f.Add(true, "misconfigurations: [{id: a, expired_at: 2020-01-01T00:00:00Z}]\nlicenses:\n")
	f.Add(true, "vulnerabilities: [{id: a, expires: 2026-01-01}]")
	f.Add(true, "secrets: &a []\nlicenses: *a\n")
	f.Add(true, "")
	f.Add(true, "? x")
	f.Add(false, "# ours\nCVE-2026-0001\nCVE-2026-0002 exp:2026-10-01\nGHSA exp:2020-01-01 # why\n")
	f.Add(false, "a b\r\nc")
	f.Fuzz(func(t *testing.T, isYAML bool, text string) {
		name, read := ".trivyignore", fromLines
		if isYAML {
			name, read = ".trivyignore.yml", fromYAML
		}
		got, err := ignore.Parse(name, []byte(text))
		if err != nil {
			return
		}
		if diff := cmp.Diff(read(t, text), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("rules (-lenient +strict):\n%s", diff)
		}
		for _, rule := range slices.Concat(got.Vulnerabilities, got.Misconfigurations, got.Secrets, got.Licenses) {
			if rule.ID == "" {
				t.Errorf("a rule without an ID: %+v", rule)
			}
		}
		now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
		live, ended := got.Prune(now)
		for _, rule := range live.Vulnerabilities {
			if !rule.Ends.IsZero() && rule.Ends.Before(now) {
				t.Errorf("%+v counts after its end", rule)
			}
		}
		for _, rule := range ended {
			if rule.Ends.IsZero() || !rule.Ends.Before(now) {
				t.Errorf("%+v does not count before its end", rule)
			}
		}
	})
}

func fromYAML(t *testing.T, text string) ignore.Rules {
	t.Helper()
	var all struct{ Vulnerabilities, Misconfigurations, Secrets, Licenses []lenient }
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("a lenient reader does not read what is accepted: %v", err)
	}
	rules := func(entries []lenient) (list []ignore.Rule) {
		for _, e := range entries {
			list = append(list, ignore.Rule{ID: e.ID, Paths: e.Paths, Packages: e.PURLs, Ends: e.ExpiredAt, Reason: e.Statement})
		}
		return list
	}
	return ignore.Rules{
		Vulnerabilities: rules(all.Vulnerabilities), Misconfigurations: rules(all.Misconfigurations),
		Secrets: rules(all.Secrets), Licenses: rules(all.Licenses),
	}
}

// fromLines reads the first field of each line that is no comment.
func fromLines(t *testing.T, text string) ignore.Rules {
	t.Helper()
	var list []ignore.Rule
	for line := range strings.Lines(text) {
		rule, reason, _ := strings.Cut(line, "#")
		id, rest, _ := strings.Cut(strings.Join(strings.Fields(rule), " "), " ")
		if id == "" {
			continue
		}
		var ends time.Time
		if date, ok := strings.CutPrefix(rest, "exp:"); ok {
			var err error
			if ends, err = time.Parse(time.DateOnly, date); err != nil {
				t.Fatal(err)
			}
		} else if rest != "" {
			t.Fatalf("the line %q was accepted", line)
		}
		list = append(list, ignore.Rule{ID: id, Ends: ends, Reason: strings.TrimSpace(reason)})
	}
	return ignore.Rules{Vulnerabilities: list, Misconfigurations: list, Secrets: list, Licenses: list}
}
