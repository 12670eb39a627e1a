package gate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
)

func TestLicenses(t *testing.T) {
	agpl := scan.License{Name: "AGPL-3.0-or-later", Category: "forbidden", Severity: scan.Critical, Package: "ghostscript", Version: "10.0", Layer: layerHash}
	either := scan.License{Name: "GPL-2.0-only OR MIT", Category: "notice", Choices: [][]string{{"GPL-2.0-only"}, {"MIT"}}, Package: "x", Version: "1"}
	both := scan.License{Name: "GPL-2.0-only AND MIT", Category: "restricted", Choices: [][]string{{"GPL-2.0-only", "MIT"}}, Package: "y", Version: "1"}
	linked := scan.License{Name: "GPL-2.0-only WITH Classpath-exception-2.0", Category: "restricted", Package: "z", Version: "1"}
	model := scan.License{Name: "llama3", Category: "unknown", Path: "models/m.gguf"}
	ignored := agpl
	ignored.Ignored = &scan.Ignored{By: ".trivyignore.yaml", Reason: "bought"}
	for name, test := range map[string]struct {
		deny     []string
		licenses []scan.License
		want     string
	}{
		"by name, whatever its case and suffix": {[]string{"agpl-3.0"}, []scan.License{agpl, either},
			"refused: licenses: AGPL-3.0-or-later (forbidden) of ghostscript 10.0, layer sha256:abababababab; packages and models under none of deny: (agpl-3.0) would have passed"},
		"the other suffix":        {[]string{"AGPL-3.0-only"}, []scan.License{agpl}, "passed: none of 1 licence is denied: (AGPL-3.0-only)"},
		"by category":             {[]string{"restricted", "unknown"}, []scan.License{model, both, either}, "refused: licenses: llama3 (unknown) of models/m.gguf, GPL-2.0-only AND MIT (restricted) of y 1; packages and models under none of deny: (restricted, unknown) would have passed"},
		"a choice is left":        {[]string{"GPL-2.0"}, []scan.License{either}, "passed: none of 1 licence is denied: (GPL-2.0)"},
		"no choice is left":       {[]string{"GPL-2.0", "MIT"}, []scan.License{either}, "refused: licenses: GPL-2.0-only OR MIT (notice) of x 1; packages and models under none of deny: (GPL-2.0, MIT) would have passed"},
		"one of two":              {[]string{"GPL-2.0-only"}, []scan.License{both}, "refused: licenses: GPL-2.0-only AND MIT (restricted) of y 1; packages and models under none of deny: (GPL-2.0-only) would have passed"},
		"an exception is its own": {[]string{"GPL-2.0-only"}, []scan.License{linked}, "passed: none of 1 licence is denied: (GPL-2.0-only)"},
		"ignored":                 {[]string{"forbidden"}, []scan.License{ignored}, "passed: none of 1 licence is denied: (forbidden) (1 ignored)"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := gate.Evaluate(gate.Policy{Scan: &gate.Scan{Licenses: &gate.Licenses{Deny: test.deny}}},
				gate.Evidence{Findings: scan.Findings{Ran: true, Licenses: test.licenses}})
			for _, r := range verdict.Results {
				if r.Check == gate.CheckLicenses {
					if diff := cmp.Diff(test.want, string(r.Outcome)+": "+r.Reason); diff != "" {
						t.Errorf("result (-want +got):\n%s", diff)
					}
					return
				}
			}
			t.Error("the gate was not evaluated")
		})
	}
}

func TestLicensesAreNotScanned(t *testing.T) {
	verdict := gate.Evaluate(gate.Policy{Scan: &gate.Scan{Licenses: &gate.Licenses{Deny: []string{"forbidden"}}}}, gate.Evidence{})
	if verdict.Passed {
		t.Error("licences that nobody looked at pass")
	}
}

// The line to add is one that the named file takes.
func TestIgnoreLine(t *testing.T) {
	for file, want := range map[string]string{
		"":             `add "- {id: CVE-2018-18074, expired_at: 2026-02-01, statement: why}" to vulnerabilities: in .trivyignore.yaml, and name that under ignore-file:;`,
		"x.yml":        `add "- {id: CVE-2018-18074, expired_at: 2026-02-01, statement: why}" to vulnerabilities: in x.yml;`,
		".trivyignore": `add "CVE-2018-18074 exp:2026-02-01 # why" to .trivyignore;`,
	} {
		policy := gate.Policy{Scan: &gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High, IgnoreFile: file}}}
		r := gate.Evaluate(policy, gate.Evidence{Findings: scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{requests}}, IgnoreUntil: "2026-02-01"}).Results[0]
		if !strings.Contains(r.Reason, want) {
			t.Errorf("%q: found %s, want %s", file, r.Reason, want)
		}
	}
}

// What the channel's image has already passes, a new version of it refuses.
func TestOnlyNew(t *testing.T) {
	policy := gate.Policy{Scan: &gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High, OnlyNew: true, IgnoreFile: "ignore.yaml"}}}
	newer := requests
	newer.Version = "2.19.1"
	findings := scan.Findings{Ran: true, Database: database, Vulnerabilities: []scan.Finding{requests, newer}}
	findings.Except([]scan.Finding{requests, unfixed}, scan.Ignored{By: "registry.example.com/acme/x@sha256:1", Reason: "production has it already"})
	if got := findings.Vulnerabilities; got[0].Ignored == nil || got[0].Ignored.Reason != "production has it already" || got[1].Ignored != nil {
		t.Fatalf("found %+v, want the first ignored only", got)
	}
	for _, test := range []struct {
		known    string
		findings scan.Findings
		want     string
	}{
		{"x@sha256:1", findings, "refused: 1 new vulnerability: CVE-2018-18074 (high) in requests 2.19.1, fixed in 2.20.0, layer sha256:abababababab; only-new: compared with x@sha256:1; " +
			`to ignore the first for 30 days add "- {id: CVE-2018-18074, expired_at: , statement: why}" to vulnerabilities: in ignore.yaml; none of high or above would have passed`},
		{"x@sha256:1", scan.Findings{Ran: true, Database: database, Vulnerabilities: findings.Vulnerabilities[:1]},
			"passed: no new vulnerability of high or above in 3 packages, by the database of 2026-01-02 (1 ignored); only-new: compared with x@sha256:1"},
		{"", scan.Findings{Ran: true, Database: database},
			"passed: no vulnerability of high or above in 3 packages, by the database of 2026-01-02; only-new: there is no image to compare with, so all count"},
	} {
		r := gate.Evaluate(policy, gate.Evidence{Findings: test.findings, Known: test.known}).Results[0]
		if diff := cmp.Diff(test.want, string(r.Outcome)+": "+r.Reason); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
	}
}
