package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

func text(t testing.TB, r report.Report, style report.Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, r, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdown(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVerdict(t *testing.T) {
	refusal := []gate.Result{{Name: "size", Required: true}}
	warning := gate.Result{Name: "size", Passed: true, Outcome: gate.Warned}
	for _, tc := range []struct {
		name string
		r    report.Report
		want string
	}{
		{"zero value", report.Report{}, "FAILED"},
		{"passed", report.Report{Passed: true}, "PASSED"},
		{"passed with a failed push", report.Report{Passed: true, Exit: 4}, "FAILED"},
		{"passed with an error", report.Report{Passed: true, Error: "x"}, "FAILED"},
		{"passed beside a refused gate", report.Report{Passed: true, Gates: refusal}, "REFUSED"},
		{"refused though not required", report.Report{Passed: true, Gates: []gate.Result{{Name: "size"}}}, "REFUSED"},
		{"warned", report.Report{Passed: true, Gates: []gate.Result{warning}}, "PASSED, 1 warning\n"},
		{"warned twice", report.Report{Passed: true, Gates: []gate.Result{warning, {Passed: true}, warning}}, "PASSED, 2 warnings\n"},
		{"warned and refused", report.Report{Gates: append([]gate.Result{warning}, refusal...)}, "REFUSED\n"},
		{"warned, and then failed", report.Report{Passed: true, Exit: 4, Gates: []gate.Result{warning}}, "FAILED\n"},
		{"warned though not passed", report.Report{Passed: true, Gates: []gate.Result{{Outcome: gate.Warned}}}, "REFUSED\n"},
		{"passed though refused", report.Report{Passed: true, Gates: []gate.Result{{Passed: true, Outcome: gate.Refused}}}, "REFUSED\n"},
		{"not measured", report.Report{Passed: true, Gates: []gate.Result{{Name: "size", Passed: true, Reason: "not measured"}}}, "PASSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := text(t, tc.r, report.Style{}); !strings.HasPrefix(got, tc.want) {
				t.Errorf("text starts with %.20q, want %s", got, tc.want)
			}
			if got := markdown(t, tc.r); !strings.HasPrefix(got, "### "+tc.want) {
				t.Errorf("Markdown starts with %.20q, want ### %s", got, tc.want)
			}
		})
	}
}

func TestConsequence(t *testing.T) {
	move := []report.Move{{Tag: "staging", To: digest("b")}}
	for _, tc := range []struct {
		name string
		r    report.Report
		want string
	}{
		{"pull request", report.Report{Passed: true, Image: "a@" + digest("b")}, "No tag was moved."},
		{"pushed, then failed", report.Report{Exit: 5, Image: "a@" + digest("b")}, "No tag was moved."},
		{"failed before", report.Report{Exit: 6}, "Nothing was pushed and no tag was moved."},
		{"failed between tags", report.Report{Exit: 4, Image: "a@" + digest("b"), Moves: move}, "Some tags were moved before it stopped."},
		{"refused dry run", report.Report{Exit: 3, DryRun: true, Moves: move}, "Dry run: nothing was pushed and no tag was moved."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, got := range []string{text(t, tc.r, report.Style{}), markdown(t, tc.r)} {
				if !strings.Contains(got, "\n"+tc.want+"\n") {
					t.Errorf("want a line %q in:\n%s", tc.want, got)
				}
				if tc.r.DryRun && strings.Contains(got, "staging") {
					t.Errorf("a refused dry run shows a move that would not happen:\n%s", got)
				}
			}
		})
	}
}

// gateLine is the table's line for a gate.
func gateLine(t *testing.T, g gate.Result) string {
	t.Helper()
	_, rows, _ := strings.Cut(text(t, report.Report{Gates: []gate.Result{g}}, report.Style{}), "\nGATE ")
	_, rows, _ = strings.Cut(rows, "\n")
	line, _, _ := strings.Cut(rows, "\n")
	return line
}

func TestMargin(t *testing.T) {
	for _, tc := range []struct {
		name         string
		value, limit float64
		op           string
		margin       *float64
		bar, room    string
	}{
		{"half used", 50, 100, "<=", number(0.5), "█████░░░░░", "+50%"},
		{"almost", 99.99, 100, "<=", number(0.0001), "█████████░", "+<0.1%"},
		{"at the limit", 100, 100, "<=", number(0), "██████████", "0%"},
		{"just over", 100.01, 100, "<=", number(-0.0001), "██████████", "-<0.1%"},
		{"far over", 1e6, 100, "<=", number(-9999), "██████████", "<-9999%"},
		{"far above a minimum", 1e6, 100, ">=", number(9999), "░░░░░░░░░░", ">9999%"},
		{"below a minimum", 0.9, 0.95, ">=", number(-0.0526), "██████████", "-5.3%"},
		{"nothing of a minimum", 0, 0.95, ">=", number(-1), "██████████", "-100%"},
		{"shrunk", -0.05, 0.1, "<=", number(1.5), "░░░░░░░░░░", "+150%"},
		{"no measure", 0, 0, "<=", nil, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gate.Result{Name: "g", Value: &tc.value, Limit: &gate.Limit{Op: tc.op, Value: tc.limit}, Margin: tc.margin, Passed: true}
			line := gateLine(t, g)
			if fields := strings.Fields(line); tc.room == "" {
				if strings.ContainsAny(line, "█░%") {
					t.Errorf("%q has a margin, want none", line)
				}
			} else if n := len(fields); fields[n-3] != tc.bar || fields[n-2] != tc.room {
				t.Errorf("margin in %q, want %s %s", line, tc.bar, tc.room)
			}
		})
	}
}

// The gates alone have no image that something could have happened to.
func TestConsequenceOfTheGatesAlone(t *testing.T) {
	for _, g := range []gate.Result{{Name: "a", Passed: true}, {Name: "a"}} {
		got := text(t, report.Report{Passed: g.Passed, Gates: []gate.Result{g}}, report.Style{})
		if strings.Contains(got, "pushed") || strings.Contains(got, "tag") {
			t.Errorf("it tells of what it never does:\n%s", got)
		}
	}
}

func TestGrowth(t *testing.T) {
	for _, tc := range []struct {
		now, before int64
		want        string
	}{
		{100, 100, "unchanged against ref"},
		{50, 100, "-50B (-50%) against ref"},
		{50, 0, "+50B against ref"},
	} {
		r := report.Report{Size: report.Size{Compressed: tc.now}, Baseline: &report.Baseline{Ref: "ref", Compressed: tc.before}}
		if got := text(t, r, report.Style{}); !strings.Contains(got, "growth    "+tc.want+"\n") {
			t.Errorf("%d after %d: want %q in:\n%s", tc.now, tc.before, tc.want, got)
		}
	}
}

func TestTextKeepsToWidth(t *testing.T) {
	r := turnedDown()
	r.Gates = append(r.Gates, cautioned().Gates...)
	r.Gates[1].Name = strings.Repeat("very_", 30) + "long"
	c := contents()
	r.Contents = &c
	for line := range strings.Lines(text(t, r, report.Style{Width: 80})) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 && !strings.Contains(line, "very_very_") && !strings.Contains(line, digest("b")) {
			t.Errorf("line of %d columns: %s", n, line)
		}
	}
}

func TestTextCutsTables(t *testing.T) {
	r := report.Report{Layers: make([]report.Layer, 100)}
	for i := range r.Layers {
		r.Layers[i].Kind = layer.KindModel
	}
	if got := text(t, r, report.Style{}); !strings.Contains(got, "… and 60 more layers in report.json") {
		t.Errorf("no notice of the cut:\n%s", got)
	}
}

func TestJSONNeverHoldsWhatItCannot(t *testing.T) {
	r := report.Report{
		Gates:  []gate.Result{{Name: "growth", Value: number(math.Inf(1)), Baseline: number(math.NaN()), Limit: &gate.Limit{Value: math.NaN()}}},
		Stages: []report.Stage{{Name: "build", Seconds: math.Inf(1)}},
	}
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"value": null`) {
		t.Errorf("got %s", b.String())
	}
	if math.IsNaN(*r.Gates[0].Baseline) == false || r.Stages[0].Seconds == 0 {
		t.Error("JSON changed the report it was given")
	}
	b.Reset()
	if err := report.JSON(&b, report.Report{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "null") && !strings.Contains(line, `"baseline"`) && !strings.Contains(line, `"signature"`) && !strings.Contains(line, `"contents"`) && !strings.Contains(line, `"db"`) {
			t.Errorf("a slice is null: %s", line)
		}
	}
}

type fullDisk struct{ error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.error }

func TestWriterErrors(t *testing.T) {
	full := errors.New("no space")
	for name, err := range map[string]error{
		"writing the report as text: no space":     report.Text(fullDisk{full}, shipped(), report.Style{}),
		"writing the report as Markdown: no space": report.Markdown(fullDisk{full}, shipped()),
		"writing the report as JSON: no space":     report.JSON(fullDisk{full}, shipped()),
	} {
		if !errors.Is(err, full) || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// tainted puts one hostile text wherever a report takes text from outside.
func tainted(evil string) report.Report {
	r := shipped()
	r.Passed, r.Error, r.Hints = false, evil, []string{evil}
	r.Version, r.Channel, r.Repository, r.Digest = evil, evil, evil, evil
	r.Moves = []report.Move{{Tag: evil, From: evil, To: evil + "2"}}
	r.Baseline.Ref = evil
	for i := range r.Gates {
		g := &r.Gates[i]
		g.Name, g.Stat, g.Reason, g.Passed, g.Unit = evil, evil, evil, false, unit.Unit(evil)
		g.Check, g.Rule, g.Where, g.Baseline = gate.Check(evil), evil, map[string]string{evil: evil}, number(1)
		g.Limit.Op = evil
		g.Source = &testreport.Source{File: evil, Pointer: evil}
	}
	for i := range r.Layers {
		l := &r.Layers[i]
		l.Kind, l.Origin, l.Platform, l.Digest = layer.Kind(evil), report.Origin(evil), evil, evil
	}
	for i := range r.Reports {
		r.Reports[i] = report.TestReport{Path: evil, Format: evil, SHA256: evil}
	}
	for i := range r.Stages {
		r.Stages[i] = report.Stage{Name: evil, Skipped: evil}
	}
	for i := range r.Gates {
		g := r.Gates[i]
		r.Gates[i].Histogram = &gate.Histogram{From: 0, To: 2, Counts: []int{3, 4}}
		r.History = append(r.History, report.Former{Digest: evil, Version: evil, Compressed: 5, Gates: []gate.Result{g}})
	}
	r.Contents = &report.Contents{
		Largest:  []report.Item{{Path: evil, Size: 1, Files: 2}},
		Platform: evil, Baseline: evil, Note: evil,
		Kinds:  []report.Part{{Kind: layer.Kind(evil), Compressed: 2, Before: new(int64)}},
		Layers: []report.Part{{Kind: layer.Kind(evil), Name: evil, Digest: evil, State: evil, Compressed: 9}},
		Grown:  []report.Grown{{Path: evil, Kind: layer.Kind(evil), Least: 1, Most: 2}},
		Waste:  []report.Waste{{Kind: evil, Bytes: 1, Files: 1, Paths: []string{evil, evil}, Advice: evil}, {Kind: evil, Layer: -1}},
	}
	r.Findings, r.Platforms, r.Generator = taintedFindings(evil), []string{evil, evil}, evil
	r.Signature = &report.Signature{Key: evil, Issuer: evil}
	r.Signature.Log, r.Attestations = evil, []report.Attestation{{Type: evil, Digest: evil}}
	r.Next = []string{evil}
	return r
}

func checkHarmless(t *testing.T, r report.Report) {
	t.Helper()
	md := markdown(t, r)
	if len(md) > report.MaxSummary {
		t.Errorf("summary of %d bytes", len(md))
	}
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("JSON: %v", err)
	}
	checkJUnit(t, r)
	readSARIF(t, r)
	checkPage(t, r)
	note := comment(t, r, nil)
	for _, out := range []string{text(t, r, report.Style{Width: 60}), text(t, r, report.Style{}), md, note, explained(t, r)} {
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("a CI command: %q", line)
			}
			if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("unprintable at %d in %q", i, line)
			}
		}
	}
	columns := 0 // of the table that the line is in
	fenced := ""
	for line := range strings.Lines(md + note) {
		line = strings.TrimSuffix(line, "\n")
		if ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]; len(ticks) > 2 && (fenced == "" || line == fenced) {
			if fenced == "" {
				fenced = ticks
			} else {
				fenced = ""
			}
			continue
		}
		if fenced != "" {
			continue
		}
		if !strings.HasPrefix(line, "|") {
			columns = 0
		} else if n := strings.Count(line, "|"); columns == 0 {
			columns = n
		} else if n != columns {
			t.Errorf("row of %d separators in a table of %d: %q", n, columns, line)
		}
		bare := strings.NewReplacer("<details>", "", "<details open>", "", "</details>", "", "<summary>", "", "</summary>", "", "<!-- -->", "", report.Marker(""), "").Replace(line)
		if strings.ContainsAny(bare, "<>") || strings.Contains(line, "::") {
			t.Errorf("markup from outside: %q", line)
		}
	}
	if fenced != "" {
		t.Errorf("a code block is not closed:\n%s", md)
	}
}

func TestHostileText(t *testing.T) {
	for name, evil := range map[string]string{
		"command":      "x\n::error file=a::gotcha",
		"after spaces": "word ::set-output name=a::b  ::::stop",
		"old command":  "##[error]gotcha",
		"terminal":     "\x1b[2J\x1b]0;title\x07\r\x9b1A",
		"bidi":         "abc\u202egnp.exe\u2066",
		"table":        "a | b || c \\| d",
		"code":         "`` ``` ```` `x` ~~~",
		"fence":        "first\n````````\n# second",
		"html":         "</details><script>alert(1)</script><!-- &lt;",
		"mention":      "@acme and a@acme (@everyone)",
		"link":         "[x](javascript:alert(1)) ![y](http://example.com/) www.example.com",
		"colons":       ": ::: :",
		"bad utf-8":    "\xff\xfe|",
		"long":         strings.Repeat("@|`", 1<<15),
		"many lines":   strings.Repeat(":: \n", 1<<12),
		"address":      "https://example.com/x)|[y](javascript:alert(1))",
	} {
		t.Run(name, func(t *testing.T) {
			checkHarmless(t, tainted(evil))
			checkSARIF(t, tainted(evil))
		})
	}
}

func TestEscapeKeepsWhatIsHarmless(t *testing.T) {
	r := report.Report{Gates: []gate.Result{{Name: "n", Reason: "tests/test_a.py::test_b failed for bob@example.com"}}}
	if got, want := text(t, r, report.Style{}), "tests/test_a.py::test_b failed for bob@example.com"; !strings.Contains(got, want) {
		t.Errorf("want %q in:\n%s", want, got)
	}
	want := `tests/test\_a.py&#58;&#58;test\_b failed for bob@example.com`
	if got := markdown(t, r); !strings.Contains(got, want) {
		t.Errorf("want %q in:\n%s", want, got)
	}
}

func FuzzHostileText(f *testing.F) {
	f.Add("::error::x")
	f.Add("a|b`c<d>\\")
	f.Fuzz(func(t *testing.T, evil string) { checkHarmless(t, tainted(evil)) })
}

func TestMarkdownCutsAtARow(t *testing.T) {
	r := shipped()
	g := r.Gates[1]
	g.Reason, g.Value = strings.Repeat("@<|", 160), nil
	r.Gates, r.Layers = nil, make([]report.Layer, 10_000)
	for range 2000 {
		r.Gates = append(r.Gates, g)
	}
	for i := range r.Layers {
		r.Layers[i] = report.Layer{Kind: layer.KindModel, Digest: digest("1"), Size: int64(i)}
	}
	got := markdown(t, r)
	if len(got) > report.MaxSummary {
		t.Errorf("summary of %d bytes", len(got))
	}
	if n := strings.Count(got, "*Cut here: "); n != 3 { // gates, reasons, layers
		t.Errorf("%d notices, want 3", n)
	}
	if !strings.HasSuffix(got, "production\n```\n") {
		t.Errorf("the next command is missing after a cut: %s", got[len(got)-200:])
	}
	if strings.Count(got, "<details>") != strings.Count(got, "</details>") {
		t.Error("a folded section is not closed")
	}
}
