package testreport_test

import (
	"strings"
	"testing"
)

func TestReadYAML(t *testing.T) {
	contains(t, "metrics.yaml", "yaml",
		"batch [0.0001257 0.0001142 0.0001157]s @ /batch_us = batch_us",
		"test.accuracy 0.95 @ /test/accuracy",
		"test.latency p95 0.0001419s @ /test/latency_p95_ms = test.latency_p95_ms",
		"test.perplexity invalid:NaN @ /test/perplexity")
	reads(t, "yaml", []struct{ name, text, want string }{
		{"numbers", "a: 1\nb: -2.5e3\nc: 0x1f\nd: 1_000\ne: +0.5\nf: 0.1\n", "a 1 @ /a\nb -2500 @ /b\nc 31 @ /c\nd 1000 @ /d\ne 0.5 @ /e\nf 0.1 @ /f\n"},
		{"no numbers", "a: .nan\nb: .inf\nc: -.inf\nd: ~\ne:\nf: 'N/A'\n", "a invalid:NaN @ /a\nb invalid:+Inf @ /b\nc invalid:-Inf @ /c\nd invalid:null @ /d\ne invalid:null @ /e\nf invalid:N/A @ /f\n"},
		{"passed over", "a: true\nb: text\nc: 2026-01-02\nd: |\n  long\ne: 1\n", "e 1 @ /e\n"},
		{"text with a unit", "a: 80ms\nb: '0.5'\nc: 95%\n", "a 0.08s @ /a\nb 0.5 @ /b\nc 0.95ratio @ /c\n"},
		{"nested", "a:\n  - b: 1\n    c/d: 2\n  - {b: 3}\n", "a.0.b 1 @ /a/0/b\na.0.c/d 2 @ /a/0/c~1d\na.1.b 3 @ /a/1/b\n"},
		{"measurement", "t: {unit: ms, p95: 80}\n", "t p95 0.08s @ /t/p95 = t.p95\n"},
		{"keys", "1: 2\ntrue: 3\n~: 4\n2.5: 5\n", "1 2 @ /1\ntrue 3 @ /true\n~ 4 @ /~0\n2.5 5 @ /2.5\n"},
	})
}

func TestReadYAMLRefuses(t *testing.T) {
	const indirect = "is YAML with an anchor, an alias or a merge key, expected plain values"
	refuses(t, []refusal{
		{"a", "a: &x [1]\nb: *x\n", "line 1: " + indirect},
		{"a", "a: 1\nb: [*x, *x]\n", "line 2: " + indirect},
		{"a", "a: 1\n<<: {b: 1}\n", "line 2: " + indirect},
		{"a", "a: !!python/object/apply:os.system [x]\n", "line 1: is YAML with a tag or a directive, expected plain values"},
		{"a", "%YAML 1.2\n---\na: 1\n", "line 1: is YAML with a tag or a directive, expected plain values"},
		{"a", "a: 1\n---\nb: 2\n", "line 2: holds more than one YAML document"},
		{"a", "a: 1\nb: 2\na: 3\n", "line 3: is no YAML: mapping key \"a\" already defined at [1:1]"},
		{"a", "a: 1\nb: [1,\n", "line 2: is no YAML: sequence end token ']' not found"},
		{"a", "a: 1\n? [1]\n: 2\n", "line 3: is no YAML: found an invalid key for this map"},
		{"a", "--- \n# nothing\n", "is YAML without any value"},
		{"a", "a: " + strings.Repeat("[", 65), "line 1: is nested deeper than 64 values"},
		{"a", nest("k:\n", 66), "line 65: is nested deeper than 64 values"},
		{"a", "a:\n" + strings.Repeat(" ", 220) + "b: 1\n", "line 2: is nested deeper than 64 values"},
		{"a", "a: 1\n" + strings.Repeat("k", 300) + ": 1\n", "line 2: has a key of more than 256 bytes"},
		{"a", "a: [" + strings.Repeat("1,", 60_000) + "1]", "line 1: holds more than 100000 keys and values"},
		{"a", "a: 1\n" + strings.Repeat("# comment\n", 120_000), "is YAML of more than 1 MiB"},
	})
}

// nest writes one line in another, n deep.
func nest(line string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + line)
	}
	return b.String()
}
