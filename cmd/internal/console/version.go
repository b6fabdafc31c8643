package console

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mixduck/internal/buildinfo"
)

// VersionCommand returns the command `version` of a program that runs jobs.
func VersionCommand(program string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  " + program + " version", Args: NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s (%s)\n", program, buildinfo.Version(), runtime.Version())
			return err
		},
	}
}
