// Command ai-ship takes an AI project from files to a tag that production may run.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/org/ai-ship/pkg/cli"
)

// version is set by the linker in a release.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Process{
		Args: os.Args[1:], Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: version,
		OutWidth: width(os.Stdout), ErrWidth: width(os.Stderr),
	})
	stop()
	os.Exit(code)
}

// width is the number of columns of the terminal that f is, or 0.
func width(f *os.File) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
