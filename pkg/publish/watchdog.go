package publish

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// patience is how long silence is taken for work. Zero values are the defaults.
type patience struct {
	stall  time.Duration // without a byte of the body being read; default 60 s
	answer time.Duration // for the response to a write, after its body; default 5 min: registries hash at the end
	grace  time.Duration // for net/http to let go of a body when its request has ended; default 5 s
}

func (p patience) orDefault() patience {
	if p.stall == 0 {
		p.stall = time.Minute
	}
	if p.answer == 0 {
		p.answer = 5 * time.Minute
	}
	if p.grace == 0 {
		p.grace = 5 * time.Second
	}
	return p
}

// stallError is a connection that was cut because nothing moved on it.
type stallError struct {
	waited time.Duration
	what   string
}

func (e *stallError) Error() string {
	return fmt.Sprintf("no %s for %v, connection cut", e.what, e.waited)
}

// watchdog cancels a request that has gone silent.
type watchdog struct {
	patience patience
	cancel   context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	left  int64 // bytes of the body that are still to be read
}

func (p patience) watch(cancel context.CancelCauseFunc, size int64) *watchdog {
	w := &watchdog{patience: p, cancel: cancel, left: size}
	w.timer = time.AfterFunc(w.limit(), w.bite)
	return w
}

func (w *watchdog) limit() time.Duration {
	if w.left > 0 {
		return w.patience.stall
	}
	return w.patience.answer
}

// fed notes that n bytes of the body were read.
func (w *watchdog) fed(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left -= int64(n)
	if n > 0 {
		w.timer.Reset(w.limit())
	}
}

func (w *watchdog) bite() {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := "answer"
	if w.left > 0 {
		what = "byte moved"
	}
	w.cancel(&stallError{w.limit(), what})
}

func (w *watchdog) stop() { w.timer.Stop() }
