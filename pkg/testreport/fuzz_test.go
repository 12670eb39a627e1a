package testreport_test

import (
	"bytes"
	"math"
	"os"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

func FuzzReadFile(f *testing.F) {
	for _, name := range []string{"evaluation.xml", "failed.xml", "benchmark.json", "evaluation.json"} {
		data, err := os.ReadFile("../../testdata/reports/" + name)
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
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := testreport.ReadFile("r", bytes.NewReader(data), written)
		if err != nil {
			if report.Path != "" || report.Metrics != nil {
				t.Fatalf("a report beside the error %v", err)
			}
			return
		}
		if report.Tests == 0 && len(report.Metrics) == 0 {
			t.Fatal("a report with nothing in it")
		}
		for _, m := range report.Metrics {
			for _, v := range append([]float64{m.Value}, m.Samples...) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("metric %q has the value %v", m.Name, v)
				}
			}
			if m.Name == "" || m.Source.Pointer == "" || m.Source.SHA256 != report.SHA256 {
				t.Fatalf("metric %+v lacks its name or source", m)
			}
		}
	})
}
