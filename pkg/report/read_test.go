package report_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/unit"
)

func document(t testing.TB, r report.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadGivesBackWhatJSONWrote(t *testing.T) {
	all := fixtures()
	all["zero"] = report.Report{}
	for name, r := range all {
		want := document(t, r)
		back, err := report.Read(bytes.NewReader(want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(string(want), string(document(t, back))); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", name, diff)
		}
		if text(t, r, report.Style{}) != text(t, back, report.Style{}) {
			t.Errorf("%s prints otherwise when it was read back", name)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const advice = "name the report.json that a run or `ai-ship gate` wrote"
	for _, tc := range []struct{ name, text, want, hint string }{
		{"empty", "", "is no report of ai-ship: unexpected end of JSON input", advice},
		{"truncated", `{"schema": 1, "gates": [`, "is no report of ai-ship: unexpected end of JSON input", advice},
		{"two documents", `{"schema": 1} {}`, "is no report of ai-ship: invalid character", advice},
		{"another file", `{"accuracy": 0.9}`, "is no report of ai-ship: it has no schema", advice},
		{"null", "null", "is no report of ai-ship: it has no schema", advice},
		{"negative", `{"schema": -1}`, "is no report of ai-ship: it has no schema", advice},
		{"later", `{"schema": 2}`, "is a report of schema 2, expected at most 1", "use the version of ai-ship that wrote it, or a newer one"},
		{"too large a number", `{"schema": 1, "gates": [{"value": 1e999}]}`, "is no report of ai-ship: json: cannot unmarshal number 1e999", advice},
		{"not a number", `{"schema": 1, "gates": [{"value": NaN}]}`, "is no report of ai-ship: invalid character 'N'", advice},
		{"deep", `{"schema": 1, "x": ` + strings.Repeat("[", 1e5), "is no report of ai-ship: exceeded max depth", advice},
		{"outcome", `{"schema": 1, "gates": [{}, {"outcome": "great"}]}`, `gates[1] has the outcome "great", expected passed, warned or refused`, ""},
		{"unit", `{"schema": 1, "gates": [{"unit": "ms"}]}`, `gates[0] has the unit "ms", expected s, B, ratio or none`, ""},
		{"noise", `{"schema": 1, "gates": [{"noise": -1}]}`, "gates[0] has a negative number of samples or runs, or a negative noise", ""},
		{"severity", `{"schema": 1, "findings": {"models": [{"severity": "bad"}]}}`, "is no report of ai-ship: ", advice},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := report.Read(strings.NewReader(tc.text))
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error is %v, want %s", err, tc.want)
			}
			if hints := strings.Join(hint.Of(err), "\n"); hints != tc.hint {
				t.Errorf("hints are %q, want %q", hints, tc.hint)
			}
			if got.Schema != 0 || len(got.Gates) > 0 {
				t.Errorf("it returns %+v beside the error", got)
			}
		})
	}
	if _, err := report.Read(io.LimitReader(endless{}, 1<<40)); err == nil || err.Error() != "is larger than 16 MiB" {
		t.Errorf("a document without end: %v", err)
	}
	if _, err := report.Read(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error is %v, want that of the reader", err)
	}
}

// endless is white space without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil }

func TestAsBaseline(t *testing.T) {
	got := cautioned().AsBaseline("last.json")
	want := gate.Baseline{Ref: "last.json", Compressed: 411_904_096, Measurements: []gate.Measurement{
		{Name: "inference_time", Stat: "p95", Value: 0.092, Unit: unit.Seconds, Samples: 83, Noise: 0.004},
		{Name: "f1", Where: map[string]string{"class": "3"}, Value: 0.93, Unit: unit.Ratio},
		{Name: "throughput", Value: 412, Samples: 5, Noise: 9},
		{Name: "classes", Value: 10},
		{Name: "accuracy", Value: 0.971, Unit: unit.Ratio},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("baseline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(gate.Baseline{Ref: "x"}, broken().AsBaseline("x")); diff != "" {
		t.Errorf("of a run without gates (-want +got):\n%s", diff)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{ // small ones, which mutate fast
		`{"schema":1,"passed":true,"gates":[{"name":"a","check":"regression","outcome":"warned","passed":true,"value":-0,"baseline":1e9,"limit":{"op":">="}}]}`,
		`{"schema":1,"gates":[{"where":{"b":"c"},"runs":3,"spread":{"min":1},"noise":0.5,"margin":-2,"source":{"file":"x"}}]}`,
		`{"schema":1,"contents":{"waste":[{"layer":9}],"grown":null,"kinds":[{"before":1}]},"gates":[{"check":"size"}]}`,
		`{"schema":1,"findings":{"ran":true,"models":[{"severity":"high"}]},"layers":[{}]}`,
		`{"schema":1,"findings":{"ran":true,"db":{"updatedAt":"2024-05-01T06:12:44+02:00","fixture":true,"coverage":[{"packages":1}]},"secrets":[{"line":3,"path":"a:b","ignored":{"until":"x"}}]}}`,
		`{"schema":1,"platforms":["a","b"],"findings":{"ran":true,"vulnerabilities":[{"id":"CVE-1","link":"https://a.b/","fixed":"1"},{"id":"CVE-1"}],"inventory":[{"parameters":99}],"incomplete":[{"id":"x"}]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := report.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		first := document(t, r)
		again, err := report.Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%s", err, first)
		}
		if second := document(t, again); !bytes.Equal(first, second) {
			t.Fatalf("it changed:\n%s\nthen:\n%s", first, second)
		}
		checkHarmless(t, r)
	})
}
