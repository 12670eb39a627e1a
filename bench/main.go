package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	dir      string // cached data and peers
	ship     string // the ai-ship binary, absolute
	runs     int    // of ai-ship and of the bare upload
	peerRuns int
	quick    bool
	install  bool
	save     bool
	only     []string // parts of case names; empty: all
	calm     time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == bareCommand {
		return uploadBare(ctx, args[1:])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.install {
		install(ctx, o.binDir(), os.Stderr)
	}
	d, err := openDataset(ctx, o)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.dir, "work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	l := &lab{options: o, data: d, work: work, log: os.Stderr}
	l.measureAll(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return report(o, l)
}

func parse(args []string) (options, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return options{}, err
	}
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", filepath.Join(home, ".cache", "ai-ship-bench"), "`folder` for the data, the peers and every work folder; all on one disk")
	flags.StringVar(&o.ship, "ship", "bin/ai-ship", "the ai-ship `binary` to measure")
	flags.IntVar(&o.runs, "runs", 3, "`runs` of ai-ship and of the bare upload, interleaved; the median counts")
	flags.IntVar(&o.peerRuns, "peer-runs", 1, "`runs` of each peer")
	flags.BoolVar(&o.quick, "quick", false, "a tenth of the data: a smoke test, whose ratios mean little")
	flags.BoolVar(&o.install, "install", false, "build missing crane, oras and BuildKit from the Go module proxy into -dir")
	flags.BoolVar(&o.save, "save", false, "also write bench/results/DATE.md")
	flags.DurationVar(&o.calm, "calm", time.Minute, "how long to wait before each run for other processes to leave the CPUs")
	only := flags.String("only", "", "comma-separated `parts` of case names; the others are not run")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if o.ship, err = filepath.Abs(o.ship); err != nil {
		return options{}, err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return options{}, err
	}
	if o.runs < 1 || o.peerRuns < 1 {
		return options{}, errors.New("-runs and -peer-runs must be at least 1")
	}
	return o, os.MkdirAll(o.dir, 0o755)
}

func (o options) binDir() string { return filepath.Join(o.dir, "bin") }

// report prints the table and the bars, and keeps them if asked to.
func report(o options, l *lab) error {
	var text bytes.Buffer
	l.write(&text)
	if _, err := io.Copy(os.Stdout, bytes.NewReader(text.Bytes())); err != nil || !o.save {
		return err
	}
	dir := filepath.Join("bench", "results")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, time.Now().Format(time.DateOnly)+".md"), text.Bytes(), 0o644)
}
