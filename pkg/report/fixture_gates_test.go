package report_test

import (
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/unit"
)

// cautioned is a run that passed with two warnings, and with every kind of gate.
func cautioned() report.Report {
	r := shipped()
	const bench, pointer = "reports/bench.json", "/benchmarks/0/stats/data"
	tests := gate.Result{Name: "tests", Check: gate.CheckTests, Value: number(0), Limit: &gate.Limit{Op: "<=", Value: 0},
		Outcome: gate.Passed, Passed: true, Required: true, Reason: "120 tests passed"}
	ceiling := measured(result("inference_time", "p95", 0.092, unit.Seconds, "<=", 0.1), bench, pointer)
	ceiling.Samples, ceiling.Noise = 83, 0.004
	slower := measured(result("inference_time", "p95", 0.092, unit.Seconds, "<=", 0.1072), bench, pointer)
	slower.Check, slower.Outcome, slower.Baseline, slower.Samples, slower.Noise = gate.CheckRegression, gate.Warned, number(0.08), 83, 0.004
	slower.Reason = "inference_time p95 is 92ms, 15% worse than the 80ms of ghcr.io/acme/digits:staging@sha256:aaaaaaaaaaaa…, more than the allowed 10%," +
		" but the noise of the measurements explains up to 27.2ms (reports/bench.json, /benchmarks/0/stats/data); 88ms or less would have passed without a warning"
	digit := measured(result("f1", "", 0.93, unit.Ratio, ">=", 0.9), "reports/classes.json", "/3/f1-score")
	digit.Where = map[string]string{"class": "3"}
	digit.Outcome = gate.Warned
	digit.Reason = "f1{class=3} is 0.93, at or above the floor of 0.9, but below the floor of 0.95 (reports/classes.json, /3/f1-score); 0.95 or more would have passed without a warning"
	runs := measured(result("throughput", "", 412, unit.None, ">=", 300), "reports/run-1.json", "/request_throughput")
	runs.Runs, runs.Samples, runs.Noise, runs.Spread = 5, 5, 9, &gate.Spread{Min: 398, Max: 431}
	same := measured(result("classes", "", 10, unit.None, "<=", 10), "reports/eval.json", "/classes")
	same.Check, same.Margin, same.Limit = gate.CheckEquals, nil, &gate.Limit{Op: "==", Value: 10}
	alone := measured(gate.Result{Name: "accuracy", Check: gate.CheckRegression, Value: number(0.971), Unit: unit.Ratio, Outcome: gate.Passed, Passed: true, Required: true,
		Reason: "accuracy is 0.971 (reports/eval.json, /accuracy); no baseline: there is nothing to compare with yet"}, "reports/eval.json", "/accuracy")
	expression := gate.Result{Name: "worth it", Check: gate.CheckRule, Rule: "metrics.accuracy >= 0.95 && size.growth < 0.1", Outcome: gate.Passed, Passed: true, Required: true,
		Reason: "metrics.accuracy >= 0.95 && size.growth < 0.1 holds (metrics.accuracy is 0.971, size.growth is 0.03)"}
	r.Gates = []gate.Result{r.Gates[0], tests, ceiling, slower, digit, runs, same, alone, r.Gates[3], expression}
	c := contents()
	c.Complete, c.Note = false, "the base's files were not looked at, which would cost a download; a size gate that refuses is worth it"
	r.Contents = &c
	return r
}

// contents is what the fixtures' image is made of.
func contents() report.Contents {
	before := func(n int64) *int64 { return &n }
	return report.Contents{
		Platform: "linux/amd64", Baseline: "ghcr.io/acme/digits:staging@" + digest("a"), Complete: true,
		Kinds: []report.Part{
			{Kind: layer.KindBase, Compressed: 29_800_000, Before: before(29_800_000)},
			{Kind: layer.KindPython, Compressed: 352_000_000, Unpacked: 980_000_000, Before: before(340_090_000)},
			{Kind: layer.KindModel, Compressed: 30_100_000, Unpacked: 30_100_000, Before: before(0)},
			{Kind: layer.KindApp, Compressed: 4_096, Unpacked: 12_288, Before: before(5_120)},
		},
		Layers: []report.Part{
			{Kind: layer.KindBase, Digest: digest("1"), State: "same", Compressed: 29_800_000, Before: before(29_800_000)},
			{Kind: layer.KindPython, Digest: digest("2"), State: "changed", Compressed: 352_000_000, Unpacked: 980_000_000, Before: before(340_090_000)},
			{Kind: layer.KindModel, Name: "digits.safetensors", Digest: digest("3"), State: "added", Compressed: 30_100_000, Unpacked: 30_100_000, Before: before(0)},
			{Kind: layer.KindApp, Name: "src in /app", Digest: digest("4"), State: "changed", Compressed: 4_096, Unpacked: 12_288, Before: before(5_120)},
			{Kind: layer.KindApp, Name: "notebooks in /app", Digest: digest("5"), State: "removed", Before: before(2_048)},
		},
		Grown: []report.Grown{
			{Path: "models/digits.safetensors", Kind: layer.KindModel, Size: 30_100_000, New: true, Least: 30_100_000, Most: 30_100_000},
			{Path: "opt/venv/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so", Kind: layer.KindPython, Size: 210_000_000, Least: 9_000_000, Most: 9_000_000},
			{Path: "opt/venv/lib/python3.11/site-packages/scipy", Kind: layer.KindPython, Size: 61_000_000, Least: 1_200_000, Most: 2_000_000},
			{Path: "usr/share/fonts", Kind: layer.KindBase, Size: 1_000_000, Least: 0, Most: 1_000_000},
		},
		Waste: []report.Waste{
			{Kind: "pip-cache", Bytes: 81_000_000, Files: 212, Paths: []string{"root/.cache/pip"}, Layer: 1,
				Advice: "add PIP_NO_CACHE_DIR=1 to the environment of pip install, or call it with --no-cache-dir"},
			{Kind: "test-data", Bytes: 12_400_000, Files: 96, Paths: []string{"opt/venv/lib/python3.11/site-packages/scipy/tests", "opt/venv/lib/python3.11/site-packages/numpy/tests"}, Layer: 1,
				Advice: "leave the tests of installed packages out"},
			{Kind: "duplicate", Bytes: 3_000_000, Files: 1, Paths: []string{"app/digits.safetensors"}, Layer: 3, Advice: "keep one of the files that are equal"},
			{Kind: "git", Bytes: 1_100_000, Files: 40, Paths: []string{"app/.git"}, Layer: 3, Advice: "leave .git out of the app"},
		},
	}
}

// grown is a run that the size ended; nothing stands beside it.
func grown() report.Report {
	r := turnedDown()
	r.Error = "gates refused the image: size.growth"
	larger := result("size.growth", "", 411_904_096, unit.Bytes, "<=", 404_000_000)
	larger.Check, larger.Baseline = gate.CheckGrowth, number(400_000_000)
	larger.Reason = "the compressed image has 412MB, 2.976% larger than ghcr.io/acme/digits:staging@sha256:aaaaaaaaaaaa… (400MB), above the allowed growth of 1%; 404MB or less would have passed"
	r.Gates = []gate.Result{shipped().Gates[0], larger}
	c := contents()
	r.Contents = &c
	return r
}
