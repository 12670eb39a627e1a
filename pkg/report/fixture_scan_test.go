package report_test

import (
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

func hash(digit string) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)}
}

// onFindings is a gate that counts findings.
func onFindings(check gate.Check, n int, reason string) gate.Result {
	g := gate.Result{Name: string(check), Check: check, Value: number(float64(n)), Limit: &gate.Limit{Op: "<=", Value: 0}, Outcome: gate.Passed, Passed: true, Required: true, Reason: reason}
	if n > 0 {
		g.Outcome, g.Passed = gate.Refused, false
	}
	return g
}

func vulnerabilityDB() *scan.Database {
	return &scan.Database{
		Ref: "mirror.example/vulndb:2@" + digest("d"), Digest: digest("d"), UpdatedAt: time.Date(2024, 5, 1, 6, 12, 44, 0, time.UTC),
		Coverage: []scan.Coverage{{Ecosystem: "debian 12", Packages: 88, Advisories: 41_231}, {Ecosystem: "pip", Packages: 23, Advisories: 16_904}},
	}
}

func weights() scan.Model {
	return scan.Model{Path: "models/digits.safetensors", Format: "safetensors", Framework: "pytorch", Dtypes: []string{"F32"}, Parameters: 7_525_000, License: "Apache-2.0"}
}

// clear is a run whose scan found nothing.
func clear() report.Report {
	r := shipped()
	r.Generator = "1.4.0"
	r.Findings = scan.Findings{Ran: true, Database: vulnerabilityDB(), Inventory: []scan.Model{weights()}}
	r.Gates = append(r.Gates[:1:1],
		onFindings(gate.CheckVulnerabilities, 0, "no vulnerability of high or above in 111 packages, by the database of 2024-05-01"),
		onFindings(gate.CheckModels, 0, "models: 1 file, none of which runs anything of high or above when it is loaded"),
		onFindings(gate.CheckSecrets, 0, "secrets: none that counts"), onFindings(gate.CheckScan, 0, "everything that should be was looked at"))
	r.Stages[2] = report.Stage{Name: "scan", Seconds: 2.2}
	return r
}

// infested is a run whose scan found something of every kind, with a database
// made for tests that does not cover all.
func infested() report.Report {
	r := turnedDown()
	r.Generator, r.Error, r.Hints = "1.4.0", "gates refused the image: vulnerabilities, models, secrets, scan", nil
	r.Findings = evilFindings()
	r.Stages[2] = report.Stage{Name: "scan", Seconds: 2.2}
	r.Gates = []gate.Result{
		shipped().Gates[0],
		onFindings(gate.CheckVulnerabilities, 2, "2 vulnerabilities count: CVE-2024-3094 (critical) in xz-utils 5.6.0-0.2, fixed in 5.6.1+really5.4.5-1, layer sha256:111111111111, "+
			"GHSA-9hjg-9r4m-mvj7 (high) in requests 2.31.0, fixed in 2.32.4, layer sha256:222222222222; to ignore the first for 30 days add "+
			"\"- {id: CVE-2024-3094, expired_at: 2024-05-31, statement: why}\" to vulnerabilities: in .trivyignore.yaml; none of high or above would have passed"),
		onFindings(gate.CheckModels, 2, "models: models/digits.pkl is a pickle, which can run code when it is loaded: ship safetensors or onnx, or write pickle: allow, "+
			"models/digits.pkl (critical) calls a function when it is loaded: os.system at byte 21; files that run nothing when they are loaded would have passed"),
		onFindings(gate.CheckSecrets, 1, "secrets: a Hugging Face token hf_ab… in app/.env:3; take them out, and replace what was ever pushed: an image without would have passed"),
		onFindings(gate.CheckLicenses, 1, "licenses: AGPL-3.0-only (forbidden) of ghostscript 10.0.0, layer sha256:111111111111; packages and models under none of deny: (forbidden) would have passed"),
		onFindings(gate.CheckScan, 1, "the scan is not complete: the database has no advisories for npm, of which the image holds 4 packages: not covered (no-advisories-npm); with scan: {accept: [no-advisories-npm]} it would have passed"),
	}
	return r
}

func evilFindings() scan.Findings {
	db := vulnerabilityDB()
	db.Fixture, db.Ref = true, "127.0.0.1:5000/ai-ship/vulndb:fixture"
	db.Coverage = append(db.Coverage, scan.Coverage{Ecosystem: "npm", Packages: 4})
	const site = "opt/venv/lib/python3.11/site-packages/"
	return scan.Findings{
		Ran: true, Database: db,
		Vulnerabilities: []scan.Finding{
			{ID: "CVE-2024-3094", Severity: scan.Critical, Layer: hash("1"), Path: "var/lib/dpkg/status", Title: "xz: malicious code in distributed source", Link: "https://avd.example.com/nvd/cve-2024-3094",
				Source: "Debian Security Tracker", Package: "xz-utils", Version: "5.6.0-0.2", Fixed: "5.6.1+really5.4.5-1", PURL: "pkg:deb/debian/xz-utils@5.6.0-0.2", Status: "fixed"},
			{ID: "CVE-2023-45853", Severity: scan.Medium, Layer: hash("1"), Path: "var/lib/dpkg/status", Title: "zlib: integer overflow in zipOpenNewFileInZip4_6", Link: "http://plain.example.com/x", Package: "zlib1g", Version: "1:1.2.13.dfsg-1", Status: "will_not_fix"},
			{ID: "GHSA-9hjg-9r4m-mvj7", Severity: scan.High, Layer: hash("2"), Path: site + "requests-2.31.0.dist-info/METADATA", Title: "Requests vulnerable to .netrc credentials leak via malicious URLs", Link: "https://github.com/advisories/GHSA-9hjg-9r4m-mvj7",
				Source: "GitHub Security Advisory pip", Package: "requests", Version: "2.31.0", Fixed: "2.32.4", PURL: "pkg:pypi/requests@2.31.0"},
			{ID: "TEMP-0517018-A83CE6", Layer: hash("1"), Path: "var/lib/dpkg/status", Package: "sysvinit-utils", Version: "3.06-4"},
			{ID: "CVE-2024-34062", Severity: scan.Low, Layer: hash("2"), Path: site + "tqdm-4.66.1.dist-info/METADATA", Title: "tqdm: non-boolean CLI arguments are passed to eval", Package: "tqdm", Version: "4.66.1", Fixed: "4.66.3",
				Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "the command line of tqdm is never called", Until: "2024-07-31"}},
			{ID: "CVE-2022-40897", Severity: scan.High, Layer: hash("1"), Path: "usr/lib/python3.11/site-packages/setuptools-65.5.1.dist-info/METADATA", Package: "setuptools", Version: "65.5.1", Fixed: "65.5.2", Ignored: &scan.Ignored{By: "vex.json", Reason: "vulnerable_code_not_in_execute_path"}},
		},
		Models: []scan.Finding{
			{ID: "pickle-global", Severity: scan.Critical, Path: "models/digits.pkl", Title: "calls a function when it is loaded", Source: "ai-ship", Offset: 21, Calls: "os.system", Convert: "save the weights with safetensors.torch.save_file"},
			{ID: "onnx-custom-op", Severity: scan.Low, Path: "models/post.onnx", Title: "needs an operator that the runtime does not have"},
		},
		Secrets: []scan.Finding{
			{ID: "huggingface-token", Severity: scan.High, Path: "app/.env", Line: 3, Title: "a Hugging Face token hf_ab…", Source: "ai-ship"},
			{ID: "aws-access-key-id", Severity: scan.Critical, Path: "image config: env AWS_ACCESS_KEY_ID", Title: "AWS Access Key ID", Source: "ai-ship",
				Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "an example from the documentation", Until: "2024-06-30"}},
		},
		Inventory: []scan.Model{
			weights(),
			{Path: "models/digits.pkl", Format: "pickle", Framework: "sklearn", Version: "1.4.2"},
			{Path: "models/llama.gguf", Format: "gguf", Architecture: "llama", Version: "3", Dtypes: []string{"F32", "Q4_K", "Q6_K"}, Parameters: 7_241_732_096, Quantisation: "Q4_K_M", License: "llama3"},
		},
		Licenses: []scan.License{
			{Name: "AGPL-3.0-only", Category: "forbidden", Severity: scan.Critical, Package: "ghostscript", Version: "10.0.0", Layer: hash("1")},
			{Name: "GPL-2.0-only OR MIT", Category: "notice", Severity: scan.Low, Choices: [][]string{{"GPL-2.0-only"}, {"MIT"}}, Package: "tqdm", Version: "4.66.1", Layer: hash("2"), Path: site + "tqdm-4.66.1.dist-info/METADATA"},
			{Name: "GPL-3.0-only", Category: "restricted", Severity: scan.High, Package: "bash", Version: "5.2", Layer: hash("1"),
				Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "run, not linked", Until: "2024-12-31"}},
			{Name: "llama3", Category: "unknown", Path: "models/llama.gguf"},
		},
		Skipped:    []scan.Skip{{Path: "models/big.bin", Reason: "no known format"}},
		Incomplete: []scan.Incomplete{{ID: "no-advisories-npm", Detail: "the database has no advisories for npm, of which the image holds 4 packages: not covered"}},
	}
}

// unasked is a scan that looked up no packages.
func unasked() report.Report {
	r := clear()
	r.Findings.Database = nil
	r.Findings.Skipped = []scan.Skip{{Reason: "packages were not looked up: gates.vulnerabilities is not set"}}
	r.Gates = append(r.Gates[:1:1], r.Gates[2:]...)
	return r
}

// scanned is a signed run for two platforms, whose images share what is not of
// the base.
func scanned() report.Report {
	r := shipped()
	r.Platforms = []string{"linux/amd64", "linux/arm64"}
	var layers []report.Layer
	for i, platform := range r.Platforms {
		for _, l := range r.Layers {
			if l.Platform = platform; i > 0 && l.Kind == "base" {
				l.Digest = digest("5")
			}
			layers = append(layers, l)
		}
	}
	r.Layers = layers
	both := scan.Finding{ID: "CVE-2024-6345", Severity: scan.Medium, Layer: hash("2"), Path: "opt/venv/lib/python3.11/site-packages/setuptools-69.0.0.dist-info/METADATA",
		Title: "pypa/setuptools: remote code execution via download functions", Package: "setuptools", Version: "69.0.0", Fixed: "70.0.0"}
	low := scan.Finding{ID: "CVE-2011-3374", Severity: scan.Low, Layer: hash("1"), Path: "var/lib/dpkg/status", Title: "apt-key net-update", Package: "apt", Version: "2.6.1"}
	arm := low
	arm.Layer = hash("5")
	one := scan.Finding{ID: "CVE-2023-4911", Severity: scan.Medium, Layer: hash("5"), Path: "var/lib/dpkg/status", Title: "glibc: buffer overflow", Package: "libc6", Version: "2.36-9", Fixed: "2.36-9+deb12u3"}
	leak := scan.Finding{ID: "generic-password", Severity: scan.Low, Path: "app/test/config.yaml", Line: 7, Title: "a password, a default one"}
	r.Findings = scan.Findings{Ran: true, Database: vulnerabilityDB(), Vulnerabilities: []scan.Finding{both, low, one, both, arm}, Secrets: []scan.Finding{leak, leak}, Inventory: []scan.Model{weights(), weights()}}
	r.Signature = &report.Signature{Identity: "https://github.com/acme/digits/.github/workflows/ship.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com"}
	r.Attestations = []report.Attestation{{Type: "https://slsa.dev/provenance/v1", Digest: digest("6")}}
	r.Stages[2] = report.Stage{Name: "scan", Seconds: 2.2}
	r.Stages[5] = report.Stage{Name: "sign", Seconds: 0.9}
	return r
}

// taintedFindings have one hostile text wherever findings take text from outside.
func taintedFindings(evil string) scan.Findings {
	f := scan.Finding{ID: evil, Path: evil, Title: evil, Link: evil, Source: evil, Package: evil, Version: evil, Fixed: evil, PURL: evil, Status: evil,
		Line: 1, Offset: 2, Calls: evil, Convert: evil, Layer: v1.Hash{Algorithm: evil, Hex: evil}}
	linked, ignored := f, f
	linked.Link = "https://example.com/" + evil
	ignored.Ignored = &scan.Ignored{By: evil, Reason: evil, Until: evil}
	all := []scan.Finding{f, linked, ignored}
	return scan.Findings{
		Ran: true, Models: all, Secrets: all, Vulnerabilities: all,
		Database: &scan.Database{Ref: evil, Digest: evil, Coverage: []scan.Coverage{{Ecosystem: evil, Packages: 1}}},
		Licenses: []scan.License{{Name: evil, Category: evil, Choices: [][]string{{evil}}, Package: evil, Version: evil, Path: evil, Layer: v1.Hash{Algorithm: evil, Hex: evil},
			Ignored: &scan.Ignored{By: evil, Reason: evil, Until: evil}}},
		Skipped:    []scan.Skip{{Path: evil, Reason: evil}},
		Incomplete: []scan.Incomplete{{ID: evil, Path: evil, Detail: evil}, {ID: evil, Path: "a", Detail: evil}},
		Inventory: []scan.Model{{Path: evil, Format: evil, Framework: evil, Version: evil, Architecture: evil, Dtypes: []string{evil, evil}, Parameters: 1,
			Quantisation: evil, License: evil}},
	}
}
