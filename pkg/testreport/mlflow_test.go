package testreport_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/testreport"
)

func TestReadMLflowRun(t *testing.T) {
	report := readFile(t, "mlflow-run.json")
	if report.Format != "mlflow" || report.Tests != 0 {
		t.Errorf("format %q, %d tests, want mlflow, 0", report.Format, report.Tests)
	}
	want := []string{
		"accuracy 0.97 @ /run/data/metrics/0/value",
		"inference_time p95 0.08025s @ /run/data/metrics/1/value = inference_time_p95_ms, latency",
		"perplexity invalid:NaN @ /run/data/metrics/2/value",
		"best_loss invalid:1.7976931348623157e+308, which is how MLflow stores infinity @ /run/data/metrics/3/value",
		"latency p90 0.071 @ /run/data/metrics/4/value = latency/p90, inference_time",
		"val/f1_score 0.9 @ /run/data/metrics/5/value",
		"gpu_memory 1.5365e+09B @ /run/data/metrics/6/value = system/gpu_0_memory_usage_megabytes {gpu=0}",
		"gpu_memory 2.048e+09B @ /run/data/metrics/7/value = system/node_1/gpu_3_memory_usage_megabytes {node=node_1} {gpu=3}",
		"gpu_memory_usage 0.096ratio @ /run/data/metrics/8/value = system/gpu_0_memory_usage_percentage {gpu=0}",
		"gpu_power_usage_watts 71.5 @ /run/data/metrics/9/value = system/gpu_0_power_usage_watts {gpu=0}",
		"cpu_utilization 0.42ratio @ /run/data/metrics/10/value = system/cpu_utilization_percentage",
		"system_memory_usage 4.096e+09B @ /run/data/metrics/11/value = system/system_memory_usage_megabytes",
	}
	if diff := cmp.Diff(want, facts(report)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// What the command line prints of a run has the same metrics at other places.
func TestReadMLflowDescription(t *testing.T) {
	report := readFile(t, "mlflow-run-describe.json")
	if got := facts(report); report.Format != "mlflow" || len(got) != 12 {
		t.Fatalf("format %q with %q, want mlflow with 12 metrics", report.Format, got)
	}
	hold(t, report, []string{
		"inference_time p95 0.08025s @ /data/metrics/inference_time_p95_ms = inference_time_p95_ms, latency",
		"perplexity invalid:NaN @ /data/metrics/perplexity",
		"latency p90 0.071 @ /data/metrics/latency~1p90 = latency/p90, inference_time",
		"gpu_memory 1.5365e+09B @ /data/metrics/system~1gpu_0_memory_usage_megabytes = system/gpu_0_memory_usage_megabytes {gpu=0}",
	})
}

func TestReadMLflowLoggedModel(t *testing.T) {
	const run = "{run=217811daafe547b5a2078ea3c3ff1e9a}"
	want := []string{
		"accuracy 0.95 @ /model/data/metrics/0/value " + run,
		"inference_time p95 0.08025s @ /model/data/metrics/2/value = inference_time_p95_ms, latency " + run,
		"perplexity invalid:0, which MLflow also answers where NaN was logged to a model @ /model/data/metrics/3/value " + run,
		"accuracy 0.9655 @ /model/data/metrics/4/value {dataset=held-out} {digest=1fe93eb8} " + run,
	}
	report := readFile(t, "mlflow-logged-model.json")
	if diff := cmp.Diff(want, facts(report)); report.Format != "mlflow" || diff != "" {
		t.Errorf("format %q (-want +got):\n%s", report.Format, diff)
	}
}

// mlflowRun is the answer about a run with that status and those metrics.
func mlflowRun(status, metrics string) string {
	return `{"run": {"info": {"run_id": "a", "status": "` + status + `", "lifecycle_stage": "active"}, "data": {"metrics": ` + metrics + `}}}`
}

func loggedModel(status, metrics string) string {
	return `{"model": {"info": {"model_id": "m-a", "experiment_id": "0", "status": "LOGGED_MODEL_` + status + `"}, "data": {"metrics": ` + metrics + `}}}`
}

func TestReadMLflowTraps(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a run that failed", mlflowRun("FAILED", `[{"key": "accuracy", "value": 0.99}]`),
			"failure run: ended as FAILED @ /run/info/status\naccuracy 0.99 @ /run/data/metrics/0/value"},
		{"a run that was killed", mlflowRun("KILLED", `[{"key": "accuracy", "value": 0.99}]`),
			"failure run: ended as KILLED @ /run/info/status\naccuracy 0.99 @ /run/data/metrics/0/value"},
		{"infinities", mlflowRun("FINISHED", `[{"key": "a", "value": "Infinity"}, {"key": "b", "value": "-Infinity"}, {"key": "c", "value": -1.7976931348623157e+308}, {"key": "d_ms", "value": 1.7976931348623157e+308}]`),
			"a invalid:Infinity @ /run/data/metrics/0/value\nb invalid:-Infinity @ /run/data/metrics/1/value\n" +
				"c invalid:-1.7976931348623157e+308, which is how MLflow stores infinity @ /run/data/metrics/2/value\n" +
				"d invalid:1.7976931348623157e+308, which is how MLflow stores infinity @ /run/data/metrics/3/value = d_ms"},
		{"names of scikit-learn", mlflowRun("FINISHED", `[{"key": "accuracy_score", "value": 0}, {"key": "f1_score", "value": 0.5}, {"key": "acc", "value": 0.6}, {"key": "/p90", "value": 1}, {"key": "r2_score", "value": 0.7}]`),
			"accuracy 0 @ /run/data/metrics/0/value = accuracy_score\nf1 0.5 @ /run/data/metrics/1/value = f1_score\naccuracy 0.6 @ /run/data/metrics/2/value = acc\n/p90 1 @ /run/data/metrics/3/value\nr2_score 0.7 @ /run/data/metrics/4/value"},
		{"odd system metrics", mlflowRun("FINISHED", `[{"key": "system/gpu_x_memory_usage_megabytes", "value": 1}, {"key": "system/", "value": 1}, {"key": "system/gpu_0_", "value": 1}, {"key": "system/n/_percentage", "value": 1}]`),
			"gpu_x_memory_usage 1e+06B @ /run/data/metrics/0/value = system/gpu_x_memory_usage_megabytes\nsystem/ 1 @ /run/data/metrics/1/value\n" +
				"gpu_ 1 @ /run/data/metrics/2/value = system/gpu_0_ {gpu=0}\nsystem/n/_percentage 1 @ /run/data/metrics/3/value"},
		{"a model whose upload failed", loggedModel("UPLOAD_FAILED", `[{"key": "f1", "value": 0.9}]`),
			"failure model: ended as LOGGED_MODEL_UPLOAD_FAILED @ /model/info/status\nf1 0.9 @ /model/data/metrics/0/value"},
		{"a model's steps", loggedModel("READY", `[{"key": "f1", "value": 0.9, "step": 2, "timestamp": 1}, {"key": "f1", "value": 0.8, "step": 1, "timestamp": 9}, {"key": "f1", "value": 0.7, "step": 2, "timestamp": 3}]`),
			"f1 0.7 @ /model/data/metrics/2/value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Split(tc.want, "\n"), facts(readText(t, "r.json", tc.text))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadMLflowRefuses(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{mlflowRun("RUNNING", `[{"key": "a", "value": 1}]`), `/run/info/status: is the text "RUNNING", expected FINISHED, for the run has not ended (mlflow.end_run)`},
		{mlflowRun("SCHEDULED", `[{"key": "a", "value": 1}]`), `/run/info/status: is the text "SCHEDULED", expected FINISHED, for the run has not ended (mlflow.end_run)`},
		{strings.Replace(mlflowRun("FINISHED", `[{"key": "a", "value": 1}]`), "active", "deleted", 1), `/run/info/lifecycle_stage: is the text "deleted", expected an active run, for one that was deleted proves nothing`},
		{strings.Replace(mlflowRun("FINISHED", `[]`), `"active"`, "5", 1), `/run/info/lifecycle_stage: is 5, expected an active run, for one that was deleted proves nothing`},
		{mlflowRun("FINISHED", `[{"key": "a", "value": 1}, {"key": "a", "value": 2}]`), `/run/data/metrics/1: has the metric "a" a second time`},
		{mlflowRun("FINISHED", `[{"key": "a"}]`), `/run/data/metrics/0/value: is missing, expected a number`},
		{mlflowRun("FINISHED", `[{"key": "a", "value": "high"}]`), `/run/data/metrics/0/value: is the text "high", expected a number`},
		{mlflowRun("FINISHED", `[{"key": "", "value": 1}]`), `/run/data/metrics/0: is an object, expected a metric with key and value`},
		{mlflowRun("FINISHED", `[5]`), `/run/data/metrics/0: is 5, expected a metric with key and value`},
		{mlflowRun("FINISHED", `5`), `/run/data/metrics: is 5, expected an array`},
		{mlflowRun("FINISHED", `[]`), `holds no test that ran and no number`},
		{`{"run": {"info": {"run_id": "a", "status": "FINISHED", "lifecycle_stage": "active"}}}`, `holds no test that ran and no number`},
		{`{"info": {"run_id": "a", "status": "RUNNING", "lifecycle_stage": "active"}, "data": {"metrics": {"a": 1}}}`, `/info/status: is the text "RUNNING", expected FINISHED, for the run has not ended (mlflow.end_run)`},
		{loggedModel("PENDING", `[{"key": "a", "value": 1}]`), `/model/info/status: is the text "LOGGED_MODEL_PENDING", expected LOGGED_MODEL_READY, for the model is not complete`},
		{loggedModel("READY", `[{"key": "a", "value": 1, "step": 1}, {"key": "a", "value": 2, "step": 1}]`), `/model/data/metrics/1: has the metric "a" a second time`},
		{loggedModel("READY", `[{"key": "a", "value": 1, "step": 1.5}]`), `/model/data/metrics/0/step: is 1.5, expected a whole number`},
		{loggedModel("READY", `[{"key": "a", "value": true}]`), `/model/data/metrics/0/value: is a boolean, expected a number`},
	} {
		report, err := testreport.ReadFile("r.json", strings.NewReader(tc.text), written)
		if want := `reading report "r.json": ` + tc.want; err == nil || err.Error() != want {
			t.Errorf("ReadFile(%s) = %+v, %v\nwant error %s", tc.text, report, err, want)
		}
	}
}

func FuzzReadMLflow(f *testing.F) {
	f.Add("FINISHED", `[{"key": "system/gpu_0_memory_usage_megabytes", "value": "NaN", "step": 1}, {"key": "a/p90", "value": 1e308}]`)
	f.Add("RUNNING", `{"a": 1, "b": null}`)
	f.Fuzz(func(t *testing.T, status, metrics string) {
		checkReport(t, []byte(mlflowRun(status, metrics)))
		checkReport(t, []byte(loggedModel(status, metrics)))
	})
}
