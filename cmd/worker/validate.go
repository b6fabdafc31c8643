package main

import (
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cage"
	"mixduck/internal/cli"
	"mixduck/internal/wording"
)

const validateLong = `Check the settings and print the effective ones. This reads everything that
'worker run' reads, including secrets, but connects to nothing and writes nothing.

Each setting is shown with its source: a flag, an environment variable, a place
in the configuration file, or the default. Secrets are not shown. All problems
are reported at once, with exit code 3. Missing credentials exit with code 2.

With --online, try them instead: each project at Mixpanel with at most two
requests, Redis, directories and databases. Each check prints one line with what
is wrong and how to fix it. No events are stored.`

const validateExample = `  worker validate
  worker validate --online
  worker validate --config /etc/mixduck/mixduck.yaml --format json`

// validated is the content of --format json. Fields are only ever added.
type validated struct {
	File     string         `json:"file"` // "" for none
	Settings []config.Value `json:"settings"`

	Unprotected []string `json:"unprotected,omitempty"` // protections against queries that this system lacks
}

func validateCommand(p *cli.Process) *cobra.Command {
	cmd := &cobra.Command{Use: "validate", Short: "Check the settings and print the effective ones", Long: validateLong, Example: validateExample, Args: console.NoArguments}
	config.Flags(cmd.Flags(), runSettings...)
	format := console.AddFormat(cmd.Flags())
	online := cmd.Flags().Bool("online", false, "ask Mixpanel and Redis, and try directories and databases")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.Load(p.Environ, cmd.Flags())
		if err != nil {
			return err
		}
		d, err := newDaemon(cfg, time.Now(), console.Logger(cfg.Log, p.Stderr))
		if err != nil {
			return err
		}
		app := &console.App{Process: p, Now: time.Now}
		if *online {
			return d.online(cmd.Context(), app, format.Value)
		}
		if format.Value == console.FormatJSON {
			return app.PrintJSON(validated{cfg.File, cfg.Values(), cage.Lacking()})
		}
		rows := [][]string{{"SETTING", "VALUE", "FROM"}}
		for _, v := range cfg.Values() {
			rows = append(rows, []string{v.Key, wording.Printable(v.Value), v.Origin})
		}
		text := console.Table(rows, 0)
		if lacking := cage.Lacking(); len(lacking) > 0 {
			text += "\nNot protected from queries on this system: " + lacking.String() + "\n"
		}
		return app.Print(text)
	}
	return cmd
}
