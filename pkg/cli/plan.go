package cli

import (
	"github.com/spf13/cobra"
)

func (p Process) plan() *cobra.Command {
	var f planFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print what a run would do",
		Long: `plan reads the config, the event and the registries, and prints what a run would
do: the base pinned to its digest, what is copied, the gates, and the tags with
the reason for each. It changes nothing.` + "\n" + exitHelp(),
		Example: `  ai-ship plan
  ai-ship plan --channel staging --json`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			project, err := p.openProject(f)
			if err != nil {
				return err
			}
			defer project.root.Close()
			ask, err := p.ask(project, f)
			if err != nil {
				return err
			}
			ask.Lenient = true
			if f.registry == embedded {
				ask.Registry, ask.Offline = embeddedAddr, true
			}
			trusted, err := p.notary(project, f.registry).predecessors(cmd.Context(), true)
			if err != nil {
				return err
			}
			decided, err := p.makePlan(cmd.Context(), project, ask, trusted)
			if err != nil {
				return err
			}
			if asJSON {
				return decided.JSON(p.Out)
			}
			return decided.Text(p.Out)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the plan as one JSON document")
	return cmd
}
