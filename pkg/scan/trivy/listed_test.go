package trivy_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/bom"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

// unreadable is the image without a layer that could be read.
func unreadable(target scan.Target) scan.Target {
	target.Image, target.Files = bare{target.Image}, nil
	return target
}

type bare struct{ v1.Image }

var errRead = errors.New("a layer is read")

func (bare) Layers() ([]v1.Layer, error)             { return nil, errRead }
func (bare) LayerByDigest(v1.Hash) (v1.Layer, error) { return nil, errRead }
func (bare) LayerByDiffID(v1.Hash) (v1.Layer, error) { return nil, errRead }

// An SBOM says of an image what the image itself says, with one database.
func TestSBOMFindsWhatTheImageHas(t *testing.T) {
	program, err := os.Executable() // a Go program with modules
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	suppressed := options(t)
	suppressed.Ignore = project(t, ".trivyignore", "CVE-2026-0001\n")
	var vulnerabilities, packages int
	java := advised(t)
	java.Java = bring(maven(t))
	for name, test := range map[string]struct {
		options trivy.Options
		image   built
	}{
		"a distribution and wheels": {options(t), image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), dist("requests", "2.19.0"), dist("numpy", "2.0.0")))},
		"wheels without a base":     {options(t), image(nil, layer(t, dist("pillow", "9.0.0")))},
		"an unknown distribution":   {options(t), image(layer(t, file{"etc/issue", "acme"}), layer(t, dist("pillow", "9.0.0")))},
		"a Go program":              {options(t), image(nil, layer(t, file{"usr/bin/tool", string(content)}))},
		"an ignore file":            {suppressed, image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0")))},
		"an RPM distribution":       {options(t), image(layer(t, append(rocky(), file{"var/lib/rpm/rpmdb.sqlite", string(rpmDatabase(t, 50))})...))},
		"Java archives":             {java, image(nil, layer(t, file{"opt/app.jar", archiveOf(t, file{"BOOT-INF/lib/renamed.jar", stripped(t)})}, file{"opt/log4j-core-2.14.1.jar", log4shell(t)}))},
		"nothing":                   {options(t), image(nil, layer(t, file{"a", "b"}))},
	} {
		t.Run(name, func(t *testing.T) {
			target := test.image.target(t)
			test.options.Secrets = false
			whole := scanned(t, test.options, target)
			whole.Inventory = []scan.Model{{Path: "models/a.gguf", Format: "gguf", Architecture: "llama"}, {Path: "models/config.json", Format: "json"}}
			if err := bom.AddModels(t.Context(), &whole, scan.Target{}, nil); err != nil {
				t.Fatal(err)
			}
			again, err := trivy.New(test.options).ScanSBOM(t.Context(), unreadable(target), []byte(document(t, whole, bom.Name)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole, again, cmpopts.IgnoreFields(scan.Findings{}, "Documents", "Inventory", "Licenses")); diff != "" {
				t.Errorf("findings (-image +SBOM):\n%s", diff)
			}
			if len(again.Documents) > 0 {
				t.Errorf("%d documents, want none", len(again.Documents))
			}
			vulnerabilities += len(again.Vulnerabilities)
			for _, c := range again.Database.Coverage {
				packages += c.Packages
			}
		})
	}
	if vulnerabilities < 15 || packages < 60 {
		t.Errorf("compared %d vulnerabilities of %d packages, want more", vulnerabilities, packages)
	}
}

// What came into the database since is found.
func TestSBOMIsLookedUpInTodaysDatabase(t *testing.T) {
	target := image(layer(t, debian()...), layer(t, dist("numpy", "2.0.0"))).target(t)
	whole := scanned(t, options(t), target)
	content := advisories()
	content["pip::Test Advisories"]["numpy"] = map[string]any{"CVE-2026-0099": map[string]any{"PatchedVersions": []string{"2.0.1"}, "VulnerableVersions": []string{"<2.0.1"}}}
	o := options(t)
	o.DatabaseDir = databaseWith(t, content)
	again, err := trivy.New(o).ScanSBOM(t.Context(), unreadable(target), []byte(document(t, whole, bom.Name)))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(again.Vulnerabilities, func(f scan.Finding) bool { return f.ID == "CVE-2026-0099" })
	if i < 0 || again.Vulnerabilities[i].Version != "2.0.0" || again.Vulnerabilities[i].Fixed != "2.0.1" || slices.Contains(ids(whole.Vulnerabilities), "CVE-2026-0099") {
		t.Errorf("found %+v", again.Vulnerabilities)
	}
	o.DatabaseDir = ""
	again, err = trivy.New(o).ScanSBOM(t.Context(), unreadable(target), []byte(document(t, whole, bom.Name)))
	if got := incomplete(again); err != nil || !slices.Equal(got, []string{"no-database"}) {
		t.Errorf("without a database %q, %v", got, err)
	}
}

// What is in an SBOM and cannot be looked up does not look clean.
func TestSBOMThatIsNotUnderstood(t *testing.T) {
	target := image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"))).target(t)
	whole := document(t, scanned(t, options(t), target), bom.Name)
	change := func(from, to string) string {
		changed := strings.ReplaceAll(whole, from, to)
		if changed == whole {
			t.Fatalf("the SBOM has no %q:\n%s", from, whole)
		}
		return changed
	}
	for name, test := range map[string]struct {
		document string
		want     string
	}{
		"a package of no known kind": {change("pkg:pypi/pillow", "pkg:acme/pillow"), "unread-component"},
		"no package URL":             {change(`"purl": "pkg:pypi/pillow@9.0.0"`, `"cpe": "x"`), "unread-component"},
		"a URL that is none":         {change(`"purl": "pkg:pypi/pillow@9.0.0"`, `"purl": "pillow"`), "analysis-error"},
		"another tool":               {change(`"name": "trivy"`, `"name": "tool"`), "analysis-error"},
		"no distribution":            {change(`"type": "operating-system"`, `"type": "device"`), "unknown-os"},
	} {
		found, err := trivy.New(options(t)).ScanSBOM(t.Context(), unreadable(target), []byte(test.document))
		if err != nil || !slices.Contains(incomplete(found), test.want) {
			t.Errorf("%s: incomplete %v, %v, want %s", name, found.Incomplete, err, test.want)
		}
	}
	for name, text := range map[string]string{
		"no JSON": whole[:len(whole)/2], "no SBOM": `{"a": 1}`, "SPDX": `{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT"}`,
		"too large": strings.Repeat(" ", 64<<20+1),
	} {
		if found, err := trivy.New(options(t)).ScanSBOM(t.Context(), unreadable(target), []byte(text)); err == nil || found.Ran || !strings.Contains(err.Error(), "reading the SBOM") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := trivy.New(options(t)).ScanSBOM(ended, unreadable(target), []byte(whole)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
