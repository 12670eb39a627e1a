package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/scan"
)

// page is a file with the report's page.
func page(t *testing.T, r report.Report) string {
	t.Helper()
	return written(t, func(w io.Writer) error { return report.HTML(w, r) })
}

func pageOf(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	if b.Len() > report.MaxPage {
		t.Errorf("a page of %d bytes", b.Len())
	}
	return b.String()
}

func TestPageOfManyFindings(t *testing.T) {
	r := infested()
	r.Findings.Vulnerabilities = nil
	const many = 100_000
	for i := range many {
		r.Findings.Vulnerabilities = append(r.Findings.Vulnerabilities, scan.Finding{ID: fmt.Sprintf("CVE-2024-%06d", i), Severity: scan.High, Layer: hash("1"),
			Path: "var/lib/dpkg/status", Title: strings.Repeat("<++>", 40), Package: "p", Version: "1"})
	}
	got := pageOf(t, r)
	rows := strings.Count(got, `<span class="firm">CVE-2024-`)
	if rows < 100 || !strings.Contains(got, fmt.Sprintf("Cut here: %d more in report.json.", many-rows)) {
		t.Errorf("%d rows, and the notice does not count the rest", rows)
	}
	if !strings.Contains(got, "ai-ship gate --json") {
		t.Error("the next command is missing")
	}
}

// Every table at its longest, with text that escaping makes five times as long.
func TestPageOfMuchOfEverything(t *testing.T) {
	r := tainted(strings.Repeat(`+"`, 1000))
	for range 9 {
		r.Gates, r.Layers, r.Reports, r.Stages = append(r.Gates, r.Gates...), append(r.Layers, r.Layers...), append(r.Reports, r.Reports...), append(r.Stages, r.Stages...)
		r.Hints, r.Next, r.Moves = append(r.Hints, r.Hints...), append(r.Next, r.Next...), append(r.Moves, r.Moves...)
		c := r.Contents
		c.Layers, c.Largest, c.Waste, c.Kinds = append(c.Layers, c.Layers...), append(c.Largest, c.Largest...), append(c.Waste, c.Waste...), append(c.Kinds, c.Kinds...)
		f := &r.Findings
		f.Incomplete, f.Inventory, f.Models, f.Secrets = append(f.Incomplete, f.Incomplete...), append(f.Inventory, f.Inventory...), append(f.Models, f.Models...), append(f.Secrets, f.Secrets...)
	}
	for range 6 {
		r.History = append(r.History, r.History...)
	}
	pageOf(t, r)
}

// checkPage holds a page of hostile text against what ours is made of.
func checkPage(t *testing.T, r report.Report) {
	t.Helper()
	got := pageOf(t, r)
	body := got[strings.Index(got, "</style>"):]
	for _, bad := range []string{"<script", "javascript:", "<img", "<iframe", "onload=", "style=", "<!--"} {
		if rest := strings.ToLower(body); strings.Contains(rest, bad) && !escapedOnly(rest, bad) {
			t.Errorf("the page has %s: %.300s", bad, rest[strings.Index(rest, bad):])
		}
	}
	if i := strings.IndexFunc(body, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("unprintable at %d: %q", i, body[i:i+20])
	}
}

// escapedOnly reports whether bad stands in text only, where it is harmless.
func escapedOnly(body, bad string) bool {
	for tag := range strings.SplitSeq(body, "<") {
		tag, _, _ = strings.Cut(tag, ">")
		if strings.HasPrefix("<"+tag, bad) && strings.HasPrefix(bad, "<") {
			return false
		}
		outside := "" // of quotes
		for i, part := range strings.Split(tag, `"`) {
			if i%2 == 0 {
				outside += part
			} else if strings.HasPrefix(part, bad) {
				return false
			}
		}
		if !strings.HasPrefix(bad, "<") && strings.Contains(outside, bad) {
			return false
		}
	}
	return true
}
