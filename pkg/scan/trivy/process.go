package trivy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	tlog "github.com/aquasecurity/trivy/pkg/log"
	xos "github.com/aquasecurity/trivy/pkg/x/os"
)

// process is what trivy has once in a process. Its analyzers keep the logger
// of the scan that used them first, so there is one logger for all scans.
var process = struct { //nolint:gochecknoglobals // trivy's state is the process's
	turn chan struct{} // holds one token while a scan runs
	log  *collector
	jars *jars // of the scan that runs

	stream *readAhead // of the layer that is read
}{turn: make(chan struct{}, 1), log: &collector{}}

// enter waits for the turn to use trivy. What it returns ends the turn, and
// removes what trivy left in the temporary folder.
func enter(ctx context.Context) (leave func() error, err error) {
	select {
	case process.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for another scan: %w", context.Cause(ctx))
	}
	// xos.Cleanup removes the folder for good, and trivy goes on using its name.
	if err := os.MkdirAll(xos.TempDir(), 0o700); err != nil {
		<-process.turn
		return nil, fmt.Errorf("creating trivy's temporary folder: %w", err)
	}
	before := slog.Default()
	if _, ok := before.Handler().(*tlog.DeferredHandler); ok {
		// Importing trivy put it there; it keeps every record for ever.
		before = slog.New(slog.DiscardHandler)
	}
	process.log.start()
	slog.SetDefault(slog.New(&handler{to: process.log}))
	return func() error {
		slog.SetDefault(before)
		process.log.stop()
		err := xos.Cleanup()
		<-process.turn
		return err
	}, nil
}

// errPanic is what guarded makes of a panic.
var errPanic = errors.New("trivy panicked")

// guarded turns a panic of trivy, which a damaged database or document causes,
// into an error. A mapped file that is cut while it is read panics too instead
// of ending the process. Panics of trivy's own goroutines cannot be caught.
func guarded(doing string, do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %w: %v", doing, errPanic, r)
		}
	}()
	return do()
}
