package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/unit"
)

const (
	maxActive  = 8  // transfers with a line of their own
	bytesCells = 17 // columns for 999MB / 1.23GB
)

// layout gives the columns for a name and for a bar, so that rate and time
// left still fit beside them. Very narrow terminals get no bar.
func layout(width int) (name, bar int) {
	switch {
	case width >= 104:
		return 28, 20
	case width >= 76:
		return 20, 10
	}
	return 14, 0
}

// redraw draws the active transfers and their sum over the last drawing. It
// is one write, and each line clears only its own rest, so nothing flickers.
func (p *Progress) redraw(now time.Time, s sum) {
	if p.drawn > 0 && now.Sub(p.last) < redrawEvery {
		return
	}
	p.last = now
	var lines []string
	for _, it := range p.items {
		if len(lines) == maxActive {
			break
		}
		if it.done > 0 && !it.complete() {
			lines = append(lines, p.itemLine(*it))
		}
	}
	lines = append(lines, p.totalLine(now, s))

	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn) // up to our first line
	}
	for _, line := range lines {
		// The last column stays free: filling it wraps on some terminals.
		b.WriteString("\r" + fit(line, p.opts.Width-1) + "\x1b[K\n")
	}
	if len(lines) < p.drawn {
		b.WriteString("\x1b[J") // lines of transfers that are complete
	}
	p.drawn = len(lines)
	p.write(b.String())
}

// erase takes the drawing away.
func (p *Progress) erase() string {
	if p.drawn == 0 {
		return ""
	}
	text := fmt.Sprintf("\x1b[%dA\r\x1b[J", p.drawn)
	p.drawn = 0
	return text
}

func (p *Progress) itemLine(it item) string {
	return strings.TrimRight(p.barLine(it.name, it.done, it.total)+"  "+it.note, " ")
}

func (p *Progress) totalLine(now time.Time, s sum) string {
	name := fmt.Sprintf("total, %d of %d", s.complete, s.files)
	return p.barLine(name, s.done, s.total) + strings.Replace(p.pace(now, s), ", ", "  ", 1)
}

func (p *Progress) barLine(name string, done, total int64) string {
	bytes, percentage := unit.FormatBytes(done), "    "
	if total > 0 {
		bytes += " / " + unit.FormatBytes(total)
		percentage = fmt.Sprintf("%3d%%", percent(done, total))
	}
	nameCells, barCells := layout(p.opts.Width)
	line := pad(fit(name, nameCells), nameCells) + "  "
	if barCells > 0 {
		line += bar(done, total, barCells) + " "
	}
	return line + percentage + "  " + pad(bytes, bytesCells)
}

func bar(done, total int64, cells int) string {
	n := 0
	if total > 0 {
		n = int(min(float64(done)/float64(total), 1) * float64(cells))
	}
	return strings.Repeat("█", n) + strings.Repeat("░", cells-n)
}

// cells is how many columns r takes on most terminals. It guesses wide rather
// than narrow: a line that wraps would break the drawing.
func cells(r rune) int {
	if r >= 0x1100 && (r < 0x2000 || r > 0x2bff) {
		return 2
	}
	return 1
}

func width(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r)
	}
	return n
}

// fit cuts text to n columns, with an ellipsis in place of what is cut.
func fit(text string, n int) string {
	if width(text) <= n {
		return text
	}
	used := 0
	for i, r := range text {
		if used += cells(r); used > n-1 {
			return text[:i] + "…"
		}
	}
	return text
}

func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(n-width(text), 0))
}

const maxName = 256 // bytes of a name or note that are looked at

// clean makes an untrusted name one line.
func clean(name string) string { return plain.Text(name[:min(len(name), maxName)]) }
