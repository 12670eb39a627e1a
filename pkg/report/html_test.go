package report_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/org/ai-ship/pkg/layer"
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

// tiles are the rectangles of the wide treemap: x, y, width and height.
func tiles(t *testing.T, page string) (layers, inside [][4]float64) {
	t.Helper()
	_, drawing, _ := strings.Cut(page, `<svg class="treemap wide"`)
	drawing, _, _ = strings.Cut(drawing, "</svg>")
	for _, m := range regexp.MustCompile(`<rect class="kind-[a-z]+( inside)?" x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"`).FindAllStringSubmatch(drawing, -1) {
		var r [4]float64
		for i := range r {
			v, err := strconv.ParseFloat(m[i+2], 64)
			if err != nil {
				t.Fatal(err)
			}
			r[i] = v
		}
		if m[1] == "" {
			layers = append(layers, r)
		} else {
			inside = append(inside, r)
		}
	}
	return layers, inside
}

func TestTreemap(t *testing.T) {
	layers, inside := tiles(t, pageOf(t, storied()))
	sizes := []float64{352_000_000, 30_100_000, 29_800_000, 4_096} // the largest first
	if len(layers) != len(sizes) || len(inside) < 8 {
		t.Fatalf("%d layers and %d tiles in them", len(layers), len(inside))
	}
	const gap, width, height = 2, 1000, 420
	for i, r := range layers {
		if want := sizes[i] / 411_904_096 * width * height; want > 1000 && math.Abs((r[2]+gap)*(r[3]+gap)/want-1) > 0.05 {
			t.Errorf("layer %d has the area %v, want %v", i, r[2]*r[3], want)
		}
	}
	for n, all := range [][][4]float64{layers, inside} {
		for i, a := range all {
			if a[0] < 0 || a[1] < 0 || a[0]+a[2] > width+0.2 || a[1]+a[3] > height+0.2 {
				t.Errorf("%v leaves the picture", a)
			}
			for _, b := range all[i+1:] {
				if min(a[0]+a[2], b[0]+b[2])-max(a[0], b[0]) > 0.2 && min(a[1]+a[3], b[1]+b[3])-max(a[1], b[1]) > 0.2 {
					t.Errorf("%d: %v and %v lie on each other", n, a, b)
				}
			}
		}
	}
}

// A chart says nothing that its table does not, so one name that Mermaid might
// take for syntax is enough to leave it out.
func TestChartsAreDroppedForOddNames(t *testing.T) {
	if got := strings.Count(markdown(t, storied()), "```mermaid"); got != 2 {
		t.Errorf("%d charts, want 2", got)
	}
	for _, odd := range []string{`a"b`, "a\nb", "a;b", "%%{init}%%", "a]", "", "#quot;", strings.Repeat("a", 41), "中"} {
		r := storied()
		c := contents()
		c.Kinds[1].Kind = layer.Kind(odd)
		r.Contents, r.History[2].Version = &c, odd+"\""
		got := markdown(t, r)
		if strings.Contains(got, "```mermaid") {
			t.Errorf("%q is in a chart", odd)
		}
		if !strings.Contains(got, "352MB") || !strings.Contains(got, "5 images before this one") {
			t.Errorf("%q costs a table", odd)
		}
	}
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
