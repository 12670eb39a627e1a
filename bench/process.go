package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A look at a process tree costs about a millisecond, so it is taken often only
// as long as a short case may end. VmHWM does not forget in between.
const (
	often  = 10 * time.Millisecond
	early  = time.Second // of a case
	seldom = 100 * time.Millisecond
)

// tree is a process and its descendants, the process first.
func tree(pid int) []int {
	pids := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(child); err == nil {
				pids = append(pids, tree(n)...)
			}
		}
	}
	return pids
}

// written is what the tree below pid has written to files, in bytes, with the
// children that have ended and been waited for (proc(5), write_bytes).
func written(pid int) (n int64) {
	for _, p := range tree(pid) {
		n += counter(p, "write_bytes")
	}
	return n
}

// counter reads a line of /proc/PID/io.
func counter(pid int, key string) int64 {
	return field(fmt.Sprintf("/proc/%d/io", pid), key)
}

func field(file, key string) int64 {
	text, _ := os.ReadFile(file)
	for line := range bytes.Lines(text) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && string(name) == key {
			if number, _, _ := bytes.Cut(bytes.TrimSpace(value), []byte(" ")); len(number) > 0 {
				n, _ := strconv.ParseInt(string(number), 10, 64)
				return n
			}
		}
	}
	return 0
}

// cpu is what the tree below pid has used, with the children that have ended
// and been waited for, in the clock ticks of ticks (proc(5), stat).
func cpu(pid int) (n int64) {
	for _, p := range tree(pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p))
		// The name, in brackets, may hold anything.
		words := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		const utime, cstime = 11, 14 // counted from the state
		if len(words) <= cstime {
			continue
		}
		for _, word := range words[utime : cstime+1] {
			t, _ := strconv.ParseInt(word, 10, 64)
			n += t
		}
	}
	return n
}

// memory finds the peak memory of process trees: at each look, the sum of the
// VmHWM of the processes that live; of all looks, the largest.
type memory struct {
	mu   sync.Mutex
	pids []int
	peak int64 // bytes
	quit chan struct{}
	gone chan struct{}
}

func watchMemory(pids ...int) *memory {
	m := &memory{pids: pids, quit: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(m.gone)
		tick := time.NewTicker(often)
		defer tick.Stop()
		for begin, slowed := time.Now(), false; ; {
			m.look()
			if !slowed && time.Since(begin) > early {
				tick.Reset(seldom)
				slowed = true
			}
			select {
			case <-tick.C:
			case <-m.quit:
				return
			}
		}
	}()
	return m
}

func (m *memory) look() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum int64
	for _, root := range m.pids {
		for _, p := range tree(root) {
			sum += field(fmt.Sprintf("/proc/%d/status", p), "VmHWM") << 10
		}
	}
	m.peak = max(m.peak, sum)
}

func (m *memory) add(pid int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pids = append(m.pids, pid)
}

// stop returns the peak in bytes.
func (m *memory) stop() int64 {
	close(m.quit)
	<-m.gone
	return m.peak
}

// busy is the share of the CPUs' time that was used during d, 0 to 1.
func busy(d time.Duration) float64 {
	used, all := ticks()
	time.Sleep(d)
	usedLater, allLater := ticks()
	if allLater == all {
		return 0
	}
	return float64(usedLater-used) / float64(allLater-all)
}

// ticks reads the CPUs' time since boot: in use, and in all.
func ticks() (used, all int64) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for i, word := range strings.Fields(string(line)) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || i > 8 { // the name; guest time, which user time holds
			continue
		}
		all += n
		if i != 4 && i != 5 { // idle and waiting for the disk
			used += n
		}
	}
	return used, all
}
