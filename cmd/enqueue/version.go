package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/buildinfo"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  enqueue version", Args: console.NoArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.PrintLine(fmt.Sprintf("enqueue %s %s", buildinfo.Version(), runtime.Version()))
		},
	}
}
