package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/check"
	"mixduck/cmd/internal/check/local"
	"mixduck/cmd/internal/console"
)

const checkLong = `Check whether a fetch would work: credentials, region, plan, a small export, time
zone, directories and the database. Each check prints one line with what is wrong
and how to fix it.

This sends at most two requests to Mixpanel and stores no events. Exit codes: 0 if
nothing has failed, 2 if credentials are refused, else the code of the
first failure.`

func (a *app) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Check credentials, project, disk and database", Long: checkLong, Args: console.NoArguments,
		Example: "  mp check\n  mp check --project web --format json",
	}
	addPath(c.Flags())
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		_, p, m, err := a.source(c)
		if err != nil {
			return err
		}
		cfg, err := a.load(c)
		if err != nil {
			return err
		}
		path, err := databasePath(c, cfg)
		if err != nil {
			return err
		}
		all, err := local.Mixpanel(c.Context(), p, m, nil, "", a.Now)
		if err != nil {
			return err
		}
		all = append(all, local.Directory("data directory", filepath.Dir(path)), local.Directory("temporary directory", os.TempDir()),
			local.Database(c.Context(), "database", path))
		return check.Print(a.App, format.Value, all)
	}
	return c
}
