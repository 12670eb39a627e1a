package trivy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

func licensed(name, license string) file {
	return file{site + name + "-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n" + license + "\n"}
}

const gpl = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: openssl

Files: *
Copyright: 1998 The Project
License: GPL-2.0+
`

// Licences come from the packages' metadata: of Python's field and expression,
// and of Debian's copyright files.
func TestLicenses(t *testing.T) {
	base := layer(t, append(debian(), file{"usr/share/doc/openssl/copyright", gpl})...)
	wide := strings.TrimSuffix(strings.Repeat("(MIT OR ISC) AND ", 25), " AND ")
	app := layer(t, licensed("agpl", "License: AGPL-3.0+"), licensed("both", "License-Expression: MIT AND (GPL-2.0-only OR Apache-2.0)"),
		licensed("own", "License: Acme Licence"), licensed("wide", "License-Expression: "+wide))
	target := image(base, app).target(t)
	o := options(t)
	o.Ignore = project(t, ".trivyignore.yaml", "licenses: [{id: AGPL-3.0-or-later, purls: ['pkg:pypi/agpl'], expired_at: 2026-09-01, statement: bought}, {id: llama3}]")
	found := scanned(t, o, target)
	var got []scan.License
	for _, l := range found.Licenses {
		if l.Package == "wide" {
			if n := len(l.Choices); n == 0 || n > 64 || slices.ContainsFunc(l.Choices, func(c []string) bool { return len(c) > 2 }) {
				t.Errorf("found the choices %q, want at most 64 of at most 2 identifiers", l.Choices)
			}
			continue
		}
		got = append(got, l)
	}
	own, path := target.Layers[1].Digest, func(name string) string { return site + name + "-1.0.dist-info/METADATA" }
	want := []scan.License{
		{Name: "AGPL-3.0-or-later", Category: "forbidden", Severity: scan.Critical, Package: "agpl", Version: "1.0", Layer: own, Path: path("agpl"),
			Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "bought", Until: "2026-08-31"}},
		{Name: "GPL-2.0-or-later", Category: "restricted", Severity: scan.High, Package: "openssl", Version: "3.0.11-1~deb12u2", Layer: target.Layers[0].Digest},
		{Name: "MIT AND (GPL-2.0-only OR Apache-2.0)", Category: "notice", Severity: scan.Low, Choices: [][]string{{"GPL-2.0-only", "MIT"}, {"Apache-2.0", "MIT"}},
			Package: "both", Version: "1.0", Layer: own, Path: path("both")},
		{Name: "Acme Licence", Category: "unknown", Package: "own", Version: "1.0", Layer: own, Path: path("own")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("licences (-want +got):\n%s", diff)
	}
	models, err := trivy.New(o).Licenses(t.Context(), []scan.Model{{Path: "models/a.gguf", License: "llama3"}, {Path: "b"}, {Path: "c", License: "apache-2.0"}})
	if err != nil {
		t.Fatal(err)
	}
	wantModels := []scan.License{
		{Name: "llama3", Category: "unknown", Path: "models/a.gguf", Ignored: &scan.Ignored{By: ".trivyignore.yaml", Reason: "ignored"}},
		{Name: "Apache-2.0", Category: "notice", Severity: scan.Low, Path: "c"},
	}
	if diff := cmp.Diff(wantModels, models); diff != "" {
		t.Errorf("models' licences (-want +got):\n%s", diff)
	}
}
