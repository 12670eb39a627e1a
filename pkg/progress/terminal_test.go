package progress_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/progress"
)

// screen is a terminal that knows the sequences that progress may use and
// refuses all others.
type screen struct {
	t      *testing.T
	width  int
	lines  [][]rune
	row    int
	col    int
	writes int
}

func (s *screen) Write(data []byte) (int, error) {
	s.writes++
	rest := []rune(string(data))
	for len(rest) > 0 {
		r := rest[0]
		rest = rest[1:]
		switch r {
		case '\r':
			s.col = 0
		case '\n':
			s.row, s.col = s.row+1, 0
		case '\x1b':
			rest = s.sequence(rest)
		default:
			s.put(r)
		}
	}
	return len(data), nil
}

func (s *screen) grow() {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
}

func (s *screen) put(r rune) {
	s.grow()
	if s.col >= s.width-1 {
		s.t.Errorf("line %d reaches the last column: %s", s.row, string(s.lines[s.row]))
		return
	}
	line := s.lines[s.row]
	for len(line) <= s.col {
		line = append(line, ' ')
	}
	line[s.col] = r
	s.lines[s.row] = line
	s.col++
}

func (s *screen) sequence(rest []rune) []rune {
	text := string(rest)
	var up int
	switch {
	case strings.HasPrefix(text, "[K"):
		s.grow()
		s.lines[s.row] = s.lines[s.row][:min(s.col, len(s.lines[s.row]))]
		return rest[2:]
	case strings.HasPrefix(text, "[J"):
		s.lines = s.lines[:min(s.row, len(s.lines))]
		return rest[2:]
	}
	if n, err := fmt.Sscanf(text, "[%dA", &up); n != 1 || err != nil || up > s.row {
		s.t.Fatalf("unexpected sequence %.10q on row %d", text, s.row)
	}
	s.row -= up
	return rest[strings.IndexRune(text, 'A')+1:]
}

func (s *screen) String() string {
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return b.String()
}

func terminal(t *testing.T, width int) (*progress.Progress, *clock, *screen) {
	t.Helper()
	c, s := newClock(), &screen{t: t, width: width}
	return progress.New(s, progress.Options{Terminal: true, Width: width, Now: c.now}), c, s
}

func wantScreen(t *testing.T, s *screen, want string) {
	t.Helper()
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), s.String()); diff != "" {
		t.Errorf("screen, -want +got:\n%s", diff)
	}
}

func TestTerminal(t *testing.T) {
	p, c, s := terminal(t, 120)
	p.Update("models/digits.safetensors", 0, 600*mb, "queued")
	p.Update("base sha256:0123456789ab", 0, 40*mb, "queued")
	p.Update("app", 0, 0, "queued")
	c.pass(time.Second)
	p.Update("models/digits.safetensors", 250*mb, 600*mb, "uploading")
	c.pass(time.Second)
	p.Update("app", 2*mb, 0, "")
	c.pass(time.Second)
	p.Update("base sha256:0123456789ab", 10*mb, 40*mb, "downloading")
	wantScreen(t, s, `
models/digits.safetensors     ████████░░░░░░░░░░░░  41%  250MB / 600MB      uploading
base sha256:0123456789ab      █████░░░░░░░░░░░░░░░  25%  10.0MB / 40.0MB    downloading
app                           ░░░░░░░░░░░░░░░░░░░░       2.00MB
total, 0 of 3                 ░░░░░░░░░░░░░░░░░░░░       262MB              87.3MB/s
`)
	p.Update("app", 4*mb, 4*mb, "") // drawn with the next, 100 ms later
	c.pass(time.Second)
	p.Update("base sha256:0123456789ab", 40*mb, 40*mb, "")
	wantScreen(t, s, `
models/digits.safetensors     ████████░░░░░░░░░░░░  41%  250MB / 600MB      uploading
total, 2 of 3                 █████████░░░░░░░░░░░  45%  294MB / 644MB      73.5MB/s, 4.8s left
`)
	c.pass(time.Second)
	p.Update("models/digits.safetensors", 600*mb, 600*mb, "")
	p.Close()
	wantScreen(t, s, "transferred 644MB in 5s (129MB/s)\n")
}

func TestTerminalStopped(t *testing.T) {
	p, c, s := terminal(t, 52)
	_, _ = s.Write([]byte("before\n"))
	p.Update("a model whose name is too long for its column", 30*mb, 100*mb, "uploading")
	c.pass(3 * time.Second)
	p.Update("another", 10*mb, 100*mb, "uploading")
	wantScreen(t, s, `
before
a model whose…   30%  30.0MB / 100MB     uploading
another          10%  10.0MB / 100MB     uploading
total, 0 of 2    20%  40.0MB / 200MB     3.33MB/s,…
`)
	p.Close()
	wantScreen(t, s, "before\nstopped at 40.0MB of 200MB (20%) in 3s (13.3MB/s)\n")
}

func TestTerminalOfEightyColumns(t *testing.T) {
	p, c, s := terminal(t, 80)
	p.Update("models/digits.safetensors", 0, 1100*mb, "uploading")
	c.pass(2 * time.Second)
	p.Update("models/digits.safetensors", 200*mb, 1100*mb, "uploading")
	wantScreen(t, s, `
models/digits.safet…  █░░░░░░░░░  18%  200MB / 1.10GB     uploading
total, 0 of 1         █░░░░░░░░░  18%  200MB / 1.10GB     100MB/s, 9s left
`)
}

func TestTerminalDrawsTenTimesASecondAtMost(t *testing.T) {
	p, c, s := terminal(t, 80)
	for done := range int64(1000) {
		p.Update("model", done*mb, 1000*mb, "")
		c.pass(time.Millisecond)
	}
	if s.writes > 10 {
		t.Errorf("%d writes in a second, want at most 10", s.writes)
	}
}

func TestTerminalShowsEightTransfers(t *testing.T) {
	p, c, s := terminal(t, 80)
	for i := range 20 {
		p.Update(fmt.Sprint("layer ", i), mb, 10*mb, "")
		c.pass(time.Second)
	}
	if len(s.lines) != 9 {
		t.Errorf("%d lines, want 8 transfers and the total:\n%s", len(s.lines), s)
	}
}

func TestTerminalSmallOrNothing(t *testing.T) {
	p, _, s := terminal(t, 80)
	p.Update("app", 1000, 2000, "")
	if s.writes > 0 {
		t.Errorf("a small transfer is drawn:\n%s", s)
	}
	p.Update("app", 0, 2000, "")
	p.Close()
	if s.writes > 0 {
		t.Errorf("nothing moved, and yet:\n%s", s)
	}
}

func TestTerminalHostileNames(t *testing.T) {
	for _, name := range []string{
		"\x1b[2J\x1b]0;x\x07", "a\r\nb", "\u202egnp", "\x9b1A", "\xff\xfe", strings.Repeat("漢字", 500), "",
	} {
		p, c, s := terminal(t, 80) // the screen refuses sequences and wide lines
		p.Update(name, 5*mb, 10*mb, name)
		c.pass(time.Second)
		p.Update(name, 6*mb, 10*mb, name)
		if len(s.lines) != 2 {
			t.Errorf("%q makes %d lines, want 2:\n%s", name, len(s.lines), s)
		}
		p.Close()
		wantScreen(t, s, "stopped at 6.00MB of 10.0MB (60%) in 1s (6.00MB/s)\n")
	}
}
