package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/testreport"
)

func junit(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkJUnit reads the file as CIs do: it is well-formed, the suite's numbers
// are those of its cases, and no two cases have one name.
func checkJUnit(t *testing.T, r report.Report) {
	t.Helper()
	text := junit(t, r)
	counted := make(map[string]int)
	says := make(map[string]string)
	names := make(map[string]bool)
	dec := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		counted[start.Name.Local]++
		for _, a := range start.Attr {
			if start.Name.Local == "testsuite" {
				says[a.Name.Local] = a.Value
			}
			if start.Name.Local == "testcase" && a.Name.Local == "name" {
				if names[a.Value] {
					t.Errorf("two cases are called %q", a.Value)
				}
				names[a.Value] = true
			}
		}
	}
	for attr, element := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
		if says[attr] != strconv.Itoa(counted[element]) {
			t.Errorf("the suite says %s %s, it holds %d:\n%s", says[attr], attr, counted[element], text)
		}
	}
	if says["name"] != "ai-ship.gates" {
		t.Errorf("the suite is called %q", says["name"])
	}
	if _, err := strconv.ParseFloat(says["time"], 64); err != nil {
		t.Errorf("time: %v", err)
	}
	if !r.Passed && counted["failure"]+counted["error"] == 0 {
		t.Errorf("a run that did not pass is green:\n%s", text)
	}
}

func TestJUnitIsReadByOurReader(t *testing.T) {
	for name, want := range map[string][2]int{ // tests that ran, failures
		"passed": {3, 0}, "refused": {4, 4}, "error": {1, 1}, "config-error": {1, 1}, "warned": {9, 0}, "grown": {2, 1},
	} {
		r := fixtures()[name]
		checkJUnit(t, r)
		got, err := testreport.ReadFile("gates.xml", strings.NewReader(junit(t, r)), time.Time{})
		if err != nil || got.Format != "junit" {
			t.Errorf("%s is read as %q (%v)", name, got.Format, err)
		}
		if got.Tests != want[0] || len(got.Failures) != want[1] {
			t.Errorf("%s: %d tests, %d failures, want %v", name, got.Tests, len(got.Failures), want)
		}
	}
}

func TestJUnitIsNeverGreenerThanTheRun(t *testing.T) {
	ok := gate.Result{Name: "size", Passed: true}
	for _, tc := range []struct {
		name string
		r    report.Report
		want string
	}{
		{"nothing known", report.Report{}, `<error message="the run did not pass" type="failed">`},
		{"push failed after the gates", report.Report{Passed: true, Exit: 4, Error: "pushing", Hints: []string{"log in"}, Gates: []gate.Result{ok}}, "pushing&#xA;hint: log in</error>"},
		{"an outcome of no version", report.Report{Passed: true, Gates: []gate.Result{{Name: "size", Passed: true, Outcome: "fine"}}}, `<failure message="" type="refused">`},
		{"no gates", report.Report{Passed: true}, `<skipped message="no gate is configured"></skipped>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkJUnit(t, tc.r)
			if got := junit(t, tc.r); !strings.Contains(got, tc.want) {
				t.Errorf("want %s in:\n%s", tc.want, got)
			}
		})
	}
}

func TestJUnitTellsGatesApart(t *testing.T) {
	g := gate.Result{Name: "f1", Stat: "mean", Where: map[string]string{"class": "3", "avg": "macro"}, Check: gate.CheckMin, Passed: true}
	got := junit(t, report.Report{Passed: true, Gates: []gate.Result{g, g}})
	for _, want := range []string{`name="f1{avg=macro,class=3} mean min"`, `name="f1{avg=macro,class=3} mean min (2)"`} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in:\n%s", want, got)
		}
	}
}

func TestJUnitReportsWriteErrors(t *testing.T) {
	full := errors.New("no space")
	err := report.JUnit(fullDisk{full}, shipped())
	if !errors.Is(err, full) || err.Error() != "writing the gates as JUnit XML: no space" {
		t.Errorf("error is %v", err)
	}
}
