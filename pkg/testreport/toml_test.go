package testreport_test

import (
	"strings"
	"testing"
)

func TestReadTOML(t *testing.T) {
	contains(t, "metrics.toml", "toml",
		"batch [0.0001257 0.0001142 0.0001157]s @ /batch_us = batch_us",
		"test.accuracy 0.95 @ /test/accuracy",
		"test.latency p95 0.0001419s @ /test/latency_p95_ms = test.latency_p95_ms")
	reads(t, "toml", []struct{ name, text, want string }{
		{"numbers", "a = 1_000\nb = +2.5\nc = -1e-3\nd = 0xff\ne = 0o17\nf = 0b101\ng=0 # comment\n", "a 1000 @ /a\nb 2.5 @ /b\nc -0.001 @ /c\nd 255 @ /d\ne 15 @ /e\nf 5 @ /f\ng 0 @ /g\n"},
		{"no numbers", "a = nan\nb = -inf\nc = ''\nd = \"N/A\"\n", "a invalid:nan @ /a\nb invalid:-inf @ /b\nc invalid:empty @ /c\nd invalid:N/A @ /d\n"},
		{"passed over", "a = true\nb = 'C:\\x'\nc = 2026-01-02T03:04:05Z\nd = 03:04:05\ne = 1\n", "e 1 @ /e\n"},
		{"text with a unit", "a = '80ms'\nb = \"\\u0039\\t\"\n", "a 0.08s @ /a\nb 9 @ /b\n"},
		{"dotted and quoted keys", "a.b . \"c.d\" = 1\n'e f' = 2\r\n[x . 'y/z']\nv = 3\n[x]\nw = 4\n", "a.b.c.d 1 @ /a/b/c.d\ne f 2 @ /e f\nx.y/z.v 3 @ /x/y~1z/v\nx.w 4 @ /x/w\n"},
		{"arrays", "a_ms = [ # first\n\n 1,\n 2.5, # more\n]\nb = []\nc = [[1, 2], [\"x\"]]\n", "a [0.001 0.0025]s @ /a_ms = a_ms\nc.0 [1 2] @ /c/0\n"},
	})
}

func TestReadTOMLRefuses(t *testing.T) {
	const no = ": is no TOML that ai-ship reads: "
	refuses(t, []refusal{
		{"a", "a = 1\na = 2\n", "line 2" + no + `the key "a" stands twice`},
		{"a", "a = 1\n[a]\n", "line 2" + no + `"a" is a value, expected a table`},
		{"a", "a = 1\na.b = 2\n", "line 2" + no + `"a" is a value, expected a table`},
		{"a", "[a]\nb = 1\n[a]\n", "line 3" + no + `the table "a" stands twice`},
		{"a", "a.b = 1\na = 1\n", "line 2" + no + `the key "a" stands twice`},
		{"a", "a = 1\n[[b]]\n", "line 2" + no + "found an array of tables, expected plain tables"},
		{"a", "a = 1\n[b\n", "line 2" + no + "expected ] after the table's name and nothing more"},
		{"a", "a = 1\n[]\n", "line 2" + no + `found "]", expected a name`},
		{"a", "a = 1\nb 2\n", "line 2" + no + "expected = after a key"},
		{"a", "a = 1\n= 2\n", "line 2" + no + `found "= 2", expected a name`},
		{"a", "a = {b = 1}\n", "line 1" + no + `found "{b = 1}", expected a number, a string, a boolean or an array`},
		{"a", "a = \n", "line 1" + no + `found "", expected a number, a string, a boolean or an array`},
		{"a", "a = 01\n", "line 1" + no + `found "01", expected a number, a string, a boolean or an array`},
		{"a", "a = 0x8000000000000000\n", "line 1" + no + `strconv.ParseInt: parsing "0x8000000000000000": value out of range`},
		{"a", "a = 1 2\n", "line 1" + no + `found "1 2", expected a number, a string, a boolean or an array`},
		{"a", "a = '1' 2\n", "line 1" + no + `found "2" after the value, expected the line's end`},
		{"a", "a = \"\"\"x\"\"\"\n", "line 1" + no + "found a string of several lines, expected one line"},
		{"a", "a = \"x\n", "line 1" + no + "found a string without its end or with an unknown escape"},
		{"a", "a = 'x\n", "line 1" + no + "found a string without its end"},
		{"a", "a = [1,\n2\n", "line 2" + no + "found an array without its end"},
		{"a", "a = ['1' '2']\n", "line 1" + no + "expected a comma or ] in an array"},
		{"a", "a = [1,,2]\n", "line 1" + no + `found "", expected a number, a string, a boolean or an array`},
		{"a", "a = " + strings.Repeat("[", 65) + "\n", "line 1" + no + "found more than 64 values inside each other"},
		{"a", "a = 1\n" + strings.Repeat("a.", 64) + "b = 1\n", "line 2" + no + "found more than 64 values inside each other"},
		{"a", "a = [" + strings.Repeat("1,", 100_000) + "]\n", "line 1" + no + "found more than 100000 keys and values"},
		{"a", "x = 1\n" + strings.Repeat("["+strings.Repeat("a.", 60)+"a]\n", 2000), "line 3" + no + `the table "` + strings.Repeat("a.", 39) + `a…" stands twice`},
		{"a", "x = 1\n" + strings.Repeat(strings.Repeat("a.", 60)+"a\n", 2000), "line 2" + no + "expected = after a key"},
		{"a", "a = 1\n#" + strings.Repeat("x", 1<<20), "is TOML of more than 1 MiB"},
	})
}
