package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/hint"
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

// unknown refuses what is no command, and says which one may have been meant.
func unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := hint.Near(args[0], names); len(near) > 0 {
		err = hint.Wrap(err, "did you mean "+strings.Join(near, " or ")+"?")
	}
	return usage(cmd, err)
}
