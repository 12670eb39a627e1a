package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/preset"
	"github.com/org/ai-ship/pkg/report"
)

func (p Process) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Say why something is as it is",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:       "preset NAME",
		Short:     "Say which variables a preset sets, and why each",
		ValidArgs: preset.Names(),
		Args:      cobra.ExactArgs(1),
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

func (p Process) explainGate() *cobra.Command {
	var file, configFile string
	cmd := &cobra.Command{
		Use:   "gate NAME",
		Short: "Say how a gate of the last run was decided",
		Long: `gate prints all that the last run's report knows about a gate: its value, limit,
margin, baseline and source, what its samples tell, and the sentence of what
would have passed; of a size gate also what the size is made of.`,
		Example: `  ai-ship explain gate accuracy
  ai-ship explain gate "inference_time p95"
  ai-ship explain gate size --report report.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if file == "" {
				file = filepath.Join(filepath.Dir(configFile), outDir, report.JSONFile)
			}
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
	cmd.Flags().StringVarP(&configFile, "config", "c", "ai-ship.yaml", "config `file`; the report is in ai-ship-out beside it")
	cmd.Flags().StringVar(&file, "report", "", "`file` of the report instead")
	return cmd
}
