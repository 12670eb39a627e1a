package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// hostile is a broken or malicious report, with the gate that it would have to
// pass and what the refusal must say: why, and where in the file.
type hostile struct {
	about, file, text string
	metric            string // with its statistic after a space; none: only the tests' own gate
	want              []string
}

// lenient are the widest limits that a team could write: whatever a misread
// value is, it keeps one of them.
func lenient(t *testing.T, metric string) []gate.Metric {
	t.Helper()
	if metric == "" {
		return nil
	}
	name, stat, _ := strings.Cut(metric, " ")
	quantity := func(text string) *unit.Quantity {
		q, err := unit.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return &q
	}
	switch {
	case strings.Contains(name, "latency") || strings.Contains(name, "time"):
		return []gate.Metric{{Name: name, Stat: stat, Max: quantity("3600s"), Required: true}}
	case strings.Contains(name, "memory"):
		return []gate.Metric{{Name: name, Stat: stat, Max: quantity("1000TB"), Required: true}}
	case strings.Contains(name, "coverage") || strings.Contains(name, "rate"):
		return []gate.Metric{{Name: name, Stat: stat, Max: quantity("100%"), Required: true}}
	}
	return []gate.Metric{{Name: name, Stat: stat, Min: quantity("-1e300"), Required: true}}
}

// refuse holds one report against its gate, and one sentence that names the
// file and the place against what it should say.
func refuse(t *testing.T, h hostile) {
	t.Helper()
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	report, err := testreport.ReadFile(h.file, strings.NewReader(h.text), written)
	sentence := ""
	if err != nil {
		sentence = err.Error()
	} else {
		verdict := gate.Evaluate(gate.Policy{Metrics: lenient(t, h.metric)}, gate.Evidence{Reports: []testreport.Report{report}})
		if verdict.Passed {
			t.Errorf("%s: passes as %+v", h.about, report.Metrics)
			return
		}
		for _, r := range verdict.Results {
			if !r.Passed {
				sentence = r.Reason
				break
			}
		}
	}
	for _, want := range append(h.want, h.file) {
		if !strings.Contains(sentence, want) {
			t.Errorf("%s: says %q, want %q in it", h.about, sentence, want)
		}
	}
	if strings.ContainsAny(sentence, "\n\r\x1b\x00") || len(sentence) > 1000 {
		t.Errorf("%s: %d bytes are no sentence: %.200q", h.about, len(sentence), sentence)
	}
}

func TestNoHostileReportPasses(t *testing.T) {
	total := 0
	for family, cases := range map[string][]hostile{
		"JSON": hostileJSON(), "tests": hostileTests(), "serving": hostileServing(), "XML": hostileXML(),
		"plain": hostilePlain(), "CSV": hostileCSV(), "Prometheus": hostilePrometheus(), "bytes": hostileBytes(),
	} {
		t.Run(family, func(t *testing.T) {
			seen := make(map[string]bool)
			for _, h := range cases {
				if seen[h.about] {
					t.Errorf("%s stands twice", h.about)
				}
				seen[h.about] = true
				refuse(t, h)
			}
		})
		total += len(cases)
	}
	if t.Logf("%d hostile reports", total); total < 150 {
		t.Errorf("%d hostile reports, want 150 and more", total)
	}
}

func hostileJSON() []hostile {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	return []hostile{
		{"NaN", "r.json", `{"accuracy": NaN}`, "accuracy", []string{"NaN", "/accuracy"}},
		{"NaN as text", "r.json", `{"accuracy": "NaN"}`, "accuracy", []string{"NaN", "/accuracy"}},
		{"nan in small letters", "r.json", `{"accuracy": "nan"}`, "accuracy", []string{"nan", "/accuracy"}},
		{"bare nan", "r.json", `{"accuracy": nan}`, "accuracy", []string{"line 1"}},
		{"Infinity", "r.json", `{"accuracy": Infinity}`, "accuracy", []string{"Infinity", "/accuracy"}},
		{"-Infinity", "r.json", `{"latency_ms": -Infinity}`, "latency", []string{"-Infinity", "/latency_ms"}},
		{"inf as text", "r.json", `{"accuracy": "+inf"}`, "accuracy", []string{"inf", "/accuracy"}},
		{"bare Inf", "r.json", `{"accuracy": +Inf}`, "accuracy", []string{"line 1"}},
		{"1e999", "r.json", `{"accuracy": 1e999}`, "accuracy", []string{"out of range", "/accuracy"}},
		{"-1e999", "r.json", `{"latency_ms": -1e999}`, "latency", []string{"out of range", "/latency_ms"}},
		{"1e999 as text", "r.json", `{"accuracy": "1e999"}`, "accuracy", []string{"out of range"}},
		{"out of range in its unit", "r.json", `{"gpu_memory_tb": 1e300}`, "gpu_memory", []string{"gpu_memory"}},
		{"1e999 among samples", "r.json", `{"latency_ms": [1, 1e999]}`, "latency p95", []string{"sample 1", "/latency_ms"}},
		{"NaN among samples", "r.json", `{"latency_ms": [1, NaN, 3]}`, "latency max", []string{"sample 1 is NaN"}},
		{"null among samples", "r.json", `{"latency_ms": [1, null]}`, "latency mean", []string{"sample 1 is null"}},
		{"text among samples", "r.json", `{"latency_ms": [1, "fast"]}`, "latency mean", []string{"latency"}},
		{"samples out of range in their unit", "r.json", `{"gpu_memory_tb": [1, 1e308]}`, "gpu_memory max", []string{"sample 1 is out of range"}},
		{"samples whose sum is out of range", "r.json", `{"a": [1.7e308, 1.7e308]}`, "a mean", []string{"too large", "/a"}},
		{"negative latency", "r.json", `{"latency_ms": -5}`, "latency", []string{"negative", "/latency_ms"}},
		{"negative samples", "r.json", `{"latency_ms": [-5, -6]}`, "latency p95", []string{"negative", "/latency_ms"}},
		{"negative memory", "r.json", `{"gpu_memory_mb": -5}`, "gpu_memory", []string{"negative"}},
		{"-0.0001ms", "r.json", `{"latency": "-0.0001ms"}`, "latency", []string{"negative"}},
		{"null", "r.json", `{"accuracy": null}`, "accuracy", []string{"null", "/accuracy"}},
		{"N/A", "r.json", `{"accuracy": "N/A"}`, "accuracy", []string{"N/A", "/accuracy"}},
		{"empty text", "r.json", `{"accuracy": ""}`, "accuracy", []string{"empty", "/accuracy"}},
		{"true", "r.json", `{"accuracy": true, "loss": 1}`, "accuracy", []string{"not measured"}},
		{"another word", "r.json", `{"accuracy": "high", "loss": 1}`, "accuracy", []string{"not measured"}},
		{"comma as decimal point", "r.json", `{"accuracy": "0,95", "loss": 1}`, "accuracy", []string{"not measured"}},
		{"number with its group marks", "r.json", `{"latency_ms": "1,234", "loss": 1}`, "latency", []string{"not measured"}},
		{"hexadecimal", "r.json", `{"accuracy": 0x1}`, "accuracy", []string{"line 1"}},
		{"leading zero", "r.json", `{"accuracy": 01}`, "accuracy", []string{"line 1"}},
		{"duplicate name", "r.json", "{\"accuracy\": 0.1,\n\"accuracy\": 0.99}", "accuracy", []string{"line 2", "stands twice"}},
		{"duplicate name, escaped", "r.json", `{"accuracy": 0.1, "\u0061ccuracy": 0.99}`, "accuracy", []string{"line 1", "stands twice"}},
		{"duplicate object", "r.json", `{"a": {"accuracy": 1}, "a": {"accuracy": 0}}`, "a.accuracy", []string{"stands twice"}},
		{"one name at two places", "r.json", `{"a": {"latency_ms": 1}, "a.latency_ms": 2}`, "a.latency", []string{"ambiguous", "/a/latency_ms"}},
		{"two units of one name", "r.json", `{"latency_ms": 1, "latency_s": 2}`, "latency", []string{"ambiguous", "/latency_s"}},
		{"unit against the name's", "r.json", `{"latency_ms": "3MB"}`, "latency", []string{"3MB", "/latency_ms"}},
		{"no unit at all", "r.json", `{"latency": 3}`, "latency", []string{"without unit", "/latency"}},
		{"how many, where samples should stand", "r.json", `{"latency": {"unit": "ms", "p95": null, "samples": 5}}`, "latency", []string{"latency"}},
		{"deep nesting", "r.json", deep, "accuracy", []string{"line 1", "nested deeper"}},
		{"deep objects", "r.json", strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70), "accuracy", []string{"nested deeper"}},
		{"unclosed nesting", "r.json", strings.Repeat(`[{"a":`, 100_000), "accuracy", []string{"nested deeper"}},
		{"two values", "r.json", "{\"accuracy\": 0.1}\n{\"accuracy\": 0.9}\n", "accuracy", []string{"more than one JSON value"}},
		{"text after the value", "r.json", `{"accuracy": 1} done`, "accuracy", []string{"line 1"}},
		{"cut in a number", "r.json", `{"accuracy": 0.9`, "accuracy", []string{"line 1"}},
		{"cut in a name", "r.json", `{"accuracy": 0.9, "la`, "accuracy", []string{"line 1"}},
		{"cut after a member", "r.json", "{\"accuracy\": 0.9,\n", "accuracy", []string{"line 2"}},
		{"comment", "r.json", "{\"accuracy\": 1 /* not really */}", "accuracy", []string{"line 1"}},
		{"comma at the end", "r.json", `{"accuracy": 1,}`, "accuracy", []string{"line 1"}},
		{"names in single quotes", "r.json", `{'accuracy': 1}`, "accuracy", []string{"line 1"}},
		{"control character in a text", "r.json", "{\"accuracy\x00\": 1}", "accuracy", []string{"line 1"}},
		{"half of a surrogate pair", "r.json", `{"accuracy": 1, "a": "\ud800"}`, "accuracy", []string{"line 1"}},
		{"invalid UTF-8", "r.json", "{\"accuracy\": 1, \"a\": \"\xff\"}", "accuracy", []string{"UTF-8"}},
		{"name with terminal codes", "r.json", "{\"\\u001b[2Jaccuracy\": NaN}", "\x1b[2Jaccuracy", []string{"accuracy"}},
		{"empty object", "r.json", `{}`, "accuracy", []string{"holds no"}},
		{"empty array", "r.json", `[]`, "accuracy", []string{"holds no"}},
		{"only null", "r.json", `null`, "accuracy", []string{"null"}},
		{"a number alone", "r.json", `0.99`, "accuracy", []string{"0.99"}},
		{"too many values", "r.json", "[" + strings.Repeat("0,", 1_000_000) + "0]", "accuracy", []string{"1000000 values"}},
		{"too many texts", "r.json", "[" + strings.Repeat(`"",`, 300_001) + "0]", "accuracy", []string{"300000 values"}},
		{"too many names", "r.json", `{"` + strings.Repeat("k", 1<<20) + `":[` + strings.Repeat(`{"x":0},`, 99) + `{"x":0}]}`, "accuracy", []string{"64 MiB"}},
	}
}
