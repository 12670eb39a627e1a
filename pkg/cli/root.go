package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/org/ai-ship/pkg/hint"
)

// Process is what the program was started with.
type Process struct {
	Args    []string // without the program's name
	Out     io.Writer
	Err     io.Writer
	Getenv  func(string) string
	Version string
	// Width is the width of the terminal that Err and Out are; 0 when they are none.
	OutWidth, ErrWidth int

	job *job // set by Run
}

// Run executes one command line and returns the exit code.
func Run(ctx context.Context, p Process) int {
	p.enter()
	root, finish := p.root() //nolint:contextcheck // commands take their context from cobra
	defer finish()
	root.SetArgs(p.Args)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	cmd, err := root.ExecuteContextC(ctx)
	err = p.advise(err)
	if err != nil {
		p.complain(err)
	}
	code := exitCode(ctx, err)
	if untold := p.leave(cmd, code, err); untold != nil {
		fmt.Fprintf(p.Err, "ai-ship: telling the CI: %v\n", untold)
		_ = p.job.err.Flush()
		code = max(code, exitUnexpected)
	}
	return code
}

// root is the whole command line; finish is called when a command has ended.
func (p Process) root() (root *cobra.Command, finish func()) {
	var timeout time.Duration
	cancel := func() {}
	root = &cobra.Command{
		Use:           "ai-ship",
		Short:         "Build, gate and publish the image of an AI service",
		Long:          rootHelp + exitHelp(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if f := cmd.Flags().Lookup("json"); f != nil && f.Value.String() == "true" {
				p.job.out.Data()
			}
			if timeout <= 0 {
				return nil
			}
			why := hint.Wrap(fmt.Errorf("it took longer than %s: %w", timeout, context.DeadlineExceeded), "give it more with --timeout")
			ctx, end := context.WithTimeoutCause(cmd.Context(), timeout, why)
			cancel = end
			cmd.SetContext(ctx)
			return nil
		},
	}
	root.PersistentFlags().DurationVar(&timeout, "timeout", 0, "end everything after this `duration`, such as 30m (default no limit)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd, err)
	})
	root.AddCommand(p.run(), p.plan(), p.scan(), p.gate(), p.verify(), p.promote(), p.rollback(), p.history(), p.keygen(), p.registry(), p.explain(), p.schema(), p.version())
	return root, func() { cancel() }
}

const rootHelp = `ai-ship takes an AI project from files to a tag: it builds the image without a
Docker daemon, scans it, holds it to its gates, pushes it by digest, and only
then moves tags onto it.

Every flag can also be given as an environment variable: AI_SHIP_ and the flag's
name in capitals, with underscores for hyphens (AI_SHIP_DRY_RUN=true). A flag wins
over the environment, and both over ai-ship.yaml.
`

// fromEnvironment gives flags that were not on the command line their value
// from AI_SHIP_*.
func (p Process) fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "AI_SHIP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := p.Getenv(name)
		if f.Changed || value == "" || f.Name == "help" || err != nil {
			return
		}
		if wrong := flags.Set(f.Name, value); wrong != nil {
			err = misuse(fmt.Errorf("environment variable %s=%q: %w", name, value, wrong))
		}
	})
	return err
}
