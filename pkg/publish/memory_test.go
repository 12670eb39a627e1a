package publish

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestPushNeedsLittleMemory pushes a gibibyte and watches the heap.
func TestPushNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves a gibibyte")
	}
	const limit = 64 << 20 // bytes
	base := sink(t)
	a := image(t, newView(1, 256<<20), newView(2, 256<<20), newView(3, 256<<20), newView(4, 256<<20))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before) // what other tests have left
	var highest atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			highest.Store(max(highest.Load(), m.HeapAlloc-min(m.HeapAlloc, before.HeapAlloc)))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	result, err := (Registry{}).Push(t.Context(), repository(t, base, "acme/digits"), a)
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("heap grew by at most %d MiB", highest.Load()>>20)
	if highest.Load() > limit {
		t.Errorf("heap grew by %d bytes, want at most %d", highest.Load(), limit)
	}
	if read := result.Transfer.Read - 1<<30; read < 0 || read > 4<<10 { // the config is read, too
		t.Errorf("read %d bytes, want each once", result.Transfer.Read)
	}
}
