package main

import (
	"github.com/spf13/cobra"

	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/web"
)

func healthcheckCommand(p *cli.Process) *cobra.Command {
	var alive bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the worker that runs here whether it is well",
		Long: `Ask the worker that runs with the same settings whether it can work: it has started, does not drain, reaches the
queue, and has room in directories that it may write to. It says what is wrong and ends with exit code 1 if not.
With --alive it only asks whether the process answers.`,
		Example: "  worker healthcheck\n  worker healthcheck --http-listen 127.0.0.1:8081 --alive",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(p.Environ, cmd.Flags())
			if err != nil {
				return err
			}
			return web.Ask(cmd.Context(), webConfig(cfg.HTTP), alive)
		},
	}
	config.Flags(cmd.Flags(), "config", "http.listen")
	cmd.Flags().BoolVar(&alive, "alive", false, "ask only whether the process answers")
	return cmd
}
