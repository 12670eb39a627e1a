package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedianIsNeverTheFasterHalf(t *testing.T) {
	for _, test := range []struct {
		seconds []int
		want    int
	}{
		{[]int{3}, 3},
		{[]int{1, 2}, 2},
		{[]int{9, 1, 5}, 5},
	} {
		var r result
		for _, s := range test.seconds {
			r.runs = append(r.runs, usage{wall: time.Duration(s) * time.Second})
		}
		if u, ok := r.median(); !ok || u.wall != time.Duration(test.want)*time.Second {
			t.Errorf("median of %v: %v, want %d s", test.seconds, u.wall, test.want)
		}
	}
	if _, ok := new(result).median(); ok {
		t.Error("no runs have a median")
	}
}

func TestBarsSayWhatWasNotMeasured(t *testing.T) {
	l := &lab{results: make(map[string]*result)}
	for _, name := range cases() {
		l.results[name] = &result{err: errNotAsked}
	}
	for _, b := range l.bars() {
		if !strings.HasPrefix(b.String(), "NOT MEASURED: ") {
			t.Errorf("%s, want not measured", b)
		}
	}
	l.results[bareFirst].runs = []usage{{wall: 4 * time.Second}}
	l.results[shipFirst].runs = []usage{{wall: 5 * time.Second}}
	l.results[craneFirst].runs = []usage{{wall: 14 * time.Second}}
	bars := l.bars()
	if got := bars[0].String(); !strings.HasPrefix(got, "PASS: ") || !strings.HasSuffix(got, "(1.25 ×)") {
		t.Error(got)
	}
	if got := bars[1].String(); !strings.HasPrefix(got, "FALLS SHORT: ") || !strings.HasSuffix(got, "(2.8 ×)") {
		t.Error(got)
	}
}

func TestCountersSeeAChildThatHasEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	cmd := exec.Command("sh", "-c", "head -c 1000000 /dev/zero >"+file+"; echo; exec sleep 60")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if n := counter(cmd.Process.Pid, "wchar"); n < 1_000_000 {
		t.Errorf("%d bytes written, want at least the child's 1000000", n)
	}
	if pids := tree(os.Getpid()); len(pids) < 2 || pids[0] != os.Getpid() {
		t.Errorf("tree %v, want this process and its child", pids)
	}
	m := watchMemory(cmd.Process.Pid)
	if peak := m.stop(); peak <= 0 {
		t.Errorf("peak %d", peak)
	}
}

func TestChangeAlwaysChanges(t *testing.T) {
	project := t.TempDir()
	if err := writeSources(project); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for nth := range 200 {
		if err := changeByte(project, nth%3); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(project, "src", "part5", "file100.py"))
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(text)] {
			t.Fatalf("change %d made a text that was there before", nth)
		}
		seen[string(text)] = true
	}
}
