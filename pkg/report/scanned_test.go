package report_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

// scanOf is what the terminal shows of findings.
func scanOf(t *testing.T, f scan.Findings) string {
	t.Helper()
	f.Ran = true
	_, got, found := strings.Cut(text(t, report.Report{Findings: f}, report.Style{}), "\nSCAN\n")
	if !found {
		t.Error("the scan is not shown")
	}
	return got
}

func TestFacts(t *testing.T) {
	day := time.Date(2024, 5, 1, 6, 12, 0, 0, time.FixedZone("", 2*60*60))
	covered := []scan.Coverage{{Ecosystem: "pip", Packages: 3, Advisories: 1}}
	one := []scan.Finding{{ID: "a", Severity: scan.High}, {ID: "b", Severity: scan.Severity(99)}, {ID: "c", Severity: scan.Low, Ignored: &scan.Ignored{}}}
	for _, tc := range []struct {
		name string
		f    scan.Findings
		want string
	}{
		{"no database", scan.Findings{}, "packages  not looked up\n"},
		{"no database, and yet findings", scan.Findings{Vulnerabilities: one}, "packages  1 high · 1 unknown · 1 ignored\n"},
		{"no packages", scan.Findings{Database: &scan.Database{}}, "packages  no known vulnerability in 0 packages\n"},
		{"one package", scan.Findings{Database: &scan.Database{Coverage: covered}, Vulnerabilities: one}, "packages  1 high · 1 unknown · 1 ignored, in 3 packages\n"},
		{"not covered", scan.Findings{Database: &scan.Database{Coverage: []scan.Coverage{{Ecosystem: "npm", Packages: 3}}}},
			"packages  no known vulnerability in 3 packages, 3 of them not covered\n"},
		{"ecosystem", scan.Findings{Database: &scan.Database{Coverage: covered}}, "coverage  pip: 3 packages, 1 advisory\n"},
		{"no model", scan.Findings{}, "models    no model file\n"},
		{"a model's finding, and no file", scan.Findings{Models: one[:1]}, "models    1 high\n"},
		{"secrets", scan.Findings{Secrets: one}, "secrets   1 high · 1 unknown · 1 ignored\n"},
		{"date", scan.Findings{Database: &scan.Database{Ref: "r", UpdatedAt: day}}, "database  r of 2024-05-01 04:12 UTC\n"},
		{"no date", scan.Findings{Database: &scan.Database{Ref: "r", Digest: digest("1")}}, "database  r (sha256:111111111111…) of an unknown date\n"},
		{"fixture", scan.Findings{Database: &scan.Database{Ref: "r@" + digest("1"), Digest: digest("1"), Fixture: true}}, "database  a fixture for tests: r@sha256:111111111111… of an unknown date\n"},
		{"incomplete", scan.Findings{Incomplete: []scan.Incomplete{{ID: "x", Path: "a/b", Detail: "is broken"}, {ID: "x", Path: "a/b", Detail: "is broken"}}}, "not seen  a/b: is broken (x)\n\n"},
		{"for ever", scan.Findings{Models: one[2:], Secrets: one[2:]}, "ignored   c (low) in , for ever: no reason given"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := scanOf(t, tc.f) + "\n"; !strings.Contains(got, tc.want) {
				t.Errorf("want %q in:\n%s", tc.want, got)
			}
		})
	}
	for _, r := range []report.Report{{}, {Findings: scan.Findings{Database: &scan.Database{}}}} {
		if got := text(t, r, report.Style{}) + markdown(t, r); strings.Contains(got, "secret") {
			t.Errorf("what nobody looked for is told:\n%s", got)
		}
	}
}

func TestParameters(t *testing.T) {
	for n, want := range map[int64]string{820: "820", 999: "999", 1000: "1.00k", 86_540: "86.5k", 999_999: "1.00M", 125_000_000: "125M", 7_241_732_096: "7.24B", 1 << 62: "4611686T"} {
		got := scanOf(t, scan.Findings{Inventory: []scan.Model{{Path: "m", Format: "onnx", Parameters: n}}})
		if fields := strings.Fields(got); fields[len(fields)-1] != want {
			t.Errorf("%d: want %s in:\n%s", n, want, got)
		}
	}
}

// Links lead to plain addresses only.
func TestLinks(t *testing.T) {
	for address, linked := range map[string]bool{
		"https://github.com/advisories/GHSA-1?a=b#c":      true,
		"https://example.com":                             true,
		"http://example.com/a":                            false,
		"https://example.com/a)[x](b":                     false,
		"https://example.com/%zz":                         false,
		"https://user@example.com/":                       false,
		"https://localhost/a":                             false,
		"javascript:alert(1)":                             false,
		"https://example.com/a\nb":                        false,
		"https://example.com/" + strings.Repeat("a", 500): false,
	} {
		r := report.Report{Findings: scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{{ID: "CVE-1", Link: address}}}}
		if got := markdown(t, r); strings.Contains(got, "[CVE-1]("+address+")") != linked || strings.Contains(got, "](") != linked {
			t.Errorf("%.60q: linked is not %v in:\n%s", address, linked, got)
		}
		if got := checkSARIF(t, r).Runs[0].Tool.Driver.Rules[0].HelpURI; (got == address) != linked || (got == "") == linked {
			t.Errorf("%.60q: the rule's address is %q", address, got)
		}
	}
}

func TestScanTablesAreCut(t *testing.T) {
	var f scan.Findings
	for i := range 25 {
		one := scan.Finding{ID: "CVE-" + strconv.Itoa(i), Severity: scan.Severity(i % 5)}
		f.Vulnerabilities = append(f.Vulnerabilities, one)
		one.Ignored = &scan.Ignored{Reason: "r"}
		f.Secrets = append(f.Secrets, one)
		f.Incomplete = append(f.Incomplete, scan.Incomplete{ID: strconv.Itoa(i)})
	}
	got := scanOf(t, f)
	for _, want := range []string{"… and 5 more vulnerabilities in report.json\n", "… and 5 more in report.json\n", "… and 15 more in report.json\n", "\ncritical  CVE-24 "} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "unknown   CVE") {
		t.Errorf("the least is shown, the worst is not:\n%s", got)
	}
}

// Hundreds of findings, with long texts, still makes a summary that CIs take.
func TestMarkdownOfManyFindings(t *testing.T) {
	r := infested()
	for i := range 300 {
		for _, list := range []*[]scan.Finding{&r.Findings.Vulnerabilities, &r.Findings.Models, &r.Findings.Secrets} {
			one := scan.Finding{ID: strconv.Itoa(i), Title: strings.Repeat("@<|", 160)}
			*list = append(*list, one)
			one.Ignored = &scan.Ignored{Reason: strings.Repeat("@<|", 160)}
			*list = append(*list, one)
		}
		r.Findings.Inventory = append(r.Findings.Inventory, scan.Model{Path: strings.Repeat("a", 400), Parameters: int64(i)})
		r.Findings.Incomplete = append(r.Findings.Incomplete, scan.Incomplete{ID: strconv.Itoa(i), Detail: strings.Repeat("|", 400)})
		r.Findings.Skipped = append(r.Findings.Skipped, scan.Skip{Path: strconv.Itoa(i), Reason: strings.Repeat("|", 400)})
	}
	got := markdown(t, r)
	if len(got) > report.MaxSummary {
		t.Errorf("summary of %d bytes", len(got))
	}
	if n := strings.Count(got, "*Cut here: "); n != 7 {
		t.Errorf("%d notices, want 7", n)
	}
	if strings.Count(got, "<details") != strings.Count(got, "</details>") {
		t.Error("a folded section is not closed")
	}
}

func TestHugeTitles(t *testing.T) {
	r := infested()
	for _, list := range [][]scan.Finding{r.Findings.Vulnerabilities, r.Findings.Models, r.Findings.Secrets} {
		for i := range list {
			list[i].Title = strings.Repeat("[x] \x1b[31m::error::\n|", 1<<20/22)
		}
	}
	checkHarmless(t, r)
	checkSARIF(t, r)
	for name, size := range map[string]int{"text": len(text(t, r, report.Style{})), "Markdown": len(markdown(t, r)), "SARIF": len(sarif(t, r))} {
		if size > 100_000 {
			t.Errorf("%s of %d bytes", name, size)
		}
	}
}

func TestScanColours(t *testing.T) {
	got := text(t, infested(), report.Style{Color: true})
	for _, want := range []string{"\n\x1b[31;1mcritical\x1b[0m  CVE-", "\n\x1b[31mhigh\x1b[0m ", "\n\x1b[33mmedium\x1b[0m ", "\n\x1b[33mdatabase\x1b[0m  a fixture", "\n\x1b[33mnot seen\x1b[0m  the "} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%q", want, got)
		}
	}
}

func TestFindingsAsJSON(t *testing.T) {
	r := report.Report{Findings: scan.Findings{Ran: true, Database: &scan.Database{UpdatedAt: time.Date(2024, 5, 1, 6, 0, 0, 0, time.FixedZone("", 3600))}}}
	var got struct{ Findings map[string]any }
	if err := json.Unmarshal(document(t, r), &got); err != nil {
		t.Fatal(err)
	}
	for name, value := range got.Findings {
		if value == nil {
			t.Errorf("%s is null", name)
		}
	}
	db, _ := got.Findings["db"].(map[string]any)
	if db["updatedAt"] != "2024-05-01T05:00:00Z" || fmt.Sprint(db["coverage"]) != "[]" {
		t.Errorf("database is %v", db)
	}
	for _, year := range []int{-5, 0, 10_000} { // no such year can be written
		r.Findings.Database.UpdatedAt = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		if got := string(document(t, r)); !strings.Contains(got, `"updatedAt": "0001-01-01T00:00:00Z"`) || r.Findings.Database.UpdatedAt.Year() != year {
			t.Errorf("in the year %d: %s", year, got)
		}
	}
}

func TestExplainScanGates(t *testing.T) {
	for _, check := range []gate.Check{gate.CheckVulnerabilities, gate.CheckModels, gate.CheckSecrets, gate.CheckScan} {
		var b strings.Builder
		if err := report.Explain(&b, infested(), string(check), report.Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{string(check) + "  REFUSED\n", "\ncheck     refuses ", "\nSCAN\n", "would have passed"} {
			if !strings.Contains("\n"+b.String(), want) && !strings.Contains(strings.ReplaceAll(b.String(), "\n          ", " "), want) {
				t.Errorf("%s: want %q in:\n%s", check, want, b.String())
			}
		}
	}
}

// A reason that lists much is shown to its end, which says what would have passed.
func TestLongReasons(t *testing.T) {
	r := report.Report{Gates: []gate.Result{{Name: "vulnerabilities", Check: gate.CheckVulnerabilities, Reason: strings.Repeat("CVE-2024-0001 in numpy, ", 60) + "none would have passed"}}}
	for _, got := range []string{text(t, r, report.Style{}), markdown(t, r), junit(t, r), explained(t, r), string(sarif(t, r))} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), "none would have passed") {
			t.Errorf("the end is missing:\n%s", got)
		}
	}
}
