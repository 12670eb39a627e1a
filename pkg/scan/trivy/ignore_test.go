package trivy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

// project is a folder with one file.
func project(t *testing.T, name, data string) trivy.File {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, name), data)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return trivy.File{Root: root, Name: name}
}

func vulnerable(t *testing.T) scan.Target {
	t.Helper()
	return image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), dist("requests", "2.19.0"), environment())).target(t)
}

// ignored maps IDs to why they do not count.
func ignored(f scan.Findings) map[string]scan.Ignored {
	out := make(map[string]scan.Ignored)
	for _, list := range [][]scan.Finding{f.Vulnerabilities, f.Secrets} {
		for _, one := range list {
			if one.Ignored != nil {
				out[one.ID] = *one.Ignored
			}
		}
	}
	return out
}

func TestIgnoreFile(t *testing.T) {
	const name = ".trivyignore.yaml"
	tests := map[string]struct {
		name, text string
		want       map[string]scan.Ignored
		expired    []string
	}{
		"with everything": {name, `
vulnerabilities:
  - id: CVE-2026-0001
    paths: ["**/pillow-*/METADATA"]
    purls: ["pkg:pypi/pillow"]
    expired_at: 2026-09-01
    statement: Images are not decoded here.
secrets:
  - id: aws-access-key-id
`, map[string]scan.Ignored{
			"CVE-2026-0001":     {By: name, Reason: "Images are not decoded here.", Until: "2026-08-31"},
			"aws-access-key-id": {By: name, Reason: "ignored"},
		}, nil},
		"other path":    {name, "vulnerabilities: [{id: CVE-2026-0001, paths: [opt/**]}]", map[string]scan.Ignored{}, nil},
		"other package": {name, "vulnerabilities: [{id: CVE-2026-0001, purls: ['pkg:pypi/torch']}]", map[string]scan.Ignored{}, nil},
		"expired": {name, "vulnerabilities: [{id: CVE-2026-0001, expired_at: 2026-08-01}, {id: CVE-2026-0002, expired_at: 2026-08-02}]",
			map[string]scan.Ignored{"CVE-2026-0002": {By: name, Reason: "ignored", Until: "2026-08-01"}},
			[]string{"the entry for CVE-2026-0001 expired after 2026-07-31 and suppresses nothing"}},
		"empty":           {name, "", map[string]scan.Ignored{}, nil},
		"only a comment":  {name, "# nothing\n", map[string]scan.Ignored{}, nil},
		"nothing in list": {name, "vulnerabilities:\n", map[string]scan.Ignored{}, nil},
		"lines": {".trivyignore", "# ours\nCVE-2026-0001\nCVE-2026-0002 exp:2026-10-01 # until the upgrade\naws-access-key-id exp:2026-01-01\n\n", map[string]scan.Ignored{
			"CVE-2026-0001": {By: ".trivyignore", Reason: "ignored"},
			"CVE-2026-0002": {By: ".trivyignore", Reason: "until the upgrade", Until: "2026-09-30"},
		}, []string{"the entry for aws-access-key-id expired after 2025-12-31 and suppresses nothing"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			o := options(t)
			o.Ignore = project(t, test.name, test.text)
			found := scanned(t, o, vulnerable(t))
			if diff := cmp.Diff(test.want, ignored(found)); diff != "" {
				t.Errorf("ignored (-want +got):\n%s", diff)
			}
			if n := len(found.Vulnerabilities) + len(found.Secrets); n != 6 {
				t.Errorf("%d findings, want all 6", n)
			}
			var expired []string
			for _, s := range found.Skipped {
				expired = append(expired, s.Reason)
			}
			if diff := cmp.Diff(test.expired, expired); diff != "" {
				t.Errorf("expired (-want +got):\n%s", diff)
			}
			if sarif := document(t, found, "findings.sarif"); len(test.want) > 0 && strings.Contains(sarif, `"ruleId": "CVE-2026-0002"`) == (test.want["CVE-2026-0002"] != scan.Ignored{}) {
				t.Error("SARIF has what is ignored, or lacks what is not")
			}
		})
	}
}

func TestIgnoreFileMistakes(t *testing.T) {
	tests := map[string]struct{ name, text, want string }{
		"typo in the expiry": {"x.yaml", "vulnerabilities:\n  - id: CVE-2026-0001\n    expires: 2026-01-01\n", `reading ignore file "x.yaml": line 3: found the key "expires", expected one of ["id" "paths" "purls" "expired_at" "statement"]`},
		"bad date in a line": {"x", "\nCVE-2026-0001 exp:2026-13-01\n", `line 2: found the date "2026-13-01"`},
		"too large":          {"x", strings.Repeat("# comment\n", 2<<20), "more than 16777216 bytes"},
	}
	target := vulnerable(t)
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			o := options(t)
			o.Ignore = project(t, test.name, test.text)
			found, err := engineScan(t, o, target)
			if err == nil || found.Ran {
				t.Fatal("no error, or a result")
			}
			contains(t, err.Error(), test.want)
		})
	}
	t.Run("missing", func(t *testing.T) {
		o := options(t)
		o.Ignore = project(t, "x", "")
		o.Ignore.Name = "y"
		_, err := engineScan(t, o, target)
		if err == nil {
			t.Fatal("no error")
		}
		contains(t, err.Error(), "y: no such file")
	})
	t.Run("outside", func(t *testing.T) {
		o := options(t)
		o.Ignore = project(t, "x", "")
		o.Ignore.Name = "../x"
		_, err := engineScan(t, o, target)
		if err == nil {
			t.Fatal("no error")
		}
		contains(t, err.Error(), "path escapes from parent")
	})
}

func TestExpiryFollowsTheClock(t *testing.T) {
	o := options(t)
	o.Ignore = project(t, ".trivyignore", "CVE-2026-0001 exp:2026-08-02\n")
	for day, want := range map[time.Time]int{now(): 1, now().AddDate(0, 0, 1): 0} {
		o.Now = func() time.Time { return day }
		if got := len(ignored(scanned(t, o, vulnerable(t)))); got != want {
			t.Errorf("%s: %d ignored, want %d", day, got, want)
		}
	}
}

const openVEX = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/vex/1","author":"acme","timestamp":"2026-07-01T00:00:00Z","version":1,
"statements":[{"vulnerability":{"name":"CVE-2026-0001"},"products":[{"@id":"pkg:pypi/pillow@9.0.0"}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"}]}`

const csaf = `{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"x","publisher":{"category":"vendor","name":"acme","namespace":"https://example.com"},
"tracking":{"current_release_date":"2026-07-01T00:00:00Z","id":"1","initial_release_date":"2026-07-01T00:00:00Z","revision_history":[{"date":"2026-07-01T00:00:00Z","number":"1","summary":"x"}],"status":"final","version":"1"}},
"product_tree":{"branches":[{"category":"vendor","name":"acme","branches":[{"category":"product_version","name":"2.19.0","product":{"name":"requests","product_id":"R","product_identification_helper":{"purl":"pkg:pypi/requests@2.19.0"}}}]}]},
"vulnerabilities":[{"cve":"CVE-2026-0002","product_status":{"known_not_affected":["R"]},"flags":[{"label":"vulnerable_code_not_present","product_ids":["R"]}]}]}`

func TestVEX(t *testing.T) {
	o := options(t)
	o.VEX = []trivy.File{project(t, "vex.json", openVEX), project(t, "csaf.json", csaf)}
	found := scanned(t, o, vulnerable(t))
	want := map[string]scan.Ignored{
		"CVE-2026-0001": {By: "vex.json", Reason: "vulnerable_code_not_in_execute_path"},
		"CVE-2026-0002": {By: "csaf.json", Reason: "not_affected"},
	}
	if diff := cmp.Diff(want, ignored(found)); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	if len(found.Vulnerabilities) != 4 {
		t.Errorf("found %q, want all four", ids(found.Vulnerabilities))
	}
}

func TestVEXMistakes(t *testing.T) {
	for title, test := range map[string]struct{ text, want string }{
		"no JSON":   {"{", `reading VEX file "vex.json": `},
		"no VEX":    {"{}", `reading VEX file "vex.json": unable to load VEX`},
		"no CVE":    {strings.Replace(csaf, `"cve":"CVE-2026-0002",`, "", 1), "trivy panicked"},
		"CycloneDX": {`{"bomFormat":"CycloneDX","specVersion":"1.5","vulnerabilities":[]}`, "CycloneDX VEX can be used with CycloneDX SBOM"},
	} {
		t.Run(title, func(t *testing.T) {
			o := options(t)
			o.VEX = []trivy.File{project(t, "vex.json", test.text)}
			found, err := engineScan(t, o, vulnerable(t))
			if err == nil || found.Ran {
				t.Fatal("no error, or a result")
			}
			contains(t, err.Error(), test.want)
		})
	}
}
