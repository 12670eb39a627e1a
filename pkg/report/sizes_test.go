package report_test

import (
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/report"
)

func TestContentsAreShownWhenThereIsSomethingToSay(t *testing.T) {
	refusal := gate.Result{Name: "size", Check: gate.CheckSize}
	warning := gate.Result{Name: "size.unpacked", Check: gate.CheckUnpacked, Passed: true, Outcome: gate.Warned}
	alone := report.Part{Kind: layer.KindApp, Compressed: 5}
	same, other := alone, alone
	same.Before, other.Before = new(int64), new(int64)
	*same.Before, *other.Before = 5, 10
	for _, tc := range []struct {
		name  string
		c     report.Contents
		gates []gate.Result
		want  string // "" for nothing
	}{
		{"nothing to compare with", report.Contents{Kinds: []report.Part{alone}, Note: "a note"}, nil, ""},
		{"nothing changed", report.Contents{Kinds: []report.Part{same}, Note: "a note"}, []gate.Result{{Passed: true, Check: gate.CheckSize}}, ""},
		{"changed", report.Contents{Kinds: []report.Part{other}}, nil, "-5B (-50%)"},
		{"refused", report.Contents{Kinds: []report.Part{alone}}, []gate.Result{refusal}, "app"},
		{"warned", report.Contents{Kinds: []report.Part{same}, Note: "a note"}, []gate.Result{warning}, "a note"},
		{"grown", report.Contents{Grown: []report.Grown{{Path: "x", Least: 1, Most: 1}}}, nil, "+1B"},
		{"waste", report.Contents{Waste: []report.Waste{{Kind: "git", Bytes: 7, Layer: 4}}}, nil, "git"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := report.Report{Contents: &tc.c, Gates: tc.gates}
			for _, write := range []func(report.Report) string{
				func(r report.Report) string { return text(t, r, report.Style{}) },
				func(r report.Report) string { return markdown(t, r) },
			} {
				got, without := write(r), write(report.Report{Gates: tc.gates})
				if tc.want == "" && got != without {
					t.Errorf("want nothing said, got:\n%s", got)
				}
				if tc.want != "" && (!strings.Contains(got, tc.want) || strings.Contains(without, tc.want)) {
					t.Errorf("want %q in:\n%s", tc.want, got)
				}
			}
		})
	}
}

// What a size is made of stands where people look for it: under the gates when
// one of them is about it, else after the size.
func TestContentsStandUnderAMissedSizeGate(t *testing.T) {
	order := func(text string, parts ...string) bool {
		at := 0
		for _, part := range parts {
			i := strings.Index(text[at:], part)
			if i < 0 {
				return false
			}
			at += i
		}
		return true
	}
	if got := text(t, grown(), report.Style{}); !order(got, "REFUSED   size.growth", "\nwaste ", "\nsize  ", "\nREPORT") || strings.Count(got, "root/.cache/pip") != 1 {
		t.Errorf("text:\n%s", got)
	}
	if got := text(t, cautioned(), report.Style{}); !order(got, "warned  ", "\nsize  ", "\nwaste ", "\nREPORT") || strings.Count(got, "root/.cache/pip") != 1 {
		t.Errorf("text:\n%s", got)
	}
	if got := markdown(t, grown()); !order(got, "- **REFUSED** size.growth", "<details open><summary>What the size", "could be left out", "#### What changed") {
		t.Errorf("Markdown:\n%s", got)
	}
	if got := markdown(t, cautioned()); !order(got, "\n- size: ", "could be left out", "app/.git", "#### What changed") || strings.Contains(got, "<details open><summary>What") {
		t.Errorf("Markdown:\n%s", got)
	}
}
