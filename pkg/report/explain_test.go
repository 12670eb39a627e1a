package report_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/report"
)

// explained is the explanation of the first gate, "" without gates.
func explained(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if len(r.Gates) > 0 {
		err := report.Explain(&b, r, r.Gates[0].Name, report.Style{Width: 60})
		if err != nil && !errors.Is(err, report.ErrUnknownGate) {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	for name, gate := range map[string]string{"regression": "inference_time p95", "labels": "f1{class=3}", "runs": "throughput", "rule": "worth  it"} {
		var got bytes.Buffer
		if err := report.Explain(&got, cautioned(), gate, report.Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "explain-"+name+".txt"), got.Bytes())
	}
	for name, r := range map[string]report.Report{"size": grown(), "stale": turnedDown()} {
		gate := map[string]string{"size": "size.growth", "stale": "f1 min"}[name]
		var got bytes.Buffer
		if err := report.Explain(&got, r, gate, report.Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "explain-"+name+".txt"), got.Bytes())
	}
}

func TestExplainFinds(t *testing.T) {
	r := cautioned()
	for name, want := range map[string][]string{
		"inference_time":                {"inference_time p95 max", "inference_time p95 regression"},
		"inference_time regression":     {"inference_time p95 regression"},
		"inference_time p95 regression": {"inference_time p95 regression"},
		"f1":                            {"f1{class=3} min"},
		"f1{class=3} min":               {"f1{class=3} min"},
		"tests":                         {"tests"},
		"gpu_memory max":                {"gpu_memory max max"},
	} {
		var b bytes.Buffer
		if err := report.Explain(&b, r, name, report.Style{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, part := range strings.Split(b.String(), "\n\n") {
			head, _, _ := strings.Cut(part, "\n")
			head, _, _ = strings.Cut(head, "  ")
			got = append(got, head)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestExplainUnknown(t *testing.T) {
	many := report.Report{}
	for i := range 30 {
		many.Gates = append(many.Gates, gate.Result{Name: "g" + strconv.Itoa(i)})
	}
	for _, tc := range []struct {
		name string
		r    report.Report
		gate string
		want string
		hint string
	}{
		{"mistyped", turnedDown(), "acuracy", `no such gate: "acuracy"; the report has size, inference_time p95 max, accuracy min, f1 min, gpu_memory max max; did you mean accuracy?`, ""},
		{"far off", grown(), "x", `no such gate: "x"; the report has size, size.growth`, ""},
		{"empty", grown(), "", `no such gate: ""; the report has size, size.growth`, ""},
		{"no gates", broken(), "size", `no such gate: "size"; the report has none`, "the run ended before its gates: resolving base"},
		{"many", many, "nothing", `no such gate: "nothing"; the report has g0, g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11, g12, g13, g14, g15, g16, g17, g18, g19 and 10 more`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b bytes.Buffer
			err := report.Explain(&b, tc.r, tc.gate, report.Style{})
			if !errors.Is(err, report.ErrUnknownGate) || err.Error() != tc.want {
				t.Errorf("error is %v, want %s", err, tc.want)
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.HasPrefix(hints, tc.hint) || (tc.hint == "" && hints != "") {
				t.Errorf("hints are %q", hints)
			}
			if b.Len() > 0 {
				t.Errorf("it wrote %q", b.String())
			}
		})
	}
	full := errors.New("no space")
	if err := report.Explain(fullDisk{full}, shipped(), "size", report.Style{}); !errors.Is(err, full) {
		t.Errorf("error is %v, want no space", err)
	}
}
