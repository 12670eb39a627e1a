//go:build linux

package e2e

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const ignoreYAML = `vulnerabilities:
  - {id: CVE-2018-18074, statement: not reachable}
  - {id: CVE-2022-22817, paths: ["usr/lib/python3/dist-packages/pillow-*/METADATA"]}
  - {id: CVE-2023-44271, paths: ["elsewhere/**"]}
  - {id: CVE-2020-1747, purls: ["pkg:pypi/pyyaml@5.1"]}
  - {id: CVE-2020-14343, purls: ["pkg:pypi/pyyaml@6.0"]}
  - {id: CVE-2019-6446, expired_at: 2020-01-01, statement: over}
  - {id: CVE-2022-45907, expired_at: 2999-01-01, statement: until then}
  - {id: CVE-2023-4911, purls: ["pkg:deb/debian/libc6"], statement: no setuid programs}
  - {id: CVE-2023-39325, paths: [app/service]}
`

const ignoreLines = `# What is not reachable.
CVE-2018-18074
CVE-2019-6446 exp:2020-01-01
CVE-2022-45907 exp:2999-01-01
CVE-2023-45853
`

const openVEX = `{
  "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "org", "timestamp": "2026-01-01T00:00:00Z", "version": 1,
  "statements": [
    {"vulnerability": {"name": "CVE-2022-45907"}, "products": [{"@id": "pkg:pypi/torch@1.13.0"}],
     "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"},
    {"vulnerability": {"name": "CVE-2024-2961"}, "products": [{"@id": "pkg:deb/debian/libc6"}], "status": "fixed"},
    {"vulnerability": {"name": "CVE-2018-18074"}, "products": [{"@id": "pkg:pypi/requests@2.0.0"}],
     "status": "not_affected", "justification": "component_not_present"},
    {"vulnerability": {"name": "CVE-2020-1747"}, "products": [{"@id": "pkg:pypi/pyyaml"}], "status": "under_investigation"},
    {"vulnerability": {"name": "CVE-2023-39325"}, "products": [{"@id": "pkg:golang/golang.org/x/net@v0.16.0"}],
     "status": "not_affected", "justification": "inline_mitigations_already_exist"}
  ]
}`

const csaf = `{
  "document": {
    "category": "csaf_vex", "csaf_version": "2.0", "title": "Old packages",
    "notes": [{"category": "summary", "text": "For tests.", "title": "Author comment"}],
    "publisher": {"category": "vendor", "name": "org", "namespace": "https://example.com"},
    "tracking": {
      "current_release_date": "2026-01-01T00:00:00.000Z", "initial_release_date": "2026-01-01T00:00:00.000Z", "id": "2026-1", "status": "final", "version": "1",
      "revision_history": [{"date": "2026-01-01T00:00:00.000Z", "number": "1", "summary": "First."}]
    }
  },
  "product_tree": {"branches": [{"category": "vendor", "name": "org", "branches": [{"category": "product_name", "name": "pillow", "branches": [
    {"category": "product_version", "name": "9.0.0", "product": {
      "name": "pillow 9.0.0", "product_id": "pillow-9.0.0", "product_identification_helper": {"purl": "pkg:pypi/pillow@9.0.0"}}}
  ]}]}]},
  "vulnerabilities": [
    {"cve": "CVE-2022-22817", "notes": [{"category": "description", "text": "Expressions."}],
     "product_status": {"known_not_affected": ["pillow-9.0.0"]}, "threats": [{"category": "impact", "details": "vulnerable_code_not_in_execute_path"}]},
    {"cve": "CVE-2023-44271", "notes": [{"category": "description", "text": "Memory."}], "product_status": {"fixed": ["pillow-9.0.0"]}},
    {"cve": "CVE-2023-50447", "notes": [{"category": "description", "text": "Expressions."}], "product_status": {"known_affected": ["pillow-9.0.0"]}}
  ]
}`

func TestSuppressionEqualsTrivy(t *testing.T) {
	w := vulnerableTwins(t, file{"ignore.yaml", ignoreYAML}, file{"ignore", ignoreLines}, file{"open.json", openVEX}, file{"csaf.json", csaf})
	tests := map[string]struct {
		gate string
		args []string
		want []string // what is taken out, in order
	}{
		"trivyignore.yaml": {"ignore-file: ignore.yaml", []string{"--ignorefile", "ignore.yaml"}, []string{
			"CVE-2018-18074 requests", "CVE-2020-1747 PyYAML", "CVE-2022-22817 pillow", "CVE-2022-45907 torch", "CVE-2023-39325 golang.org/x/net", "CVE-2023-4911 libc6",
		}},
		"trivyignore": {"ignore-file: ignore", []string{"--ignorefile", "ignore"}, []string{
			"CVE-2018-18074 requests", "CVE-2022-45907 torch", "CVE-2023-45853 zlib1g",
		}},
		"OpenVEX": {"vex: [open.json]", []string{"--vex", "open.json"}, []string{
			"CVE-2022-45907 torch", "CVE-2023-39325 golang.org/x/net", "CVE-2024-2961 libc6",
		}},
		"CSAF": {"vex: [csaf.json]", []string{"--vex", "csaf.json"}, []string{
			"CVE-2022-22817 pillow", "CVE-2023-44271 pillow",
		}},
		"all": {"ignore-file: ignore.yaml, vex: [open.json, csaf.json]",
			[]string{"--ignorefile", "ignore.yaml", "--vex", "open.json", "--vex", "csaf.json"}, []string{
				"CVE-2018-18074 requests", "CVE-2020-1747 PyYAML", "CVE-2022-22817 pillow", "CVE-2022-45907 torch", "CVE-2023-39325 golang.org/x/net",
				"CVE-2023-44271 pillow", "CVE-2023-4911 libc6", "CVE-2024-2961 libc6",
			}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, v := range w.compare(t, "fail-on: low, "+test.gate, everything, test.args...) {
				if v.By != "" {
					got = append(got, v.ID+" "+v.Package)
				}
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("taken out (-want +got):\n%s", diff)
			}
		})
	}
}
