package vulndb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

// dump is every value of a database by its path.
func dump(t testing.TB, data []byte) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trivy.db")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o400, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := make(map[string]string)
	var walk func(string, *bolt.Bucket) error
	walk = func(at string, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(at+"/"+string(k), b.Bucket(k))
			}
			out[at+"/"+string(k)] = string(v)
			return nil
		})
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(k []byte, b *bolt.Bucket) error { return walk(string(k), b) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBuild(t *testing.T) {
	debian := `ecosystem: debian 12
severity-by: nvd
source: {id: debian, name: Debian Security Tracker, url: "https://example.com/"}
advisories:
  - {id: CVE-2024-0001, package: requests, fixed: "1:2.0-1", severity: critical, title: Another title, link: "https://example.com/deb", vendor: [DSA-1-1]}
  - {id: CVE-2024-0002, package: zlib, status: will_not_fix, severity: unknown, title: Not fixed, link: "https://example.com/z", date: 2024-02-03, cwe: [CWE-1]}
`
	archive, err := Build(sheets("b.yaml", debian, "a.yaml", oneAdvisory), now())
	if err != nil {
		t.Fatal(err)
	}
	all := members(t, archive)
	want := map[string]string{
		"ai-ship-fixture/notice":                                   `"` + fixtureNotice + `"`,
		"data-source/debian 12":                                    `{"ID":"debian","Name":"Debian Security Tracker","URL":"https://example.com/"}`,
		"data-source/pip::GitHub Security Advisory pip":            `{"ID":"ghsa","Name":"GitHub Security Advisory pip","URL":"https://example.com/"}`,
		"debian 12/requests/CVE-2024-0001":                         `{"VendorIDs":["DSA-1-1"],"FixedVersion":"1:2.0-1"}`,
		"debian 12/zlib/CVE-2024-0002":                             `{"Status":5}`,
		"pip::GitHub Security Advisory pip/requests/CVE-2024-0001": `{"VulnerableVersions":["\u003c 2.0"],"PatchedVersions":["2.0"]}`,
		"vulnerability/CVE-2024-0001":                              `{"Title":"An example","Severity":"CRITICAL","VendorSeverity":{"ghsa":3,"nvd":4},"References":["https://example.com/CVE-2024-0001","https://example.com/deb"]}`,
		"vulnerability/CVE-2024-0002":                              `{"Title":"Not fixed","Severity":"UNKNOWN","CweIDs":["CWE-1"],"VendorSeverity":{"nvd":0},"References":["https://example.com/z"],"PublishedDate":"2024-02-03T00:00:00Z"}`,
	}
	if diff := cmp.Diff(want, dump(t, all["trivy.db"])); diff != "" {
		t.Errorf("database (-want +got):\n%s", diff)
	}
	wantAbout := `{"Version":2,"NextUpdate":"2026-11-22T12:00:00Z","UpdatedAt":"2026-11-21T12:00:00Z","DownloadedAt":"0001-01-01T00:00:00Z"}` + "\n"
	if got := string(all[metadataFile]); got != wantAbout {
		t.Errorf("metadata is %s, want %s", got, wantAbout)
	}
}

func TestBuildIsReproducible(t *testing.T) {
	dir := os.DirFS("../../../testdata/vulndb")
	first, err := Build(dir, now())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := Build(dir, now())
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("another build differs (error %v)", err)
		}
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	if _, err := Build(dir, now()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(temp, "none"))
	_, err = Build(dir, now())
	wantError(t, err, "building database: ")
}

// TestFixture holds the project's own advisories to what trivy looks for.
func TestFixture(t *testing.T) {
	all, err := readSheets(os.DirFS("../../../testdata/vulndb"))
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]int)
	for _, s := range all {
		for _, a := range s.Advisories {
			have[s.Ecosystem+" "+a.Package]++
		}
	}
	for _, name := range []string{
		"pip requests", "pip torch", "pip transformers", "pip pillow", "pip keras", "pip vllm", "pip ray",
		"debian 12 openssl", "debian 12 glibc", "debian 12 zlib", "go stdlib", "go golang.org/x/net", "go golang.org/x/crypto",
		"maven org.apache.logging.log4j:log4j-core", "maven org.springframework:spring-beans",
	} {
		if have[name] == 0 {
			t.Errorf("no advisory for %s", name)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(oneAdvisory, old) {
			t.Fatalf("%q is not there", old)
		}
		return strings.Replace(oneAdvisory, old, new, 1)
	}
	deb := strings.Replace(strings.Replace(oneAdvisory, "ecosystem: pip", "ecosystem: debian 12", 1),
		"    vulnerable: [\"< 2.0\"]\n    patched: [\"2.0\"]\n", "    @\n", 1)
	second := strings.SplitAfter(oneAdvisory, "advisories:\n")[1]
	for _, tc := range []struct{ name, data, error string }{
		{"unknown key", change("patched:", "fixed-in:"), `a.yaml:7: unknown field "fixed-in"`},
		{"unknown key at the top", change("ecosystem:", "system:"), `a.yaml:1: unknown field "system"`},
		{"key twice", change("severity: high", "severity: high\n    severity: low"), `a.yaml:9: mapping key "severity" already defined`},
		{"no YAML", "a: [", "a.yaml:"},
		{"wrong kind", change(`["2.0"]`, "{a: b}"), "a.yaml:7: "},
		{"two documents", oneAdvisory + "---\n" + oneAdvisory, "more than one YAML document"},
		{"nothing", "", "a.yaml: "},
		{"ecosystem", change("ecosystem: pip", "ecosystem: Debian 12"), `ecosystem: found "Debian 12"`},
		{"source", change("id: ghsa", "id: G H"), `source.id: found "G H"`},
		{"source name", change("name: GitHub Security Advisory pip", `name: ""`), "source.name: is missing"},
		{"source address", change("https://example.com/", "http://example.com/"), `source.url: found "http://example.com/"`},
		{"severity by", change("source:", "severity-by: N V D\nsource:"), `severity-by: found "N V D"`},
		{"none", strings.SplitAfter(oneAdvisory, "advisories:")[0] + " []", "advisories: found 0"},
		{"id", change("id: CVE-2024-0001", "id: cve 1"), `a.yaml:4: cve 1: id: found "cve 1"`},
		{"package", change("package: requests", `package: ""`), `a.yaml:4: CVE-2024-0001: package: found ""`},
		{"package that is never found", change("package: requests", "package: Typing_Extensions"), `package: found "Typing_Extensions", expected it in lower case`},
		{"artifact without a group", change("ecosystem: pip", "ecosystem: maven"), `package: found "requests", expected group:artifact`},
		{"group of another ecosystem", change("package: requests", "package: a:requests"), `package: found "a:requests", expected group:artifact of maven, and no colon`},
		{"severity", change("severity: high", "severity: hgh"), `severity: found the severity "hgh"`},
		{"title", change("title: An example", `title: "a\nb"`), "title: expected one line"},
		{"link", change("link: https", "link: ftp"), `link: found "ftp://`},
		{"date", change("severity: high", "severity: high\n    date: 1.2.2024"), `date: found "1.2.2024"`},
		{"range", change(`"< 2.0"`, `"<< 2.0"`), `vulnerable: found "<< 2.0"`},
		{"no range", change(`    vulnerable: ["< 2.0"]`+"\n", ""), "vulnerable: is missing"},
		{"patched", change(`patched: ["2.0"]`, `patched: ["two"]`), `patched: found "two"`},
		{"fixed of a language", change("patched: [", "fixed: '2.0'\n    patched: ["), "fixed, status: are for distributions"},
		{"range of a distribution", strings.Replace(deb, "@", `vulnerable: ["< 2"]`, 1), "vulnerable, patched: are for languages"},
		{"neither", strings.Replace(deb, "    @\n", "", 1), "expected either fixed or status"},
		{"both", strings.Replace(deb, "@", "fixed: '1'\n    status: affected", 1), "expected either fixed or status"},
		{"version", strings.Replace(deb, "@", "fixed: 'x y'", 1), `fixed: found "x y"`},
		{"status", strings.Replace(deb, "@", "status: wontfix", 1), `status: found "wontfix"`},
		{"twice", oneAdvisory + second, "a.yaml:11: CVE-2024-0001 of requests is already at a.yaml:4"},
		{"large", strings.Repeat("# comment\n", maxSheet/10+1), "larger than 128 KiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			archive, err := Build(sheets("a.yaml", tc.data), now())
			wantError(t, err, "reading advisories: a.yaml")
			wantError(t, err, tc.error)
			if archive != nil {
				t.Error("it returned an archive")
			}
		})
	}
	_, err := Build(sheets(), now())
	wantError(t, err, "found 0 files *.yaml, expected 1 to 100")
	many := fstest.MapFS{}
	for i := range maxSheets + 1 {
		many[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(oneAdvisory)}
	}
	_, err = Build(many, now())
	wantError(t, err, "found 101 files")
}

func TestPublish(t *testing.T) {
	s := serve(t)
	archive := build(t, time.Hour)
	first, err := Publish(t.Context(), s.ref(t, "a"), archive, options())
	if err != nil {
		t.Fatal(err)
	}
	second, err := Publish(t.Context(), s.ref(t, "b"), archive, options())
	if err != nil || first != second {
		t.Errorf("Publish = %s and %s, %v", first, second, err)
	}
	s.fail(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(403); return true })
	_, err = Publish(t.Context(), s.ref(t, "c"), archive, options())
	wantError(t, err, "publishing the vulnerability database as "+s.ref(t, "c").String())
}

func FuzzSheet(f *testing.F) {
	f.Add([]byte(oneAdvisory))
	f.Add([]byte("advisories: [{id: 1}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		s, err := parseSheet("a.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "a.yaml:") {
				t.Errorf("error without the file: %v", err)
			}
			return
		}
		if _, err := json.Marshal(entries([]sheet{s})[0].value); err != nil {
			t.Error(err)
		}
	})
}
