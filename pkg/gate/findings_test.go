package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan"
)

var (
	layerHash = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("ab", 32)}
	requests  = scan.Finding{ID: "CVE-2018-18074", Severity: scan.High, Package: "requests", Version: "2.19.0", Fixed: "2.20.0", Layer: layerHash}
	unfixed   = scan.Finding{ID: "CVE-2023-4911", Severity: scan.Critical, Package: "libc6", Version: "2.36-9"}
	unknown   = scan.Finding{ID: "PYSEC-2021-1", Package: "x", Version: "1"}
	database  = &scan.Database{UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Coverage: []scan.Coverage{{Ecosystem: "pip", Packages: 3}}}
)

func TestFindings(t *testing.T) {
	high := &gate.Vulnerabilities{FailOn: scan.High, Unknown: gate.Warn}
	ignored := requests
	ignored.Ignored = &scan.Ignored{By: ".trivyignore.yaml", Reason: "not reachable"}
	pickle := scan.Model{Path: "models/m.pkl", Format: "pickle"}
	calls := scan.Finding{ID: "pickle-global", Severity: scan.Critical, Path: "models/m.pt!data.pkl", Title: "runs a command when it is loaded", Calls: "os.system", Offset: 12}
	token := scan.Finding{ID: "huggingface-token", Severity: scan.Critical, Path: "app/.env", Line: 3, Title: "Hugging Face token hf_A…"}
	data := scan.Finding{ID: "training-data", Severity: scan.Low, Path: "app/train.csv", Title: "training data"}
	blind := scan.Incomplete{ID: "no-advisories-debian", Detail: "no advisories for Debian in this database"}
	for _, tc := range []struct {
		name     string
		policy   gate.Scan
		findings scan.Findings
		want     []string // NAME OUTCOME: REASON
	}{
		{"no scanner, nothing asked", gate.Scan{}, scan.Findings{}, nil},
		{"no scanner", gate.Scan{Vulnerabilities: high}, scan.Findings{},
			[]string{"vulnerabilities refused: vulnerabilities: no scanner looked at the image; a scan that finds none would have passed"}},
		{"clean", gate.Scan{Vulnerabilities: high}, scan.Findings{Ran: true, Database: database, Inventory: []scan.Model{{Path: "m.safetensors", Format: "safetensors"}}},
			[]string{
				"vulnerabilities passed: no vulnerability of high or above in 3 packages, by the database of 2026-01-02",
				"models passed: models: 1 file, none of which runs anything of unknown or above when it is loaded",
				"secrets passed: secrets: none that counts",
				"scan passed: everything that should be was looked at",
			}},
		{"vulnerable", gate.Scan{Vulnerabilities: high}, scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{requests, unfixed, unknown}},
			[]string{"vulnerabilities refused: 2 vulnerabilities: CVE-2023-4911 (critical) in libc6 2.36-9, no fix yet, " +
				"CVE-2018-18074 (high) in requests 2.19.0, fixed in 2.20.0, layer sha256:abababababab; " +
				`to ignore the first for 30 days add "- {id: CVE-2023-4911, expired_at: 2026-02-01, statement: why}" to vulnerabilities: in .trivyignore.yaml, and name that under ignore-file:; ` +
				"none of high or above would have passed"}},
		{"unfixed ignored, one unknown", gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High, Unknown: gate.Warn, IgnoreUnfixed: true}},
			scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{unfixed, {ID: "PYSEC-2021-1", Package: "x", Version: "1", Fixed: "2"}, ignored}},
			[]string{"vulnerabilities warned: 1 vulnerability of unknown severity, such as PYSEC-2021-1 (unknown) in x 1, fixed in 2; none would have passed without a warning"}},
		{"fixed in a version that nobody names", gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High, IgnoreUnfixed: true, IgnoreFile: "i"}},
			scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{{ID: "CVE-1", Severity: scan.High, Package: "x", Version: "1", Status: "fixed"}, unfixed}},
			[]string{"vulnerabilities refused: 1 vulnerability: CVE-1 (high) in x 1, no fix yet; " +
				`to ignore the first for 30 days add "CVE-1 exp:2026-02-01 # why" to i; none of high or above would have passed`}},
		{"unknown refused", gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.Critical}}, scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{unknown, requests}},
			[]string{"vulnerabilities refused: 1 vulnerability: PYSEC-2021-1 (unknown) in x 1, no fix yet; " +
				`to ignore the first for 30 days add "- {id: PYSEC-2021-1, expired_at: 2026-02-01, statement: why}" to vulnerabilities: in .trivyignore.yaml, and name that under ignore-file:; ` +
				"none of critical or above would have passed"}},
		{"pickle and call", gate.Scan{Models: gate.Models{FailOn: scan.High}}, scan.Findings{Ran: true, Inventory: []scan.Model{pickle}, Models: []scan.Finding{calls}},
			[]string{"models refused: models: models/m.pkl is a pickle, which can run code when it is loaded: ship safetensors or onnx, or write pickle: allow, " +
				"models/m.pt!data.pkl (critical) runs a command when it is loaded: os.system at byte 12; files that run nothing when they are loaded would have passed"}},
		{"pickle allowed, format not", gate.Scan{Models: gate.Models{FailOn: scan.High, Pickles: true, Allow: []string{"onnx"}}}, scan.Findings{Ran: true, Inventory: []scan.Model{pickle, {Path: "c.json", Format: "json"}}},
			[]string{"models refused: models: models/m.pkl is pickle, which is not in allow: (onnx); files that run nothing when they are loaded would have passed"}},
		{"secret", gate.Scan{Models: gate.Models{FailOn: scan.High}}, scan.Findings{Ran: true, Secrets: []scan.Finding{token, data}},
			[]string{"secrets refused: secrets: Hugging Face token hf_A… in app/.env:3; take them out, and replace what was ever pushed: an image without would have passed"}},
		{"secrets warn", gate.Scan{Secrets: gate.Warn}, scan.Findings{Ran: true, Secrets: []scan.Finding{token}},
			[]string{"secrets warned: secrets: Hugging Face token hf_A… in app/.env:3; take them out, and replace what was ever pushed: an image without would have passed"}},
		{"training data", gate.Scan{}, scan.Findings{Ran: true, Secrets: []scan.Finding{data}},
			[]string{"secrets warned: secrets: training data in app/train.csv should not be shipped; an image without would have passed without a warning"}},
		{"secrets allowed", gate.Scan{Secrets: gate.Allow}, scan.Findings{Ran: true, Secrets: []scan.Finding{token, data}}, nil},
		{"incomplete", gate.Scan{}, scan.Findings{Ran: true, Incomplete: []scan.Incomplete{blind, blind}},
			[]string{"scan refused: the scan is not complete: no advisories for Debian in this database (no-advisories-debian), no advisories for Debian in this database (no-advisories-debian); " +
				"with scan: {accept: [no-advisories-debian]} it would have passed"}},
		{"accepted", gate.Scan{Accept: []string{"no-advisories-debian"}}, scan.Findings{Ran: true, Incomplete: []scan.Incomplete{blind}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			verdict := gate.Evaluate(gate.Policy{Scan: &tc.policy}, gate.Evidence{Findings: tc.findings, IgnoreUntil: "2026-02-01"})
			var got []string
			for _, r := range verdict.Results {
				if r.Outcome != gate.Passed || tc.name == "clean" {
					got = append(got, r.Name+" "+string(r.Outcome)+": "+r.Reason)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}
