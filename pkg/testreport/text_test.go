package testreport_test

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// A format is known by its content, whatever the file is called.
func TestReadTextByContent(t *testing.T) {
	for _, tc := range []struct{ name, text, format string }{
		{"yaml", "# comment\n\naccuracy: 0.9\n", "yaml"},
		{"yaml with a mark", "---\naccuracy: 0.9\n", "yaml"},
		{"yaml of one document, ended", "---\naccuracy: 0.9\n...\n", "yaml"},
		{"yaml list", "- a: 1\n- a: 2\n", "yaml"},
		{"yaml with commas in the value", "name: a, b\nf1: 1, 2\nx: 3\n", "yaml"},
		{"yaml with quotes", "\"a b\": 1\n", "yaml"},
		{"yaml after a comment like Prometheus'", "# HELP wanted \nx: 1\n", "yaml"},
		{"toml", "# comment\naccuracy = 0.9\n", "toml"},
		{"toml table, which begins as a JSON array", "\n[metrics]\n# deep\n[metrics.test]\naccuracy = 0.9\n", "toml"},
		{"json array of lines", "[\n1,\n{\"a\": 1}]", "json"},
		{"json array of one line", "[\"a\"]\n", ""},
		{"prometheus without comments", "accuracy 0.9\n", "prometheus"},
		{"prometheus with labels", "up{job=\"a b\"} 1 1767323045000\n", "prometheus"},
		{"prometheus with comments only in front", "# HELP a x\n# TYPE a gauge\na 1\n", "prometheus"},
		{"csv", "epoch,accuracy\n1,0.9\n", "csv"},
		{"csv of one column", "accuracy\n0.9\n", "csv"},
		{"csv in quotes", "\"epoch\",\"val: f1\"\n1,0.9\n", "csv"},
		{"csv with CRLF and a byte order mark", "\xef\xbb\xbfa,b\r\n1,2\r\n", "csv"},
		{"text", "all 5 tests passed\n", ""},
		{"text with a comma", "Hello, world\nbye\n", ""},
		{"only comments", "# a\n# b\n", ""},
		{"only tables", "[a]\n[b]\n", ""},
		{"numbers without a header", "1,2\n3,4\n", ""},
	} {
		report, err := testreport.ReadFile("r.log", strings.NewReader(tc.text), written)
		if report.Format != tc.format || (err == nil) != (tc.format != "") {
			t.Errorf("%s: format %q, %v, want %q", tc.name, report.Format, err, tc.format)
		}
	}
}

func TestReadTextRefuses(t *testing.T) {
	const expected = "; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"
	refuses(t, []refusal{
		{"a.json", "a: 1", "is not what its name says: named .json, holds YAML"},
		{"a.xml", "a = 1", "is not what its name says: named .xml, holds TOML"},
		{"a.YML", "a,b\n1,2", "is not what its name says: named .yml, holds CSV"},
		{"a.yaml", "<testsuite/>", "is not what its name says: named .yaml, holds XML"},
		{"a.csv", "{}", "is not what its name says: named .csv, holds JSON"},
		{"a.toml", "a 1", "is not what its name says: named .toml, holds Prometheus text"},
		{"a.prom", ":::MLLOG {}", "is not what its name says: named .prom, holds an MLPerf log"},
		{"a.yaml", "---\nmodel-index:\n---\n# title", "is not what its name says: named .yaml, holds a model card"},
		{"a.yaml", "{}", "holds no test that ran and no number"}, // JSON is YAML
		{"a.yaml", "\xff\xfea\x00", "holds UTF-16 text" + expected},
		{"a.csv", "a,b\n1,2\n\xe9,3\n", "line 3: is no UTF-8, expected UTF-8 text"},
		{"a.txt", "1,2\n3,4", `holds text that begins with "1,2"` + expected},
	})
}

type refusal struct{ name, text, want string }

func refuses(t *testing.T, cases []refusal) {
	t.Helper()
	for _, tc := range cases {
		if testing.Short() && len(tc.text) > 1<<20 {
			continue // the limits on size take seconds under the race detector
		}
		report, err := testreport.ReadFile(tc.name, strings.NewReader(tc.text), written)
		want := `reading report "` + tc.name + `": ` + tc.want
		if err == nil || err.Error() != want || report.Metrics != nil {
			t.Errorf("ReadFile(%q, %.60q) = %+v, %v\nwant error %s", tc.name, tc.text, report, err, want)
		}
	}
}

// reads holds the metrics of texts against how lines shows them.
func reads(t *testing.T, format string, cases []struct{ name, text, want string }) {
	t.Helper()
	for _, tc := range cases {
		report, err := testreport.ReadFile("r", strings.NewReader(tc.text), written)
		if got := lines(report); err != nil || got != tc.want || report.Format != format {
			t.Errorf("%s: format %q, %v, metrics:\n%swant:\n%s", tc.name, report.Format, err, got, tc.want)
		}
	}
}

// contains holds a sample's metrics against some of its lines.
func contains(t *testing.T, sample, format string, want ...string) testreport.Report {
	t.Helper()
	report := readFile(t, sample)
	if report.Format != format {
		t.Errorf("%s has the format %q, want %q", sample, report.Format, format)
	}
	got := "\n" + lines(report)
	for _, line := range want {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("%s lacks %q:%s", sample, line, got)
		}
	}
	return report
}
