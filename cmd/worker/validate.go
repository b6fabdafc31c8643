package main

import (
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
)

const validateLong = `Check the settings, and print those in effect. What 'worker run' with the same flags and variables would
read is read, secrets included, but nothing is connected to and nothing is written.

Each setting is printed with where it is from: a flag, a variable of the environment, a place in the
configuration file, or the default. Secrets are not shown. If something is wrong all of it is said, with exit
code 3; credentials that are missing have exit code 2.`

const validateExample = `  worker validate
  worker validate --config /etc/mixduck/mixduck.yaml --format json`

// validated is what --format json prints. Fields are only ever added.
type validated struct {
	File     string         `json:"file"` // "" for none
	Settings []config.Value `json:"settings"`
}

func validateCommand(p *cli.Process) *cobra.Command {
	cmd := &cobra.Command{Use: "validate", Short: "Check the settings and print those in effect", Long: validateLong, Example: validateExample, Args: noArguments}
	config.Flags(cmd.Flags(), runSettings...)
	format := console.AddFormat(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(p.Environ, cmd.Flags())
		if err != nil {
			return err
		}
		if _, err := newDaemon(cfg, logger(cfg.Log, p.Stderr)); err != nil {
			return err
		}
		app := &console.App{Process: p}
		if format.Value == console.FormatJSON {
			return app.PrintJSON(validated{cfg.File, cfg.Values()})
		}
		rows := [][]string{{"SETTING", "VALUE", "FROM"}}
		for _, v := range cfg.Values() {
			rows = append(rows, []string{v.Key, console.Printable(v.Value), v.Origin})
		}
		return app.Print(console.Table(rows, 0))
	}
	return cmd
}
