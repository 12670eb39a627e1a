package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

func mb(n int64) float64  { return float64(n) / 1e6 }
func mib(n int64) float64 { return float64(n) / (1 << 20) }

// median is the run in the middle by wall time; of an even number, the slower one.
func (r *result) median() (usage, bool) {
	if len(r.runs) == 0 {
		return usage{}, false
	}
	sorted := slices.SortedFunc(slices.Values(r.runs), func(a, b usage) int { return cmp.Compare(a.wall, b.wall) })
	return sorted[len(sorted)/2], true
}

// worst is the largest of a number over all runs.
func (r *result) worst(of func(usage) int64) (n int64) {
	for _, u := range r.runs {
		n = max(n, of(u))
	}
	return n
}

// ratio is how many times longer a took than b.
func (l *lab) ratio(a, b string) (float64, bool) {
	slow, ok := l.results[a].median()
	fast, ok2 := l.results[b].median()
	if !ok || !ok2 || fast.wall == 0 {
		return 0, false
	}
	return float64(slow.wall) / float64(fast.wall), true
}

func (l *lab) times(a, b string) string {
	if n, ok := l.ratio(a, b); ok {
		return fmt.Sprintf("%.2f", n)
	}
	return "–"
}

func (l *lab) write(w io.Writer) {
	l.conditions(w)
	names := cases()
	split, scans := slices.Index(names, shipChange), slices.Index(names, scanCases()[0])
	fmt.Fprintf(w, "\n### First push\n\n")
	l.table(w, names[:split], "bare", bareFirst, shipFirst)
	fmt.Fprintf(w, "\n### One byte of code changed\n\n")
	l.table(w, names[split:scans], "ai-ship fresh", shipFresh, shipChange)
	for _, scene := range []string{scanApp, scanBase} {
		fmt.Fprintf(w, "\n### %s\n\n", strings.TrimSuffix(scene, ": "))
		l.table(w, sceneCases(scene), "trivy", scene+scanTrivy, scene+scanShip)
	}
	for _, name := range names {
		if note := l.results[name].note; note != "" {
			fmt.Fprintf(w, "\n%s: %s.", name, note)
		}
	}
	fmt.Fprintf(w, "\n\n### Bars\n\n")
	for _, b := range l.bars() {
		fmt.Fprintln(w, "- "+b.String())
	}
}

// conditions says where and of what this was measured.
func (l *lab) conditions(w io.Writer) {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Fprintf(w, "## %s\n\n", time.Now().Format("2006-01-02 15:04"))
	fmt.Fprintf(w, "%d shards, %.0f MB of random bytes, %d text files, a Debian base that the registry has. Linux %s, %d CPUs, page cache warm, load at the start %s.\n",
		len(l.data.shards), mb(l.data.bytes()), textFiles, strings.TrimSpace(string(kernel)), runtime.NumCPU(), l.load)
	for _, args := range [][]string{{l.ship, "version"}, {"docker-registry", "--version"}, {"crane", "version"}, {"dockerd", "--version"}, {"buildah", "--version"}, {"buildkitd", "--version"}, {"oras", "version"}, {"trivy", "--version"}} {
		program, err := l.find(args[0])
		if args[0] == l.ship {
			program, err = l.ship, nil
		}
		if err != nil {
			continue
		}
		out, _ := exec.Command(program, args[1:]...).Output()
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		fmt.Fprintf(w, "- %s: %s\n", strings.TrimPrefix(args[0], strings.TrimSuffix(l.ship, "ai-ship")), line)
	}
}

func (l *lab) table(w io.Writer, names []string, title, base, ship string) {
	fmt.Fprintf(w, "| case | wall s | × %s | × ai-ship | peak MiB | written MB | stored MB | registry read MB | others' CPU | all runs s |\n", title)
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, name := range names {
		r := l.results[name]
		u, ok := r.median()
		if !ok {
			fmt.Fprintf(w, "| %s | – | | | | | | | | %v |\n", name, r.err)
			continue
		}
		all := make([]string, len(r.runs))
		for i, run := range r.runs {
			all[i] = fmt.Sprintf("%.2f", run.wall.Seconds())
		}
		failed := ""
		if r.err != nil {
			failed = "; then " + r.err.Error()
		}
		fmt.Fprintf(w, "| %s | %.2f | %s | %s | %.0f | %.1f | %.1f | %.1f | %.0f %% | %s%s |\n",
			name, u.wall.Seconds(), l.times(name, base), l.times(name, ship),
			mib(r.worst(func(u usage) int64 { return u.peak })), mb(r.worst(func(u usage) int64 { return u.written })),
			mb(u.stored), mb(u.read), 100*u.others, strings.Join(all, " "), failed)
	}
}
