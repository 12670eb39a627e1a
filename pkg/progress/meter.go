package progress

import (
	"fmt"
	"math"
	"time"

	"github.com/org/ai-ship/pkg/unit"
)

const (
	meterWindow = 10 * time.Second       // over which the rate is taken
	meterStep   = 500 * time.Millisecond // between samples
)

// meter tells the rate of the last seconds, so that it follows a line that
// gets faster or stalls.
type meter struct {
	samples []sample // oldest first
	done    int64
}

type sample struct {
	at   time.Time
	done int64
}

func (m *meter) add(now time.Time, done int64) {
	m.done = done
	if n := len(m.samples); n > 0 && now.Sub(m.samples[n-1].at) < meterStep {
		return
	}
	for len(m.samples) > 1 && now.Sub(m.samples[1].at) >= meterWindow {
		m.samples = m.samples[1:]
	}
	m.samples = append(m.samples, sample{now, done})
}

// rate is in bytes a second; 0 when it is not known yet, or when a retry took
// bytes back.
func (m *meter) rate(now time.Time) float64 {
	if len(m.samples) == 0 {
		return 0
	}
	first := m.samples[0]
	took := now.Sub(first.at)
	if took < meterStep {
		return 0
	}
	return max(float64(m.done-first.done)/took.Seconds(), 0)
}

func rate(perSecond float64) string {
	return unit.FormatBytes(int64(perSecond)) + "/s"
}

const longest = 100 * time.Hour // that is worth telling apart

func remaining(left int64, perSecond float64) time.Duration {
	return time.Duration(min(float64(left)/perSecond, longest.Seconds()) * float64(time.Second))
}

// duration prints 0.4s, 12s, 3m20s or 2h5m.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return fmt.Sprintf("%gs", math.Round(d.Seconds()*10)/10)
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d >= longest:
		return "over 100h"
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
}
