package gate_test

import "strings"

// hostileTests are reports of test runners.
func hostileTests() []hostile {
	const (
		bench  = `{"machine_info": {}, "benchmarks": [`
		pytest = `{"created": 1, "exitcode": 0, "summary": {}, "tests": [`
		ctrf   = `{"reportFormat": "CTRF", "results": {"summary": {"failed": 0}, "tests": [`
		passed = `{"nodeid": "t.py::test_a", "outcome": "passed", "metadata": {"accuracy": 1}}`
	)
	return []hostile{
		{"benchmark of NaN", "b.json", bench + `{"name": "latency", "stats": {"mean": NaN}}]}`, "latency mean", []string{"NaN", "/benchmarks/0/stats/mean"}},
		{"benchmark with NaN in its data", "b.json", bench + `{"name": "latency", "stats": {"mean": 1, "data": [1, NaN]}}]}`, "latency p95", []string{"NaN", "/benchmarks/0/stats/data"}},
		{"benchmark below zero", "b.json", bench + `{"name": "latency", "stats": {"mean": -1}}]}`, "latency mean", []string{"negative"}},
		{"benchmark twice", "b.json", bench + `{"name": "latency", "stats": {"mean": 1}}, {"name": "latency", "stats": {"mean": 2}}]}`, "latency mean", []string{"ambiguous", "/benchmarks/1/stats/mean"}},
		{"benchmark without stats", "b.json", bench + `{"name": "latency"}]}`, "latency", []string{"/benchmarks/0"}},
		{"benchmarks that are numbers", "b.json", bench + `1, 2]}`, "latency", []string{"/benchmarks/0"}},
		{"no benchmark", "b.json", bench + `]}`, "latency", []string{"holds no"}},
		{"benchmark without the percentile", "b.json", bench + `{"name": "latency", "stats": {"mean": 1}}]}`, "latency p95", []string{"p95", "mean"}},

		{"pytest, zero tests", "p.json", pytest + `]}`, "", []string{"no test that ran"}},
		{"pytest, all skipped", "p.json", pytest + `{"nodeid": "a", "outcome": "skipped", "metadata": {"accuracy": 1}}]}`, "accuracy", []string{"no test that ran"}},
		{"pytest, all expected to fail", "p.json", pytest + `{"nodeid": "a", "outcome": "xfailed", "metadata": {"accuracy": 1}}]}`, "", []string{"no test that ran"}},
		{"pytest, failed", "p.json", pytest + `{"nodeid": "a", "outcome": "failed"}, ` + passed + `]}`, "accuracy", []string{"failed", "/tests/0"}},
		{"pytest, error in the setup", "p.json", pytest + `{"nodeid": "a", "outcome": "error"}, ` + passed + `]}`, "", []string{"failed", "/tests/0"}},
		{"pytest, unknown outcome", "p.json", pytest + `{"nodeid": "a", "outcome": "fine"}]}`, "", []string{"/tests/0/outcome"}},
		{"pytest, interrupted", "p.json", `{"created": 1, "exitcode": 2, "summary": {}, "tests": [` + passed + `]}`, "accuracy", []string{"failed", "/exitcode"}},
		{"pytest, nothing collected", "p.json", `{"created": 1, "exitcode": 5, "summary": {}, "tests": []}`, "", []string{"failed", "/exitcode"}},
		{"pytest, tests that the list lacks", "p.json", `{"created": 1, "exitcode": 0, "summary": {"total": 5}, "tests": [` + passed + `]}`, "accuracy", []string{"/summary/total", "5 tests"}},
		{"pytest, failed by the summary alone", "p.json", `{"created": 1, "exitcode": 1, "summary": {"failed": 1, "passed": 3}}`, "", []string{"/summary/failed"}},
		{"pytest, summary of nothing", "p.json", `{"created": 1, "exitcode": 0, "summary": {"total": 0}}`, "", []string{"no test that ran"}},
		{"pytest, tests below zero", "p.json", `{"created": 1, "exitcode": 0, "summary": {"passed": -4}}`, "", []string{"/summary/passed"}},
		{"pytest, two tests that disagree", "p.json", pytest + passed + `, {"nodeid": "b", "outcome": "passed", "metadata": {"accuracy": 0.1}}]}`, "accuracy", []string{"ambiguous", "/tests/1/metadata/accuracy"}},

		{"CTRF, zero tests", "c.json", ctrf + `]}}`, "", []string{"no test that ran"}},
		{"CTRF, all skipped", "c.json", ctrf + `{"name": "a", "status": "skipped", "extra": {"accuracy": 1}}, {"name": "b", "status": "pending"}]}}`, "accuracy", []string{"no test that ran"}},
		{"CTRF, failed", "c.json", ctrf + `{"name": "a", "status": "failed"}]}}`, "", []string{"/results/tests/0"}},
		{"CTRF, neither passed nor skipped", "c.json", ctrf + `{"name": "a", "status": "other"}]}}`, "", []string{"/results/tests/0"}},
		{"CTRF, unknown status", "c.json", ctrf + `{"name": "a", "status": "PASSED"}]}}`, "", []string{"/results/tests/0/status"}},
		{"CTRF, failures that the list lacks", "c.json", `{"reportFormat": "CTRF", "results": {"summary": {"failed": 3}, "tests": [{"name": "a", "status": "passed"}]}}`, "", []string{"/results/summary"}},
		{"CTRF, tests that the list lacks", "c.json", `{"reportFormat": "CTRF", "results": {"summary": {"tests": 3, "failed": 0}, "tests": [{"name": "a", "status": "passed"}]}}`, "", []string{"/results/summary/tests", "3 tests"}},
		{"CTRF, failed is null", "c.json", `{"reportFormat": "CTRF", "results": {"summary": {"failed": null}, "tests": [{"name": "a", "status": "passed"}]}}`, "", []string{"/results/summary/failed"}},
		{"CTRF, duration of NaN", "c.json", ctrf + `{"name": "latency", "status": "passed", "duration": NaN}]}}`, "latency", []string{"NaN", "/results/tests/0/duration"}},
		{"CTRF, negative duration", "c.json", ctrf + `{"name": "latency", "status": "passed", "duration": -1}]}}`, "latency", []string{"negative"}},
	}
}

// hostileXML are JUnit and Cobertura reports.
func hostileXML() []hostile {
	const (
		head     = `<testsuite name="s">`
		property = `<properties><property name="accuracy" value="0.99"/></properties>`
		passed   = `<testcase name="test_a" time="1"/>`
		tail     = `</testsuite>`
	)
	recorded := func(name, value string) string {
		return head + `<testcase name="t" time="1"><properties><property name="` + name + `" value="` + value + `"/></properties></testcase>` + tail
	}
	bomb := `<!DOCTYPE lolz [<!ENTITY lol "lol">`
	for i := range 9 {
		bomb += `<!ENTITY lol` + string(rune('1'+i)) + ` "` + strings.Repeat("&lol;", 10) + `">`
	}
	return []hostile{
		{"NaN", "r.xml", recorded("accuracy", "NaN"), "accuracy", []string{"NaN", "property[1]"}},
		{"infinity", "r.xml", recorded("accuracy", "inf"), "accuracy", []string{"inf", "property[1]"}},
		{"1e999", "r.xml", recorded("accuracy", "1e999"), "accuracy", []string{"out of range"}},
		{"-1e999", "r.xml", recorded("latency_ms", "-1e999"), "latency", []string{"out of range"}},
		{"negative latency", "r.xml", recorded("latency_ms", "-4"), "latency", []string{"negative"}},
		{"N/A", "r.xml", recorded("latency_ms", "N/A"), "latency", []string{"N/A"}},
		{"None", "r.xml", recorded("accuracy", "None"), "accuracy", []string{"None"}},
		{"empty value", "r.xml", recorded("accuracy", ""), "accuracy", []string{"empty"}},
		{"property twice with two values", "r.xml", head + passed + `<properties><property name="accuracy" value="0.9"/><property name="accuracy" value="0.1"/></properties>` + tail, "accuracy", []string{"ambiguous", "property[2]"}},
		{"two tests that disagree", "r.xml", head + `<testcase name="a">` + property + `</testcase><testcase name="b">` + strings.Replace(property, "0.99", "0.1", 1) + `</testcase>` + tail, "accuracy", []string{"ambiguous", "testcase[2]"}},
		{"zero tests", "r.xml", `<testsuites></testsuites>`, "", []string{"no test that ran"}},
		{"zero tests and a property", "r.xml", head + property + tail, "accuracy", []string{"no test that ran"}},
		{"all skipped", "r.xml", head + `<testcase name="a"><skipped/></testcase>` + tail, "", []string{"no test that ran"}},
		{"all skipped, with properties", "r.xml", head + property + `<testcase name="a"><properties><property name="accuracy" value="1"/></properties><skipped/></testcase>` + tail, "accuracy", []string{"no test that ran"}},
		{"none was run, by its status", "r.xml", head + property + `<testcase name="a" status="notrun"/>` + tail, "accuracy", []string{"no test that ran"}},
		{"failure", "r.xml", head + property + `<testcase name="a"><failure message="x"/></testcase>` + tail, "accuracy", []string{"failed", "failure[1]"}},
		{"error", "r.xml", head + property + `<testcase name="a"><error/></testcase>` + tail, "", []string{"failed", "error[1]"}},
		{"skipped after it failed", "r.xml", head + property + `<testcase name="a"><failure/><skipped/></testcase>` + tail, "", []string{"failed"}},
		{"more tests said than held", "r.xml", `<testsuite name="s" tests="9">` + property + passed + tail, "accuracy", []string{"testsuite[1]/@tests", "9 tests"}},
		{"more tests said than held by the root", "r.xml", `<testsuites tests="9"><testsuite tests="1">` + property + passed + `</testsuite></testsuites>`, "accuracy", []string{"@tests", "9 tests"}},
		{"more tests said than held inside", "r.xml", `<testsuites><testsuite/><testsuite tests="2"><testsuite tests="1">` + passed + `</testsuite></testsuite></testsuites>`, "", []string{"testsuite[2]/@tests"}},
		{"failures by the count only", "r.xml", `<testsuite name="s" tests="1" failures="1">` + property + passed + tail, "accuracy", []string{"failed", "testsuite[1]"}},
		{"errors by the count only", "r.xml", `<testsuite name="pytest" tests="1" errors="2">` + property + passed + tail, "accuracy", []string{"failed", "testsuite[1]"}},
		{"a test in a test", "r.xml", `<testsuite><testcase><testsuite><testcase/></testsuite></testcase></testsuite>`, "", []string{"line 1"}},
		{"deep nesting", "r.xml", strings.Repeat("<testsuite>", 100_000), "", []string{"line 1", "nested deeper"}},
		{"deep nesting of others", "r.xml", head + strings.Repeat("<a>", 100_000), "", []string{"nested deeper"}},
		{"entity bomb", "r.xml", bomb + `]>` + head + `<testcase name="&lol9;"/>` + tail, "", []string{"line 1", "entity"}},
		{"external entity", "r.xml", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + head + `<testcase name="a"><failure>&x;</failure></testcase>` + tail, "", []string{"line 1", "&x;"}},
		{"parameter entity", "r.xml", `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://example.com/x">%x;]>` + head + `&y;` + tail, "", []string{"line 1"}},
		{"truncated", "r.xml", head + property + passed, "accuracy", []string{"line 1", "well-formed"}},
		{"truncated in an attribute", "r.xml", head + `<testcase name="a" time="1`, "a", []string{"line 1"}},
		{"two roots", "r.xml", head + passed + tail + head + passed + tail, "", []string{"second root"}},
		{"another root", "r.xml", "<html><body>404</body></html>", "", []string{"line 1", `"html"`}},
		{"text after the root", "r.xml", head + `<testcase name="a" time="1">` + tail, "", []string{"line 1"}},
		{"latin-1", "r.xml", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + head + "<testcase name=\"\xe9\"/>" + tail, "", []string{"line 1", "UTF-8"}},
		{"invalid UTF-8", "r.xml", head + "<testcase name=\"\xff\"/>" + tail, "", []string{"line 1", "UTF-8"}},
		{"NUL", "r.xml", head + "<testcase name=\"a\x00\"/>" + tail, "", []string{"line 1"}},
		{"test time of NaN", "r.xml", head + `<testcase name="latency" time="NaN"/>` + tail, "latency", []string{"NaN", "@time"}},
		{"test time below zero", "r.xml", head + `<testcase name="latency" time="-1"/>` + tail, "latency", []string{"negative", "@time"}},
		{"test time with group marks", "r.xml", head + `<testcase name="latency" time="1,234.5"/>` + tail, "latency", []string{"1,234.5", "@time"}},
		{"test message of terminal codes", "r.xml", head + `<testcase name="a&#10;::error::x"><failure message="&#13;::stop"/></testcase>` + tail, "", []string{"failed"}},
		{"attribute twice", "r.xml", head + `<testcase name="latency" time="9999" time="1"/>` + tail, "latency", []string{"line 1", "twice"}},
		{"coverage of 91", "c.xml", `<coverage line-rate="91"/>`, "coverage", []string{"91", "@line-rate"}},
		{"coverage below zero", "c.xml", `<coverage line-rate="-1"/>`, "coverage", []string{"-1", "@line-rate"}},
		{"coverage of no line", "c.xml", `<coverage line-rate="1" lines-valid="0"/>`, "coverage", []string{"no line"}},
		{"coverage of NaN", "c.xml", `<coverage line-rate="NaN"/>`, "coverage", []string{"NaN"}},
		{"coverage rate twice", "c.xml", `<coverage line-rate="0.1" line-rate="0.99"/>`, "coverage", []string{"line 1", "twice"}},
		{"coverage truncated", "c.xml", `<coverage line-rate="0.99"><packages>`, "coverage", []string{"line 1"}},
	}
}
