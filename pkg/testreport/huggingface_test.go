package testreport_test

import "testing"

func TestReadModelCard(t *testing.T) {
	contains(t, "shapes/model-card.md", "huggingface-model-card",
		"accuracy {task=image-classification} {dataset=acme/digits} {config=default} {split=test} 0.95 @ /model-index/0/results/0/metrics/0/value = Test accuracy",
		"f1 {task=image-classification} {dataset=acme/digits} {config=default} {split=test} 20 @ /model-index/0/results/0/metrics/1/value = Test F1",
		"wer {task=automatic-speech-recognition} {dataset=acme/spoken-digits} 12.4 @ /model-index/0/results/1/metrics/0/value")
	const front, end = "---\nmodel-index:\n- results:\n  - metrics:\n    - ", "\n---\n# Title\n---\nnot: yaml: at all\n"
	const at = " @ /model-index/0/results/0/metrics/0/value\n"
	reads(t, "huggingface-model-card", []struct{ name, text, want string }{
		{"no guess about percent", front + "{type: f1, value: 91.5}" + end, "f1 91.5" + at},
		{"percent that is written", front + "{type: f1, value: 91.5%}" + end, "f1 0.915ratio" + at},
		{"deviation in letters", front + "{type: f1, value: 20.5 +/- 1.2}" + end, "f1 20.5" + at},
		{"no number", front + "{type: f1, value: pending}" + end, "f1 invalid:\"pending\", which is no number" + at},
		{"null", front + "{type: f1, value: ~}" + end, "f1 invalid:null" + at},
		{"a list", front + "{type: f1, value: [1, 2]}" + end, "f1 invalid:no number" + at},
		{"without a value", front + "{name: f1}" + end, "f1 invalid:no number" + at},
		{"CRLF and space before", "\r\n---\r\nmodel-index:\r\n- results:\r\n  - metrics: [{type: f1, value: 1}]\r\n---\r\n", "f1 1" + at},
		{"as YAML alone", "model-index:\n- results:\n  - metrics: [{type: f1, value: 1}]\n", "f1 1" + at},
	})
	refuses(t, []refusal{
		{"README.md", "\n---\nmodel-index:\n- results: [&a 1]\n---\n", "line 4: is YAML with an anchor, an alias or a merge key, expected plain values"},
		{"README.md", "---\nmodel-index:\n- results:\n  - metrics: [{value: 1}]\n---\n", "/model-index/0/results/0/metrics/0: is no metric, expected type and value"},
		{"README.md", "---\nmodel-index:\n  results: 1\n---\n", "holds no test that ran and no number"},
		{"README.md", "---\nlicense: mit\n---\n# Title\n", "line 3: holds more than one YAML document"},
		{"README.md", "# Title\n---\nmodel-index:\n---\n", "line 4: holds more than one YAML document"},
		{"README.md", "Title\n---\nmodel-index:\n---\n", `holds text that begins with "Title"; expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log`},
		{"README.md", "---\nmodel-index: x\n", "holds no test that ran and no number"},
	})
}

func TestReadEvalResults(t *testing.T) {
	contains(t, "shapes/eval_results.yaml", "huggingface-eval-results",
		"score {task=digits} {dataset=acme/digits-bench} {config=default} {split=test} 20.9 @ /0/value = value, acme/digits-bench, digits",
		"score {dataset=acme/letters-bench} {split=test} 0.61 @ /1/value = value, acme/letters-bench")
	reads(t, "huggingface-eval-results", []struct{ name, text, want string }{
		{"task beside the dataset", "- {task: {type: qa}, metric: f1, dataset: {id: a}, value: 1}\n", "f1 {task=qa} {dataset=a} 1 @ /0/value = value, a, qa\n"},
		{"value as text", "- {dataset: {id: a}, value: '20.0 ± 1.2'}\n", "score {dataset=a} 20 @ /0/value = value, a\n"},
	})
	refuses(t, []refusal{
		{"e.yaml", "- {dataset: {id: a}, value: 1}\n- {value: 2}\n", "/1: is no result, expected dataset.id and value"},
		{"e.yaml", "- {dataset: {id: a}, value: 1}\n- dataset: {id: b}\n", "/1: is no result, expected dataset.id and value"},
	})
}
