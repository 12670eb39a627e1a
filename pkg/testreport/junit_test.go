package testreport_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/testreport"
)

func TestReadJUnit(t *testing.T) {
	report := readText(t, "r.xml", `<?xml version="1.0"?>
<!DOCTYPE testsuites>
<testsuites>
 <properties><property name="root_accuracy" value="0.5"/></properties>
 <testsuite name="outer">
  <properties>
   <property name="accuracy" value="0.9667"/>
   <property name="commit" value="3b5c9f3"/>
   <property name="loss">NaN</property>
   <property value="7"/>
  </properties>
  <testsuite name="inner"><properties><property name="recall" value="0.5"/></properties></testsuite>
  <testcase classname="t.a" name="test_x" time="0.25"><properties><property name="latency_p95_ms" value="80.2"/></properties></testcase>
  <testcase name="test_x" time="0.5"/>
  <testcase classname="t.a" name="test_y" time="1,234.5"/>
  <testcase classname="t.a" name="test_z" time=""/>
  <testcase classname="t.a" name="no_time"/>
  <testcase time="4"/>
  <testcase classname="t.a" name="test_skip" time="0"><properties><property name="seen" value="1"/></properties><skipped/></testcase>
  <testcase classname="t.a" name="disabled" time="0" status="notrun"/>
  <testcase classname="t.a" name="test_fail" time="1"><failure message="">
     first line
     second</failure><error message="later"/></testcase>
  <testcase name="test_error"><system-out>text <b/></system-out><error message="boom&#10;trace"/></testcase>
  <properties><property name="second" value="2"/></properties>
 </testsuite>
</testsuites>`)
	want := `root_accuracy 0.5 @ properties/property[1]
accuracy 0.9667 @ testsuite[1]/properties/property[1]
loss invalid:NaN @ testsuite[1]/properties/property[3]
recall 0.5 @ testsuite[1]/testsuite[1]/properties/property[1]
latency p95 0.0802s @ testsuite[1]/testcase[1]/properties/property[1] = latency_p95_ms, test_x.latency_p95_ms
test_x 0.25s @ testsuite[1]/testcase[1]/@time = t.a.test_x
test_x 0.5s @ testsuite[1]/testcase[2]/@time
test_y invalid:"1,234.5", which is no numbers @ testsuite[1]/testcase[3]/@time = t.a.test_y
test_z invalid:emptys @ testsuite[1]/testcase[4]/@time = t.a.test_z
seen 1 @ testsuite[1]/testcase[7]/properties/property[1] = test_skip.seen
test_fail 1s @ testsuite[1]/testcase[9]/@time = t.a.test_fail
second 2 @ testsuite[1]/properties[2]/property[1]
`
	if diff := cmp.Diff(want, lines(report)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if report.Format != "junit" || report.Tests != 8 {
		t.Errorf("format %q, %d tests, want junit, 8", report.Format, report.Tests)
	}
	failures := []testreport.Failure{
		{Test: "t.a.test_fail", Message: "first line", Source: testreport.Source{
			File: "r.xml", Pointer: "testsuite[1]/testcase[9]/failure[1]", SHA256: report.SHA256}},
		{Test: "test_error", Message: "boom", Source: testreport.Source{
			File: "r.xml", Pointer: "testsuite[1]/testcase[10]/error[1]", SHA256: report.SHA256}},
	}
	if diff := cmp.Diff(failures, report.Failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestReadJUnitWithOneSuiteAsRoot(t *testing.T) {
	report := readText(t, "r", `<testsuite><testcase name="a" time="1"/><testcase name="b"><failure message="`+strings.Repeat("x", 300)+`"/></testcase></testsuite>`)
	if got, want := lines(report), "a 1s @ testsuite[1]/testcase[1]/@time\n"; got != want {
		t.Errorf("metrics:\n%swant:\n%s", got, want)
	}
	if got := report.Failures[0].Message; got != strings.Repeat("x", 199)+"…" {
		t.Errorf("message is %q, want it cut to 200 characters", got)
	}
}

func TestReadPytestReports(t *testing.T) {
	report := readFile(t, "evaluation.xml")
	for _, want := range []string{
		"accuracy 0.95 @ testsuite[1]/properties/property[1]\n",
		"samples_count 600 @ testsuite[1]/properties/property[3]\n",
		"accuracy 0.95 @ testsuite[1]/testcase[1]/properties/property[1] = test_accuracy.accuracy\n",
		" @ testsuite[1]/testcase[2]/properties/property[2] = inference_time_p95_ms, test_latency.inference_time_p95_ms\n",
		"memory_peak 3.3",
		"perplexity invalid:nan @ ",
		"test_batch[8] 0.001s @ testsuite[1]/testcase[6]/@time = tests.test_evaluation.test_batch[8]\n",
	} {
		if !strings.Contains(lines(report), want) {
			t.Errorf("metrics lack %q:\n%s", want, lines(report))
		}
	}
	if report.Tests != 6 || len(report.Failures) != 0 {
		t.Errorf("%d tests, failures %v, want 6 and none", report.Tests, report.Failures)
	}
	failed := readFile(t, "failed.xml")
	if failed.Tests != 2 || len(failed.Failures) != 1 || failed.Failures[0].Message != "AssertionError: labels are not sorted" {
		t.Errorf("%d tests, failures %+v", failed.Tests, failed.Failures)
	}
}

func readFile(t *testing.T, name string) testreport.Report {
	t.Helper()
	f, err := os.Open("../../testdata/reports/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	report, err := testreport.ReadFile(name, f, written)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
