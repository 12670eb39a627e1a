package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
)

func offer(t *testing.T, text string) gate.Offer {
	t.Helper()
	r, err := testreport.ReadFile("r.json", strings.NewReader(text), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	offers := gate.Offers([]testreport.Report{r})
	if len(offers) != 1 {
		t.Fatalf("%s offers %d gates, want 1", text, len(offers))
	}
	return offers[0]
}

func TestWithRoom(t *testing.T) {
	for text, want := range map[string]string{
		`{"accuracy": 0.9756}`:         "min 0.96",
		`{"accuracy": 0.96}`:           "min 0.95",
		`{"accuracy": 0.004}`:          "min 0",
		`{"error_rate": 0.002}`:        "max 0.02",
		`{"error_rate": 1}`:            "max 1",
		`{"latency_p95_ms": 42}`:       "max 100ms",
		`{"latency_p95_ms": 50}`:       "max 100ms",
		`{"latency_p95_ms": 0.00349}`:  "max 10µs",
		`{"gpu_memory_bytes": 957e6}`:  "max 1.1GB",
		`{"throughput": 108000}`:       "min 50000",
		`{"loss": 0.42}`:               "max 0.53",
		`{"loss": 0}`:                  "max 0",
		`{"model": {"parameters": 4}}`: "max 4", // nobody knows which way is better
	} {
		o := offer(t, text)
		wide := o.WithRoom()
		got := ""
		if wide.Min != nil {
			got = "min " + wide.Min.Precise()
			if wide.Min.Value > o.Min.Value {
				t.Errorf("%s: %s is stricter than the value of now allows", text, got)
			}
		}
		if wide.Max != nil {
			got += "max " + wide.Max.Precise()
			if wide.Max.Value < o.Max.Value && wide.Max.Value < o.Value.Value {
				t.Errorf("%s: %s is stricter than the value of now allows", text, got)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
