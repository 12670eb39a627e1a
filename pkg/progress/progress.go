package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/org/ai-ship/pkg/unit"
)

// Options say where the lines go.
type Options struct {
	Terminal bool             // redraw lines in place; otherwise only add lines
	Width    int              // columns of the terminal; 0 means 80
	Now      func() time.Time // the clock; nil means time.Now
}

const (
	defaultWidth = 80
	redrawEvery  = 100 * time.Millisecond // on a terminal
	lineEvery    = 10 * time.Second       // elsewhere
	lineStep     = 10                     // percent; elsewhere
	minShown     = 1 << 20                // bytes; smaller totals get only the last line
)

// Progress adds up transfers and prints them. Writing is best effort: an error
// of the writer never stops a transfer.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	opts  Options
	items []*item // in the order of their first Update
	index map[string]*item
	meter meter

	start    time.Time
	last     time.Time // of the last line or drawing
	step     int       // last percentage printed, in steps of lineStep
	drawn    int       // lines on the terminal that are ours
	finished bool
}

// item is one transfer.
type item struct {
	name, note  string
	done, total int64
}

func (i item) complete() bool { return i.total > 0 && i.done >= i.total }

// New returns a Progress that writes to w. The caller closes it.
func New(w io.Writer, opts Options) *Progress {
	if opts.Width <= 0 {
		opts.Width = defaultWidth
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Progress{w: w, opts: opts, index: make(map[string]*item)}
}

// Update says that done of total bytes of the named transfer have moved; both
// are absolute, so a retry may go back. A total of 0 or less is not known yet.
// The note, such as "uploading", stands beside the bar. Percentages are steady
// when every total is announced, with done 0, before the first byte moves.
// What moves no bytes, such as a mounted layer, is not for Update. After Close
// it does nothing.
func (p *Progress) Update(name string, done, total int64, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	now := p.opts.Now()
	it := p.index[name]
	if it == nil {
		it = &item{name: clean(name)}
		p.index[name] = it
		p.items = append(p.items, it)
	}
	if p.start.IsZero() {
		p.start, p.last = now, now
	}
	it.done, it.total, it.note = max(done, 0), max(total, 0), clean(note)
	s := p.sum()
	p.meter.add(now, s.done)
	if max(s.done, s.total) < minShown {
		return
	}
	if p.opts.Terminal {
		p.redraw(now, s)
	} else {
		p.addLine(now, s)
	}
}

// Close replaces what is drawn by one last line, which says how much moved in
// which time; it writes nothing when nothing moved. A second Close does nothing.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished = true
	s := p.sum()
	text := p.erase()
	if s.done > 0 {
		text += s.final(p.opts.Now().Sub(p.start)) + "\n"
	}
	p.write(text)
}

// sum is all transfers together.
type sum struct {
	done, total     int64 // total is 0 while one of them is not known
	files, complete int
}

func (p *Progress) sum() sum {
	s := sum{files: len(p.items)}
	known := true
	for _, it := range p.items {
		s.done += it.done
		s.total += it.total
		known = known && it.total > 0
		if it.complete() {
			s.complete++
		}
	}
	if !known {
		s.total = 0
	}
	return s
}

func (s sum) percent() int { return percent(s.done, s.total) }

// percent rounds down and never exceeds 100; it is 0 without a total.
func percent(done, total int64) int {
	if total <= 0 {
		return 0
	}
	return int(min(float64(done)/float64(total), 1) * 100)
}

// amount is how much has moved, as 200MB of 412MB (48%).
func (s sum) amount() string {
	if s.total <= 0 {
		return unit.FormatBytes(s.done)
	}
	return fmt.Sprintf("%s of %s (%d%%)", unit.FormatBytes(s.done), unit.FormatBytes(s.total), s.percent())
}

func (s sum) final(took time.Duration) string {
	// A total that was never told leaves done as the only truth.
	text := "transferred " + unit.FormatBytes(s.done)
	if s.total > s.done {
		text = "stopped at " + s.amount()
	}
	text += " in " + duration(took)
	if took >= time.Second {
		text += " (" + rate(float64(s.done)/took.Seconds()) + ")"
	}
	return text
}

// pace is the rate and the time left, each where it is known, with a
// separator before it.
func (p *Progress) pace(now time.Time, s sum) string {
	perSecond := p.meter.rate(now)
	if perSecond <= 0 {
		return ""
	}
	text := ", " + rate(perSecond)
	if left := s.total - s.done; left > 0 {
		text += ", " + duration(remaining(left, perSecond)) + " left"
	}
	return text
}

// addLine writes a line for every tenth of the total and for every ten
// seconds. It is not for the end, which Close tells.
func (p *Progress) addLine(now time.Time, s sum) {
	step := s.percent() / lineStep
	if step <= p.step && now.Sub(p.last) < lineEvery || s.done == s.total {
		return
	}
	p.last = now
	p.step = max(p.step, step)
	p.write(s.amount() + p.pace(now, s) + "\n")
}

func (p *Progress) write(text string) {
	if text != "" {
		_, _ = io.WriteString(p.w, text)
	}
}
