package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// one expects one argument; what says which.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return usage(cmd, fmt.Errorf("%s: expected %s", cmd.CommandPath(), what))
		case 1:
			return nil
		}
		return usage(cmd, fmt.Errorf("%s: found %q, expected nothing more than %s", cmd.CommandPath(), args[1], what))
	}
}

// atMostOne expects no argument, or one.
func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return one(what)(cmd, args)
	}
}

// none expects no argument.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage(cmd, fmt.Errorf("%s: found %q, expected no argument", cmd.CommandPath(), args[0]))
	}
	return nil
}
