package main

import "fmt"

// bar is a promise and what was measured.
type bar struct {
	promise  string
	measured string // empty: not measured
	met      bool
}

func (b bar) String() string {
	switch {
	case b.measured == "":
		return "NOT MEASURED: " + b.promise
	case b.met:
		return "PASS: " + b.promise + " (" + b.measured + ")"
	default:
		return "FALLS SHORT: " + b.promise + " (" + b.measured + ")"
	}
}

const (
	maxPeak        = 100 << 20 // bytes of memory
	maxWritten     = 4 << 20   // bytes of reports, cache and the file system's own; a copy of a model would be far more
	maxScanPeak    = 300 << 20 // bytes of memory, of which the program's own pages are about 136 MiB
	maxScanWritten = 1_000_000 // bytes
	maxChange      = 1 << 20   // bytes that a code-only change may send: the layer, the config and the manifests
)

// bars are the promises of `make bench`.
func (l *lab) bars() []bar {
	return append(append(l.pushBars(), l.scanBars(scanApp)...), l.scanBars(scanBase)...)
}

func (l *lab) scanBars(scene string) []bar {
	return []bar{
		l.below(scene+"peak memory under 300 MiB", maxScanPeak, func(u usage) int64 { return u.peak }, scene+scanShip, scene+scanAgain),
		l.below(scene+"no temporary copy of a model: under 1 MB written beside the cache and the reports", maxScanWritten, func(u usage) int64 { return u.written - u.cancelled }, scene+scanShip, scene+scanAgain),
		l.atMost(scene+"at most half the time of the trivy CLI", scene+scanShip, scene+scanTrivy, 0.5),
		l.atMost(scene+"at most half the time of the trivy CLI with --scanners vuln", scene+scanShip, scene+scanTrivyFew, 0.5),
		l.atLeast(scene+"a second scan at least 10 × faster", scene+scanStage, scene+scanAgain, 10),
	}
}

func (l *lab) pushBars() []bar {
	return []bar{
		l.atMost("first push at most 1.25 × the bare upload", shipFirst, bareFirst, 1.25),
		l.atLeast("first push at least 3 × faster than crane append", craneFirst, shipFirst, 3),
		l.atLeast("first push at least 5 × faster than BuildKit with its defaults", buildkitFirst, shipFirst, 5),
		l.below("peak memory under 100 MiB", maxPeak, func(u usage) int64 { return u.peak }, shipFirst, shipChange, shipFresh),
		l.below("no temporary file: under 4 MiB written", maxWritten, func(u usage) int64 { return u.written }, shipFirst, shipChange, shipFresh),
		l.within("code-only change under 0.5 s with the local cache", shipChange, 0.5),
		l.within("code-only change under 3 s without any cache", shipFresh, 3),
		l.atLeast("that at least 8 × faster than BuildKit with a registry cache", buildkitFresh, shipFresh, 8),
		l.below("code-only change sends that layer's bytes only: the registry read under 1 MiB", maxChange, func(u usage) int64 { return u.read }, shipChange, shipFresh),
	}
}

func (l *lab) atMost(promise, a, b string, limit float64) bar {
	n, ok := l.ratio(a, b)
	return l.judge(promise, ok, n <= limit, "%.2f ×", n)
}

func (l *lab) atLeast(promise, a, b string, limit float64) bar {
	n, ok := l.ratio(a, b)
	return l.judge(promise, ok, n >= limit, "%.1f ×", n)
}

func (l *lab) within(promise, name string, seconds float64) bar {
	u, ok := l.results[name].median()
	return l.judge(promise, ok, u.wall.Seconds() < seconds, "%.2f s", u.wall.Seconds())
}

// below holds the worst run of every case to a limit of bytes.
func (l *lab) below(promise string, limit int64, of func(usage) int64, names ...string) bar {
	var worst int64
	measured := true
	for _, name := range names {
		measured = measured && len(l.results[name].runs) > 0
		worst = max(worst, l.results[name].worst(of))
	}
	return l.judge(promise, measured, worst < limit, "%.2f MiB", mib(worst))
}

func (l *lab) judge(promise string, measured, met bool, format string, value float64) bar {
	if !measured {
		return bar{promise: promise}
	}
	return bar{promise, fmt.Sprintf(format, value), met}
}
