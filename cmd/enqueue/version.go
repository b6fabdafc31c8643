package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"mixduck/internal/buildinfo"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  enqueue version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.printLine(fmt.Sprintf("enqueue %s %s", buildinfo.Version(), runtime.Version()))
		},
	}
}
