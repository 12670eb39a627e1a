// Command evaluate measures the digits network on its held-out images and
// writes what it measured as two reports of the same run: JUnit XML and JSON.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/org/ai-ship/testdata/digits/network"
)

// maxRounds bounds the reports: a round adds a sample for each image.
const maxRounds = 20

// options are what the command line says.
type options struct {
	model  string // safetensors file
	data   string // CSV file of labelled images
	out    string // directory of the reports, made where missing
	rounds int    // measured passes over all images, 1 to maxRounds
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 0 with both reports written, 1 where the
// evaluation failed, 2 where the arguments are wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "evaluate: %v\n", err)
		return 2
	}
	result, err := evaluate(ctx, opts)
	if err != nil {
		fmt.Fprintf(stderr, "evaluate: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "accuracy %s, macro F1 %s on %d images, median %s s an image\n",
		result.Accuracy, result.F1, result.images, result.median)
	return 0
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("evaluate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.model, "model", "models/digits.safetensors", "`file` of weights, safetensors")
	flags.StringVar(&opts.data, "data", "data/heldout.csv", "`file` of labelled images, CSV")
	flags.StringVar(&opts.out, "out", "reports", "`directory` for evaluation.xml and evaluation.json")
	flags.IntVar(&opts.rounds, "rounds", 4, fmt.Sprintf("measured passes over all images, 1 to %d; every measurement is kept", maxRounds))
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if opts.rounds < 1 || opts.rounds > maxRounds {
		return options{}, fmt.Errorf("-rounds is %d, want 1 to %d", opts.rounds, maxRounds)
	}
	return opts, nil
}

// evaluate measures first and writes last, so that a failure leaves the
// reports of an earlier run as they were.
func evaluate(ctx context.Context, opts options) (*document, error) {
	net, err := network.Load(opts.model)
	if err != nil {
		return nil, err
	}
	samples, err := network.LoadSamples(opts.data)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	scores := classify(net, samples)
	warmUp := time.Since(begin)
	timings, err := measure(ctx, net, samples, opts.rounds)
	if err != nil {
		return nil, err
	}
	timings.warmUp = warmUp
	result := newDocument(opts.model, net, scores, timings)
	if err := write(opts.out, result, newSuites(result, scores, timings)); err != nil {
		return nil, err
	}
	return result, nil
}
