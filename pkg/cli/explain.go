package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/preset"
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
	return cmd
}
