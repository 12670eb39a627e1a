package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what one run of a case took.
type usage struct {
	wall    time.Duration
	peak    int64 // bytes, see memory
	written int64 // bytes to files, by clients and daemons, the registry not counted
	// cancelled bytes of written never reached the disk, as their files were
	// deleted before; of the clients only.
	cancelled int64
	stored    int64   // bytes of new blobs in the registry
	read      int64   // bytes that the registry process read, from sockets and files: at least what it was sent
	others    float64 // share of the CPUs' time that other processes, and the kernel for itself, used meanwhile
}

// job is what is measured: commands, one after the other, and the daemons that
// work for them.
type job struct {
	steps   [][]string
	dir     string   // working directory of the commands
	env     []string // in addition to this process's
	daemons []*daemon
}

// measure runs j against r.
func (l *lab) measure(ctx context.Context, r *registry, j job) (usage, error) {
	l.settle(ctx)
	var u usage
	u.stored, u.read = -r.stored(), -counter(r.pid(), "rchar")
	mem := watchMemory()
	ours := -cpu(r.pid())
	for _, d := range j.daemons {
		u.written -= written(d.pid())
		ours -= cpu(d.pid())
		mem.add(d.pid())
	}
	used, all := ticks()
	begin := time.Now()
	for _, step := range j.steps {
		done, err := l.execute(ctx, mem, j, step)
		if err != nil {
			mem.stop()
			return u, err
		}
		u.written += done.written
		u.cancelled += done.cancelled
		ours += done.cpu
	}
	u.wall = time.Since(begin)
	usedLater, allLater := ticks()
	u.peak = mem.stop()
	ours += cpu(r.pid())
	for _, d := range j.daemons {
		u.written += written(d.pid())
		ours += cpu(d.pid())
	}
	u.others = max(0, float64(usedLater-used-ours)/float64(max(1, allLater-all)))
	u.stored += r.stored()
	u.read += counter(r.pid(), "rchar")
	return u, nil
}

// settle writes out what is dirty and waits until the CPUs are free, within
// reason.
func (l *lab) settle(ctx context.Context) {
	unix.Sync()
	const free = 0.15 // of the CPUs' time
	for deadline := time.Now().Add(l.calm); busy(time.Second) > free && time.Now().Before(deadline) && ctx.Err() == nil; {
	}
}

// ended is what a command had used when it ended.
type ended struct {
	written, cancelled int64 // bytes
	cpu                int64 // clock ticks
}

// execute runs one command. Its output goes to a log file.
func (l *lab) execute(ctx context.Context, mem *memory, j job, args []string) (ended, error) {
	out, err := os.OpenFile(filepath.Join(l.work, "commands.log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return ended{}, err
	}
	defer out.Close()
	from, _ := out.Seek(0, 2)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, j.dir
	cmd.Env = append(os.Environ(), j.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return ended{}, err
	}
	pid := cmd.Process.Pid
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-pid, syscall.SIGTERM) })
	defer stop()
	mem.add(pid)
	// Wait without taking the process away, so that its counters can still be read.
	for {
		err = unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	n := ended{counter(pid, "write_bytes"), counter(pid, "cancelled_write_bytes"), cpu(pid)}
	if err := cmd.Wait(); err != nil {
		text := make([]byte, 64<<10)
		got, _ := out.ReadAt(text, from)
		return n, fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, lastLine(text[:got]))
	}
	return n, nil
}

// lastLine is the end of a program's output, for a message in a table.
func lastLine(out []byte) string {
	lines := strings.Split(string(bytes.TrimSpace(out)), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	const most = 300 // bytes
	if len(line) > most {
		line = line[:most] + "…"
	}
	return strings.ReplaceAll(line, "|", "\\|")
}
