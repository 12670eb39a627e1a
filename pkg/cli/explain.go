package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/preset"
	"github.com/org/ai-ship/pkg/report"
)

func (p Process) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Say how a gate was decided, or what a preset sets",
		Long: `explain says why something is as it is: how a gate of the last run was decided, or
which variables a preset sets.`,
		Args: explained,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "preset NAME",
		Short: "Say which variables a preset sets, and why each",
		Long: `preset prints the environment that a preset gives the image, and the reason for
each variable. The presets are ` + strings.Join(preset.Names(), ", ") + `.`,
		Example:           `  ai-ship explain preset pytorch`,
		ValidArgsFunction: first(presetWords),
		Args:              one("the name of a preset: " + strings.Join(preset.Names(), ", ")),
		RunE: func(_ *cobra.Command, args []string) error {
			chosen, err := preset.Of(args[0])
			if err != nil {
				return misuse(err)
			}
			fmt.Fprintf(p.Out, "preset %s: %s\n", chosen.Name, chosen.Summary)
			for _, v := range chosen.Variables {
				fmt.Fprintf(p.Out, "\n%s=%s\n    %s\n", v.Name, v.Value, v.Why)
			}
			return nil
		},
	})
	cmd.AddCommand(p.explainGate())
	return cmd
}

// explained refuses what explain does not know.
func explained(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(cmd, fmt.Errorf("%s: found %q, expected gate NAME or preset NAME", cmd.CommandPath(), args[0]))
}

func (p Process) explainGate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate NAME",
		Short: "Say how a gate of the last run was decided",
		Long: `gate prints all that the last run's report knows about a gate: its value, limit,
margin, baseline and source, what its samples tell, and the sentence of what
would have passed; of a size gate also what the size is made of.`,
		Example: `  ai-ship explain gate accuracy
  ai-ship explain gate "inference_time p95"
  ai-ship explain gate size --report report.json`,
		ValidArgsFunction: first(p.gateWords),
		Args:              one("the name of a gate, as the last run's table has it"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := p.reportOf(cmd)
			f, err := os.Open(file)
			if err != nil {
				return misuse(hint.Wrap(fmt.Errorf("reading report: %w", err), "run `ai-ship gate` or `ai-ship run --dry-run` first, or name a report.json with --report"))
			}
			defer f.Close()
			r, err := report.Read(f)
			if err != nil {
				return misuse(fmt.Errorf("reading report %q: %w", file, err))
			}
			err = report.Explain(p.Out, r, args[0], p.style())
			if errors.Is(err, report.ErrUnknownGate) {
				return misuse(err)
			}
			return err
		},
	}
	cmd.Flags().StringP("config", "c", "ai-ship.yaml", "config `file`; the report is in ai-ship-out beside it")
	cmd.Flags().String("report", "", "`file` of the report instead")
	return cmd
}
