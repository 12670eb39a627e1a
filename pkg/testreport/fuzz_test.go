package testreport_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

func FuzzReadFile(f *testing.F) {
	samples, err := filepath.Glob("../../testdata/reports/*.*")
	if err != nil || len(samples) < 18 {
		f.Fatal(samples, err)
	}
	shapes, err := filepath.Glob("../../testdata/reports/shapes/*.*")
	if err != nil || len(shapes) < 18 {
		f.Fatal(shapes, err)
	}
	for _, name := range append(samples, shapes...) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		`<testsuite><testcase name="a" time="1"><skipped/><error/></testcase></testsuite>`,
		`{"a": [1, NaN, null], "b": {"unit": "ms", "p95": 1, "samples": [1]}}`,
		`{"machine_info": {}, "benchmarks": [{"name": "a", "stats": {"data": [1]}, "extra_info": [1]}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(checkReport)
}

// Each begins with what makes it one format, so that the fuzzer stays there.
func FuzzReadPrometheus(f *testing.F) {
	f.Add("a{b=\"\\\\\\n\",} +Inf 12\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"1\"} 1\nh_count 2\nh_sum 1")
	f.Add("# TYPE s summary\ns{quantile=\"0.99\"} NaN\ns_sum 1\ns_count 1\n# TYPE h untyped")
	f.Fuzz(func(t *testing.T, text string) { checkReport(t, []byte("up 1\n"+text)) })
}

func FuzzReadTOML(f *testing.F) {
	f.Add("[a.\"b c\"]\nd.e = [1_0, # x\n2.5e3]\nf = 'x'\ng = \"\\u00e9\"\nh = 0x1f\ni = -inf\nj = 2026-01-02")
	f.Fuzz(func(t *testing.T, text string) { checkReport(t, []byte("first = 1\n"+text)) })
}

func FuzzReadYAML(f *testing.F) {
	f.Add("a: {b: [1, .inf, ~, 'x']}\n? c\n: |\n  1\n\"d\": 0x1f\n- 1")
	f.Add("e: &x 1\nf: *x\n<<: *x\n--- \n!!int 1")
	f.Fuzz(func(t *testing.T, text string) { checkReport(t, []byte("first: 1\n"+text)) })
}

func FuzzReadCSV(f *testing.F) {
	for _, header := range []string{"a,b_ms,c_p95\n", "Concurrency,Inferences/Second,p99 latency,Max GPU Memory Usage\n",
		"Name,Request Count,Average Response Time,50%\n", "index, memory.used [MiB]\n"} {
		f.Add(header, "1,2,3\n0, \"512 MiB\",x,g:1;h:2;\n")
	}
	f.Fuzz(func(t *testing.T, header, rows string) { checkReport(t, []byte(header+rows)) })
}

func FuzzReadMLPerf(f *testing.F) {
	f.Add("MLPerf Results Summary\n", "99.00 percentile latency (ns) : 5\nResult is : INVALID\nTest Parameters Used\n")
	f.Add(":::MLLOG {\"key\": \"result_validity\", \"value\": \"VALID\"}\n", ":::MLLOG {\"key\": \"result_min_latency_ns\", \"value\": 1}")
	f.Fuzz(func(t *testing.T, head, text string) { checkReport(t, []byte(head+text)) })
}

// checkReport reads data and holds what it says against the promises of Report.
func checkReport(t *testing.T, data []byte) {
	report, err := testreport.ReadFile("r", bytes.NewReader(data), written)
	if err != nil {
		if report.Path != "" || report.Metrics != nil {
			t.Fatalf("a report beside the error %v", err)
		}
		return
	}
	if report.Tests == 0 && len(report.Metrics) == 0 && len(report.Failures) == 0 {
		t.Fatal("a report with nothing in it")
	}
	if again, err := testreport.ReadFile("r", bytes.NewReader(data), written); err != nil || !reflect.DeepEqual(report, again) {
		t.Fatalf("read twice: %+v, then %+v, %v", report, again, err)
	}
	if report.Path != "r" || report.Format == "" {
		t.Fatalf("report %q of format %q", report.Path, report.Format)
	}
	for _, f := range report.Failures {
		if f.Source.File != "r" || f.Source.Pointer == "" {
			t.Fatalf("failure %+v lacks its source", f)
		}
	}
	for _, m := range report.Metrics {
		for _, v := range append([]float64{m.Value}, m.Samples...) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("metric %q has the value %v", m.Name, v)
			}
		}
		if m.Name == "" || m.Source.Pointer == "" || m.Source.File != "r" || m.Count < 0 || m.Source.SHA256 != report.SHA256 {
			t.Fatalf("metric %+v lacks its name or source", m)
		}
	}
}
