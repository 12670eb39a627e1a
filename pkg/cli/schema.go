package cli

import (
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/config"
)

func (p Process) schema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of ai-ship.yaml",
		Long: `schema prints the JSON schema of ai-ship.yaml. An editor that is told of it
completes keys and marks what is wrong; the first line of what init writes does so.`,
		Example: `  ai-ship schema > ai-ship.schema.json   # and in ai-ship.yaml: # yaml-language-server: $schema=ai-ship.schema.json`,
		Args:    none,
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
