package trivy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestDocuments(t *testing.T) {
	target := vulnerable(t)
	found := scanned(t, options(t), target)
	again := scanned(t, options(t), target)
	if diff := cmp.Diff(found.Documents, again.Documents); diff != "" {
		t.Errorf("documents differ between scans (-first +second):\n%s", diff)
	}
	var names []string
	for _, d := range found.Documents {
		names = append(names, d.Name)
		if !json.Valid(d.Data) {
			t.Errorf("%s is not JSON", d.Name)
		}
	}
	if diff := cmp.Diff([]string{"findings.sarif", "gl-container-scanning.json", "sbom.cdx.json", "sbom.spdx.json"}, names); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestSBOM(t *testing.T) {
	target := vulnerable(t)
	found := scanned(t, options(t), target)
	text := document(t, found, "sbom.cdx.json")
	var bom struct {
		SpecVersion  string
		SerialNumber string
		Metadata     struct {
			Timestamp string
			Component struct {
				Name string
				Ref  string `json:"bom-ref"`
			}
		}
		Components []struct {
			Ref    string `json:"bom-ref"`
			Name   string
			Hashes []struct{ Alg, Content string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
		Vulnerabilities []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(text), &bom); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{bom.Metadata.Component.Ref: true}
	for _, c := range bom.Components {
		refs[c.Ref] = true
		if c.Name == "pillow" && len(c.Hashes) != 1 {
			t.Errorf("pillow has the hashes %v, want one", c.Hashes)
		}
	}
	contains(t, text, `"aquasecurity:trivy:RepoTag"`) // trivy's identifiers are made of it
	if len(refs) != len(bom.Components)+1 {
		t.Error("a reference is used twice")
	}
	for _, d := range bom.Dependencies {
		for _, ref := range append(d.DependsOn, d.Ref) {
			if !refs[ref] {
				t.Errorf("dependency on %q, which is no component", ref)
			}
		}
	}
	if len(bom.Vulnerabilities) != 4 || bom.Metadata.Timestamp != "2026-08-01T12:00:00+00:00" || bom.Metadata.Component.Name != target.Name {
		t.Errorf("found %d vulnerabilities at %s of %s", len(bom.Vulnerabilities), bom.Metadata.Timestamp, bom.Metadata.Component.Name)
	}
	spdx := document(t, found, "sbom.spdx.json")
	contains(t, spdx, `"spdxVersion": "SPDX-2.3"`)
	contains(t, spdx, `"created": "2026-08-01T12:00:00Z"`)
	contains(t, spdx, `"checksumValue": `)
	contains(t, spdx, `"referenceLocator": "https://avd.aquasec.com/nvd/cve-2026-0004"`)
	if strings.Contains(spdx, `"referenceLocator": ""`) {
		t.Error("a reference to an advisory leads nowhere, which SPDX does not allow")
	}
}

func TestGitLabReport(t *testing.T) {
	found := scanned(t, options(t), vulnerable(t))
	got := document(t, found, "gl-container-scanning.json")
	got = regexp.MustCompile(`"id": "[0-9a-f-]{36}"`).ReplaceAllString(got, `"id": "ID"`)
	golden := filepath.Join("testdata", "gl-container-scanning.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		write(t, golden, got)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestSARIF(t *testing.T) {
	found := scanned(t, options(t), vulnerable(t))
	var log struct {
		Runs []struct {
			Results    []struct{ RuleID, Level string }
			Properties struct{ ImageName string }
		}
	}
	if err := json.Unmarshal([]byte(document(t, found, "findings.sarif")), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || len(log.Runs[0].Results) != 6 {
		t.Errorf("found %+v, want one run with six results", log.Runs)
	}
}

// A secret is found in files, in the environment and in the history, and shown
// nowhere: not in findings, not in documents, not in the cache.
func TestSecretsAreNotShown(t *testing.T) {
	const password = "glpat-" + "Zx3Lq8vTn5Rk2Yw7Bm4c"
	b := image(layer(t, debian()...), layer(t, environment()))
	b.config = v1.Config{Env: []string{"AWS_SECRET_ACCESS_KEY=" + secretKey, "TOKEN=" + password}}
	b.history = []v1.History{{CreatedBy: "ADD rootfs"}, {CreatedBy: "RUN pip install --index-url https://x:" + password + "@example.com/simple torch"}}
	o := options(t)
	dir := remember(t, &o)
	found := scanned(t, o, b.target(t))
	inConfig := 0
	for _, s := range found.Secrets {
		if s.Path == "(image config)" {
			inConfig++
			if s.Layer.Hex != "" {
				t.Errorf("%s in the config has the layer %s", s.ID, s.Layer)
			}
		}
	}
	if inConfig < 2 || len(found.Secrets) < 4 {
		t.Errorf("found %+v, want two in the file and two or more in the config", found.Secrets)
	}
	text, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"the findings": string(text)}
	for _, d := range found.Documents {
		texts[d.Name] = string(d.Data)
	}
	for _, name := range entries(t, dir) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts["the cache"] += string(data)
	}
	for name, text := range texts {
		for _, secret := range []string{accessKey, secretKey, password} {
			if strings.Contains(text, secret) || strings.Contains(text, secret[:12]) {
				t.Errorf("%s shows a secret", name)
			}
		}
	}
}
