package cli

import (
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/config"
)

func (p Process) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of ai-ship.yaml",
		Args:  none,
		RunE: func(*cobra.Command, []string) error {
			text, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = p.Out.Write(text)
			return err
		},
	}
}
