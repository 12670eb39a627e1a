package report_test

import (
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func digest(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

func number(f float64) *float64 { return &f }

// result is a gate of the given value; "<=" unless the limit is a minimum.
func result(name, stat string, value float64, u unit.Unit, op string, limit float64) gate.Result {
	g := gate.Result{Name: name, Stat: stat, Check: gate.CheckMax, Value: number(value), Unit: u, Limit: &gate.Limit{Op: op, Value: limit},
		Margin: number((limit - value) / limit), Outcome: gate.Refused, Required: true}
	if op == ">=" {
		g.Check, *g.Margin = gate.CheckMin, -*g.Margin
	}
	if name == "size" {
		g.Check = gate.CheckSize
	}
	if *g.Margin >= 0 {
		g.Outcome, g.Passed = gate.Passed, true
	}
	return g
}

func measured(g gate.Result, file, pointer string) gate.Result {
	g.Source = &testreport.Source{File: file, Pointer: pointer, SHA256: strings.Repeat("e", 64)}
	return g
}

// shipped is a run that moved two tags; one gate had nothing to judge.
func shipped() report.Report {
	memory := gate.Result{Name: "gpu_memory", Stat: "max", Check: gate.CheckMax, Outcome: gate.Passed, Unit: unit.Bytes, Limit: &gate.Limit{Op: "<=", Value: 2e9},
		Passed: true, Reason: "not measured, not required"}
	return report.Report{
		Passed:     true,
		Repository: "ghcr.io/acme/digits",
		Image:      "ghcr.io/acme/digits@" + digest("b"),
		Digest:     digest("b"),
		Version:    "1.2.0",
		Channel:    "staging",
		Tags:       []string{"1.2.0", "staging"},
		Moves: []report.Move{
			{Tag: "1.2.0", To: digest("b")},
			{Tag: "staging", From: digest("a"), To: digest("b")},
		},
		Base:      report.Base{Ref: "python:3.11-slim", Digest: digest("c")},
		Platforms: []string{"linux/amd64"},
		Layers: []report.Layer{
			{Digest: digest("1"), MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Size: 29_800_000, Kind: layer.KindBase, Origin: report.Mounted},
			{Digest: digest("2"), MediaType: "application/vnd.oci.image.layer.v1.tar+zstd", Size: 352_000_000, Unpacked: 980_000_000, Kind: layer.KindPython, Recipe: digest("8"), Origin: report.Reused, Paths: 10412},
			{Digest: digest("3"), MediaType: "application/vnd.oci.image.layer.v1.tar", Size: 30_100_000, Unpacked: 30_100_000, Kind: layer.KindModel, Name: "digits.safetensors", Recipe: digest("9"), Origin: report.Uploaded, Paths: 1},
			{Digest: digest("4"), MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Size: 4_096, Unpacked: 12_288, Kind: layer.KindApp, Name: "src in /app", Recipe: digest("7"), Origin: report.Uploaded, Paths: 7},
		},
		Size:     report.Size{Compressed: 411_904_096, Unpacked: 1_100_000_000},
		Baseline: &report.Baseline{Ref: "ghcr.io/acme/digits:staging@" + digest("a"), Compressed: 400_000_000},
		Transfer: report.Transfer{Uploaded: 30_104_096, Mounted: 29_800_000, Skipped: 352_000_000, Read: 30_104_096},
		Gates: []gate.Result{
			result("size", "", 411_904_096, unit.Bytes, "<=", 1.1e9),
			measured(result("inference_time", "p95", 0.084, unit.Seconds, "<=", 0.1), "reports/bench.json", "/benchmarks/0/stats/data"),
			measured(result("accuracy", "", 0.971, unit.Ratio, ">=", 0.95), "reports/eval.json", "/accuracy"),
			memory,
		},
		Reports: []report.TestReport{
			{Path: "reports/junit.xml", Format: "junit", SHA256: strings.Repeat("d", 64), Tests: 120},
			{Path: "reports/bench.json", Format: "pytest-benchmark", SHA256: strings.Repeat("e", 64)},
		},
		Stages: []report.Stage{
			{Name: "plan", Seconds: 0.21}, {Name: "build", Seconds: 3.4}, {Name: "scan", Skipped: "no scanner is configured"},
			{Name: "gate", Seconds: 0.003}, {Name: "publish", Seconds: 12.5}, {Name: "sign", Skipped: "signing is not configured"}, {Name: "tag", Seconds: 0.42},
		},
		Next: []string{"ai-ship promote ghcr.io/acme/digits@" + digest("b") + " production"},
	}
}

// turnedDown is a run that two gates ended; nothing left the machine.
func turnedDown() report.Report {
	r := shipped()
	r.Passed, r.Exit, r.Image = false, 3, ""
	r.Error = "gates refused the image: inference_time, accuracy"
	r.Hints = []string{"run ai-ship explain gates for how a value is chosen"}
	r.Tags, r.Moves, r.Transfer = nil, nil, report.Transfer{Read: 30_104_096}
	for i := range r.Layers[1:] {
		r.Layers[1+i].Origin = report.Built
	}
	slow := measured(result("inference_time", "p95", 0.132, unit.Seconds, "<=", 0.1), "reports/bench.json", "/benchmarks/0/stats/data")
	slow.Reason = "inference_time p95 is 132ms, above the ceiling of 100ms (reports/bench.json, /benchmarks/0/stats/data); 100ms or less would have passed"
	missing := gate.Result{Name: "accuracy", Check: gate.CheckMin, Outcome: gate.Refused, Unit: unit.Ratio, Limit: &gate.Limit{Op: ">=", Value: 0.95}, Required: true,
		Reason: "no report has a metric of this name, and the gate is required; reports/eval.json has acc, loss; 0.95 or more would have passed"}
	size := result("size", "", 1_100_000_400, unit.Bytes, "<=", 1.1e9)
	size.Reason = "size is 1.1000004GB, above the ceiling of 1.1GB; 1.1GB or less would have passed"
	stale := measured(result("f1", "", 0.97, unit.Ratio, ">=", 0.9), "reports/eval.json", "/f1")
	stale.Passed, stale.Outcome, stale.Reason = false, gate.Refused, "reports/eval.json is older than the model; from a report newer than the model f1 0.9 or more would have passed"
	r.Gates = []gate.Result{size, slow, missing, stale, r.Gates[3]}
	r.Stages = append(r.Stages[:4:4], report.Stage{Name: "publish", Skipped: "a gate refused the image"}, report.Stage{Name: "tag", Skipped: "a gate refused the image"})
	r.Next = []string{"ai-ship gate --json"}
	return r
}

// rehearsed is a dry run.
func rehearsed() report.Report {
	r := shipped()
	r.DryRun, r.Image, r.Channel, r.Baseline = true, "", "production", nil
	r.Tags = []string{"1.2.0", "production"}
	r.Moves = []report.Move{{Tag: "1.2.0", To: digest("b")}, {Tag: "production", From: digest("b"), To: digest("b")}}
	r.Gates = r.Gates[:3:3]
	r.Gates = append(r.Gates, gate.Result{Name: "size.growth", Check: gate.CheckGrowth, Outcome: gate.Passed, Passed: true, Required: true, Unit: unit.Ratio,
		Limit: &gate.Limit{Op: "<=", Value: 0.1}, Reason: "production points to nothing yet, so there is nothing to grow from"})
	r.Transfer = report.Transfer{Read: 30_104_096}
	for i := range r.Layers[1:] {
		r.Layers[1+i].Origin = report.Built
	}
	r.Stages = append(r.Stages[:4:4], report.Stage{Name: "publish", Skipped: "dry run"}, report.Stage{Name: "tag", Skipped: "dry run"})
	r.Next = []string{"ai-ship run"}
	return r
}

// broken is a run that ended before it knew much.
func broken() report.Report {
	return report.Report{
		Exit:       4,
		Error:      `resolving base "registry.example/python:3.11-slim": GET manifests/3.11-slim: UNAUTHORIZED: authentication required`,
		Hints:      []string{"log in first: docker login registry.example", "or name a base that needs no login"},
		Repository: "ghcr.io/acme/digits",
		Version:    "1.2.0",
		Stages:     []report.Stage{{Name: "plan", Seconds: 1.1}},
		Next:       []string{"ai-ship doctor"},
	}
}

// unreadable is a config error: lines with a caret, whose columns matter.
func unreadable() report.Report {
	return report.Report{
		Exit:  2,
		Error: "reading \"ai-ship.yaml\": 1 error\nai-ship.yaml:9:12: gates.size.max: found \"big\", want a size such as 1.1GB\n   9 |   size: {max: big}\n     |               ^^^",
	}
}

func fixtures() map[string]report.Report {
	return map[string]report.Report{
		"passed": shipped(), "refused": turnedDown(), "dry-run": rehearsed(), "error": broken(), "config-error": unreadable(), "scanned": scanned(),
		"warned": cautioned(), "grown": grown(), "clear": clear(), "infested": infested(), "unasked": unasked(), "storied": storied(),
	}
}
