package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (p Process) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of ai-ship",
		Args:  none,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(p.Out, p.versionLine())
			return err
		},
	}
}

func (p Process) versionLine() string {
	return fmt.Sprintf("ai-ship %s (%s, %s/%s)\n", p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
