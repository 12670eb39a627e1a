package progress_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/progress"
)

const mb = 1_000_000

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func plain(t *testing.T) (*progress.Progress, *clock, *strings.Builder) {
	t.Helper()
	c, out := newClock(), new(strings.Builder)
	return progress.New(out, progress.Options{Now: c.now}), c, out
}

func TestPlainLinePerTenth(t *testing.T) {
	p, c, out := plain(t)
	p.Update("model", 0, 80*mb, "")
	p.Update("app", 0, 20*mb, "")
	for done := int64(1); done <= 80; done++ {
		c.pass(100 * time.Millisecond)
		p.Update("model", done*mb, 80*mb, "uploading")
	}
	c.pass(time.Second)
	p.Update("app", 20*mb, 20*mb, "uploading")
	p.Close()
	p.Close()
	p.Update("late", 5*mb, 9*mb, "")
	want := `10.0MB of 100MB (10%), 10.0MB/s, 9s left
20.0MB of 100MB (20%), 10.0MB/s, 8s left
30.0MB of 100MB (30%), 10.0MB/s, 7s left
40.0MB of 100MB (40%), 10.0MB/s, 6s left
50.0MB of 100MB (50%), 10.0MB/s, 5s left
60.0MB of 100MB (60%), 10.0MB/s, 4s left
70.0MB of 100MB (70%), 10.0MB/s, 3s left
80.0MB of 100MB (80%), 10.0MB/s, 2s left
transferred 100MB in 9s (11.1MB/s)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPlainLineEveryTenSeconds(t *testing.T) {
	p, c, out := plain(t)
	const total = 100_000 * mb
	for done := int64(0); done <= 240; done++ {
		p.Update("model", done*mb, total, "")
		c.pass(125 * time.Millisecond)
	}
	p.Close()
	want := `80.0MB of 100GB (0%), 8.00MB/s, 3h28m left
160MB of 100GB (0%), 8.00MB/s, 3h28m left
240MB of 100GB (0%), 8.00MB/s, 3h28m left
stopped at 240MB of 100GB (0%) in 30s (7.97MB/s)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPlain(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(*progress.Progress, *clock)
		want string
	}{
		{"nothing told", func(*progress.Progress, *clock) {}, ""},
		{"nothing moved", func(p *progress.Progress, c *clock) {
			p.Update("model", 0, 500*mb, "queued")
			c.pass(5 * time.Second)
		}, ""},
		{"small", func(p *progress.Progress, c *clock) {
			for i := range int64(11) {
				p.Update("app", i*50_000, 500_000, "")
				c.pass(11 * time.Second)
			}
		}, "transferred 500kB in 2m1s (4.13kB/s)\n"},
		{"at once", func(p *progress.Progress, c *clock) {
			p.Update("app", 500*mb, 500*mb, "")
			c.pass(200 * time.Millisecond)
		}, "transferred 500MB in 0.2s\n"},
		{"unknown total", func(p *progress.Progress, c *clock) {
			p.Update("a", 0, 0, "")
			p.Update("b", 5*mb, 5*mb, "")
			c.pass(10 * time.Second)
			p.Update("a", 95*mb, -1, "")
		}, "100MB, 10.0MB/s\ntransferred 100MB in 10s (10.0MB/s)\n"},
		{"a retry goes back", func(p *progress.Progress, c *clock) {
			p.Update("a", 0, 100*mb, "")
			c.pass(time.Second)
			p.Update("a", 50*mb, 100*mb, "")
			c.pass(10 * time.Second)
			p.Update("a", -1, 100*mb, "retrying")
			c.pass(time.Second)
			p.Update("a", 100*mb, 100*mb, "")
		}, "50.0MB of 100MB (50%), 50.0MB/s, 1s left\n0B of 100MB (0%)\ntransferred 100MB in 12s (8.33MB/s)\n"},
		{"the clock goes back", func(p *progress.Progress, c *clock) {
			p.Update("a", 0, 100*mb, "")
			c.pass(-time.Hour)
			p.Update("a", 50*mb, 100*mb, "")
		}, "50.0MB of 100MB (50%)\nstopped at 50.0MB of 100MB (50%) in 0s\n"},
		{"more than announced", func(p *progress.Progress, c *clock) {
			p.Update("a", 300*mb, 100*mb, "")
			c.pass(200 * time.Hour)
		}, "300MB of 100MB (100%)\ntransferred 300MB in over 100h (416B/s)\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, c, out := plain(t)
			tc.run(p, c)
			p.Close()
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestManyGoroutines(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		c, out := newClock(), new(strings.Builder)
		p := progress.New(out, progress.Options{Terminal: terminal, Now: c.now})
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for done := int64(0); done <= 100; done++ {
					p.Update(fmt.Sprint("layer ", g), done*mb, 100*mb, "uploading")
					c.pass(time.Millisecond)
				}
			})
		}
		wg.Wait()
		p.Close()
		if !strings.Contains(out.String(), "transferred 1.60GB in 1.6s (990MB/s)\n") {
			t.Errorf("terminal=%v: last line is not the sum:\n%s", terminal, out)
		}
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestDefaultsAndBrokenWriter(t *testing.T) {
	p := progress.New(broken{}, progress.Options{Terminal: true})
	p.Update("a", 50*mb, 100*mb, "")
	p.Close() // neither may panic
}
