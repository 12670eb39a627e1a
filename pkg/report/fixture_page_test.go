package report_test

import (
	"fmt"
	"math"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/unit"
)

// storied is a signed run that has everything a page can draw: a scan, a
// history, measurements, and what the image holds.
func storied() report.Report {
	r := infested()
	r.Version = "1.5.0"
	r.Gates = append(append(r.Gates, cautioned().Gates[1]), cautioned().Gates[3:]...)
	slow := measured(result("inference_time", "p95", 0.132, unit.Seconds, "<=", 0.1), "reports/bench.json", "/benchmarks/0/stats/data")
	slow.Reason = turnedDown().Gates[1].Reason
	slow.Samples, slow.Noise, slow.Baseline = 400, 0.002, number(0.081)
	slow.Histogram = &gate.Histogram{From: 0.052, To: 0.171}
	for i := range 24 {
		slow.Histogram.Counts = append(slow.Histogram.Counts, int(60*math.Exp(-math.Pow(float64(i-9)/4, 2)))+i%3)
	}
	r.Gates = append([]gate.Result{slow}, r.Gates...)
	r.History = history()
	r.Signature = &report.Signature{Identity: "https://github.com/acme/digits/.github/workflows/ship.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com", Log: "rekor.sigstore.dev 123456"}
	r.Attestations = []report.Attestation{{Type: "https://slsa.dev/provenance/v1", Digest: digest("6")}, {Type: "https://cyclonedx.org/bom", Digest: digest("7")}}
	c := contents()
	const site = "opt/venv/lib/python3.11/site-packages/"
	c.Largest = []report.Item{
		{Path: site + "torch", Layer: 1, Size: 610_000_000, Files: 412}, {Path: site + "scipy", Layer: 1, Size: 92_000_000, Files: 1810},
		{Path: site + "numpy", Layer: 1, Size: 61_000_000, Files: 900}, {Path: site + "pandas", Layer: 1, Size: 58_000_000, Files: 1200},
		{Path: "models/digits.safetensors", Layer: 2, Size: 30_100_000, Files: 1}, {Path: site + "sklearn", Layer: 1, Size: 29_000_000, Files: 640},
		{Path: site + "pip", Layer: 1, Size: 12_000_000, Files: 420}, {Path: "app/main.py", Layer: 3, Size: 8_000, Files: 1},
	}
	r.Contents = &c
	return r
}

// history is five images of a channel.
func history() []report.Former {
	var all []report.Former
	for i := range 5 {
		slow := result("inference_time", "p95", 0.07+0.004*float64(i), unit.Seconds, "<=", 0.1)
		exact := result("accuracy", "", 0.955+0.004*float64(i%3), unit.Ratio, ">=", 0.95)
		if slow.Samples, slow.Noise = 400, 0.002; i == 3 {
			exact.Outcome = gate.Warned
		}
		all = append(all, report.Former{
			Digest: digest(fmt.Sprint(i)), Version: fmt.Sprintf("1.%d.0", i), At: time.Date(2024, 3, 1+7*i, 9, 30, 0, 0, time.UTC),
			Compressed: 380_000_000 + 5_000_000*int64(i), Gates: []gate.Result{slow, exact, onFindings(gate.CheckSecrets, 0, "secrets: none that counts")},
		})
	}
	return all
}
