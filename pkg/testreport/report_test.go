package testreport_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/testreport"
)

var written = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func readText(t *testing.T, name, text string) testreport.Report {
	t.Helper()
	report, err := testreport.ReadFile(name, strings.NewReader(text), written)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// lines prints metrics in a form that a test can show whole.
func lines(report testreport.Report) string {
	var b strings.Builder
	for _, m := range report.Metrics {
		fmt.Fprintf(&b, "%s", m.Name)
		for _, l := range m.Labels {
			fmt.Fprintf(&b, " {%s=%s}", l.Name, l.Value)
		}
		if m.Stat != "" {
			fmt.Fprintf(&b, " %s", m.Stat)
		}
		switch {
		case m.Invalid != "":
			fmt.Fprintf(&b, " invalid:%s", m.Invalid)
		case len(m.Samples) > 3:
			fmt.Fprintf(&b, " %d samples", len(m.Samples))
		case len(m.Samples) > 0:
			fmt.Fprintf(&b, " %v", m.Samples)
		default:
			fmt.Fprintf(&b, " %.6g", m.Value)
		}
		fmt.Fprintf(&b, "%s @ %s", m.Unit, m.Source.Pointer)
		if len(m.Aliases) > 0 {
			fmt.Fprintf(&b, " = %s", strings.Join(m.Aliases, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestReadFileSetsTheSource(t *testing.T) {
	text := "\xef\xbb\xbf  {\"accuracy\": 0.5}\n"
	report := readText(t, "reports/a.json", text)
	sum := sha256.Sum256([]byte(text))
	want := testreport.Source{File: "reports/a.json", Pointer: "/accuracy", SHA256: hex.EncodeToString(sum[:])}
	if report.Metrics[0].Source != want || report.SHA256 != want.SHA256 || report.Path != want.File || !report.Modified.Equal(written) {
		t.Errorf("report = %+v, want source %+v", report, want)
	}
}

func TestReadFileRefuses(t *testing.T) {
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	deepXML := strings.Repeat("<testsuite>", 65) + strings.Repeat("</testsuite>", 65)
	for _, tc := range []struct {
		name, text string
		want       string
	}{
		{"a.xml", "", "is empty"},
		{"a.json", " \n\t", "is empty"},
		{"a.xml", `{"accuracy": 1}`, "is not what its name says: named .xml, holds JSON"},
		{"a.json", `<testsuites/>`, "is not what its name says: named .json, holds XML"},
		{"a.txt", "accuracy 0,9\nx", `holds text that begins with "accuracy 0,9"; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log`},
		{"a.csv", strings.Repeat("x", 50), `holds text that begins with "` + strings.Repeat("x", 39) + `…"; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log`},
		{"a.gz", "\x1f\x8b\x08", "holds gzip data; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"},
		{"a.zip", "PK\x03\x04", "holds a zip archive; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"},
		{"a.bin", "\x7fELF\x00", "holds binary data; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"},
		{"a.json", "\xff\xfe{\x00", "holds UTF-16 text; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"},
		{"a", `<html><p>`, `line 1: is XML with root "html", expected testsuites, testsuite or coverage`},
		{"a", `<!-- nothing -->`, `is XML without any element, expected testsuites, testsuite or coverage`},
		{"a", "<testsuites>\n<testsuite>", "line 2: is no well-formed XML: unexpected EOF"},
		{"a", "<testsuites>\n</testsuite>", "line 2: is no well-formed XML: element <testsuites> closed by </testsuite>"},
		{"a", `<testsuite>&x;</testsuite>`, "line 1: is no well-formed XML: invalid character entity &x;"},
		{"a", `<testsuite/><testsuite/>`, `line 1: is XML with a second root "testsuite"`},
		{"a", `<?xml version="1.0" encoding="latin1"?><testsuite/>`, `line 1: xml: opening charset "latin1": expected UTF-8, found "latin1"`},
		{"a", deepXML, "line 1: is nested deeper than 64 elements"},
		{"a", "<testsuite>" + strings.Repeat("<a/>", testreport.MaxElements) + "</testsuite>", "line 1: holds more than 1000000 elements"},
		{"a", `<testsuite><testcase><testsuite><testcase/></testsuite></testcase></testsuite>`, "line 1: has a testcase inside a testcase"},
		{"a", `<testsuites/>`, "holds no test that ran"},
		{"a", `<testsuite><testcase name="a" time="1"><skipped/></testcase></testsuite>`, "holds no test that ran"},
		{"a", `{}`, "holds no test that ran and no number"},
		{"a", `[1, 2]`, "holds no test that ran and no number"},
		{"a", `{"model": "x", "ok": true}`, "holds no test that ran and no number"},
		{"a", `{"machine_info": {}, "benchmarks": []}`, "holds no test that ran and no number"},
		{"a", `{"machine_info": {}, "benchmarks": [{"name": "a", "stats": [1]}]}`, "/benchmarks/0: is no benchmark, expected an object with name and stats"},
		{"a", "{\"a\": 1,\n\"a\": 2}", `line 2: the name "/a" stands twice in one object`},
		{"a", "{\"a\": 1,\n\n", "line 3: is no JSON: unexpected EOF"},
		{"a", `{"a": 1} {"a": 2}`, "line 1: holds more than one JSON value"},
		{"a", `{"a": 1} x`, "line 1: is no JSON: invalid character 'x' at start of value"},
		{"a", `{"a": 1, "b": fooNaN}`, "line 1: is no JSON: invalid character 'o' in literal false (expecting 'a')"},
		{"a", "{\"a\": 01}", "line 1: is no JSON: invalid character '1' after object value (expecting ',' or '}')"},
		{"a", "{\"a\": \"\xff\"}", "line 1: is no JSON: invalid UTF-8"},
		{"a", deep, "line 1: is nested deeper than 64 values"},
		{"a", "[" + strings.Repeat("0,", testreport.MaxElements) + "0]", "line 1: holds more than 1000000 values"},
		{"a", `{"a":[` + strings.Repeat(`{"x":0},`, testreport.MaxMetrics) + `{"x":0}]}`, "holds more than 100000 metrics"},
		{"a", `{"` + strings.Repeat("k", 1<<20) + `":[` + strings.Repeat(`{"x":0},`, 99) + `{"x":0}]}`, "has names of more than 64 MiB"},
		{"a", strings.Repeat(" ", testreport.MaxSize+1), "is larger than 32 MiB"},
	} {
		if testing.Short() && len(tc.text) > 1<<20 {
			continue // the limits on size take seconds under the race detector
		}
		report, err := testreport.ReadFile(tc.name, strings.NewReader(tc.text), written)
		want := fmt.Sprintf("reading report %q: %s", tc.name, tc.want)
		if err == nil || err.Error() != want {
			t.Errorf("ReadFile(%q, %.40q) = %+v, %v\nwant error %s", tc.name, tc.text, report, err, want)
		}
	}
}
