package main

import (
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/claim"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/web"
)

func healthcheckCommand(p *cli.Process) *cobra.Command {
	var alive bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Check the health of the local worker",
		Long: `Check the health of the worker that runs with the same settings: it has started,
is not draining, reaches the queue, and can write to its directories. If a check
fails, print it and exit with code 1. With --alive, only check that it responds.`,
		Example: "  worker healthcheck\n  worker healthcheck --http-listen 127.0.0.1:6494 --alive",
		Args:    console.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(p.Environ, cmd.Flags())
			if err != nil {
				return err
			}
			owner, err := claim.KnownID(cfg.DataDir)
			ask := webConfig(cfg.HTTP, owner)
			if err != nil { // another user's; check the first worker of this machine
				ask.Spare = 0
			}
			return web.Ask(cmd.Context(), ask, alive)
		},
	}
	config.Flags(cmd.Flags(), "config", "data_dir", "http.listen")
	cmd.Flags().BoolVar(&alive, "alive", false, "only check that the process responds")
	return cmd
}
