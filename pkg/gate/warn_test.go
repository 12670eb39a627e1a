package gate_test

import (
	"testing"

	"github.com/org/ai-ship/pkg/gate"
)

func TestWarn(t *testing.T) {
	r := read(t, "r.json", `{"accuracy": 0.953, "latency_ms": 92, "score": 7}`)
	judge(t, []judgement{
		{"above the level", gate.Metric{Name: "accuracy", Min: limit(t, "0.9"), Warn: limit(t, "0.95")}, one(r), nil, gate.Passed,
			"accuracy is 0.953, at or above the floor of 0.9 (r.json, /accuracy)"},
		{"on the level", gate.Metric{Name: "accuracy", Min: limit(t, "0.9"), Warn: limit(t, "0.953")}, one(r), nil, gate.Passed,
			"accuracy is 0.953, at or above the floor of 0.9 (r.json, /accuracy)"},
		{"floor", gate.Metric{Name: "accuracy", Min: limit(t, "0.95"), Warn: limit(t, "0.96")}, one(r), nil, gate.Warned,
			"accuracy is 0.953, at or above the floor of 0.95, but below the floor of 0.96 (r.json, /accuracy); 0.96 or more would have passed without a warning"},
		{"floor in percent", gate.Metric{Name: "accuracy", Min: limit(t, "0.95"), Warn: limit(t, "96%")}, one(r), nil, gate.Warned,
			"accuracy is 0.953, at or above the floor of 0.95, but below the floor of 0.96 (r.json, /accuracy); 0.96 or more would have passed without a warning"},
		{"ceiling", gate.Metric{Name: "latency", Max: limit(t, "100ms"), Warn: limit(t, "90ms")}, one(r), nil, gate.Warned,
			"latency is 92ms, at or below the ceiling of 100ms, but above the ceiling of 90ms (r.json, /latency_ms); 90ms or less would have passed without a warning"},
		{"beyond the limit", gate.Metric{Name: "latency", Max: limit(t, "91ms"), Warn: limit(t, "90ms")}, one(r), nil, gate.Refused,
			"latency is 92ms, above the ceiling of 91ms (r.json, /latency_ms); 91ms or less would have passed"},
		{"enough digits for the level", gate.Metric{Name: "latency", Max: limit(t, "100ms"), Warn: limit(t, "91.99999ms")}, one(r), nil, gate.Warned,
			"latency is 92ms, at or below the ceiling of 100ms, but above the ceiling of 91.99999ms (r.json, /latency_ms); 91.99999ms or less would have passed without a warning"},
		{"level without unit", gate.Metric{Name: "latency", Max: limit(t, "100ms"), Warn: limit(t, "90")}, one(r), nil, gate.Refused,
			"the warning level 90 of latency is a number without unit, but its limit 100ms is a time; a level such as 100ms would have been applied"},
		{"limit without unit", gate.Metric{Name: "score", Max: limit(t, "8"), Warn: limit(t, "7ms")}, one(r), nil, gate.Refused,
			"the warning level 7ms of score is a time, but its limit 8 is a number without unit; a level such as 8 would have been applied"},
	})
}

func TestSizeWarn(t *testing.T) {
	evidence := gate.Evidence{Size: gate.ImageSize{Compressed: 1_050_000_000}}
	for _, tc := range []struct {
		max, warn string
		outcome   gate.Outcome
		want      string
	}{
		{"1.1GB", "1.05GB", gate.Passed, "the compressed image has 1.05GB, at or below the ceiling of 1.1GB"},
		{"1.1GB", "1GB", gate.Warned,
			"the compressed image has 1.05GB, at or below the ceiling of 1.1GB, but above the ceiling of 1GB; 1GB or less would have passed without a warning"},
		{"1.1GB", "1.049999999GB", gate.Warned,
			"the compressed image has 1.05GB, at or below the ceiling of 1.1GB, but above the ceiling of 1.049999999GB; 1.049999999GB or less would have passed without a warning"},
		{"1GB", "900MB", gate.Refused, "the compressed image has 1.05GB, above the ceiling of 1GB; 1GB or less would have passed"},
		{"1.1GB", "90%", gate.Refused,
			"the warning level 0.9 of size is a ratio, but its limit 1.1GB is a size; a level such as 1.1GB would have been applied"},
	} {
		r := gate.Evaluate(gate.Policy{Size: gate.Size{Max: limit(t, tc.max), Warn: limit(t, tc.warn)}}, evidence).Results[0]
		if r.Outcome != tc.outcome || r.Reason != tc.want {
			t.Errorf("%s, want %s\n got %s\nwant %s", r.Outcome, tc.outcome, r.Reason, tc.want)
		}
	}
}
