package main

import (
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
	"mixduck/mixpanel"
	"mixduck/workspace"
)

func addPath(flags *pflag.FlagSet) {
	flags.String("path", "", "the database `file` (default <project id>.db in the data directory)")
}

// load returns the settings.
func (a *app) load(c *cobra.Command) (config.Config, error) {
	return config.Load(a.Process.Environ, c.Flags())
}

// databasePath returns the file that the flags name, or that of the project.
func databasePath(c *cobra.Command, cfg config.Config) (string, error) {
	path, err := c.Flags().GetString("path")
	switch {
	case err != nil:
		return "", err
	case c.Flags().Changed("path") && path == "":
		return "", fault.Usage("leave it out for that of the project", "--path is empty")
	case path != "":
		return filepath.Abs(path)
	case cfg.Fallback.ID == 0:
		return "", fault.Usage("set MP_PROJECT_ID, or give --path", "no database is named")
	}
	return filepath.Join(cfg.DataDir, strconv.FormatInt(cfg.Fallback.ID, 10)+".db"), nil
}

// client returns a client of Mixpanel.
func client(cfg config.Config) (*mixpanel.Client, error) {
	return mixpanel.New(mixpanel.Config{
		Region: mixpanel.Region(cfg.Fallback.Region), BaseURL: cfg.Mixpanel.BaseURL,
		Username: cfg.Fallback.Username, Secret: cfg.Fallback.Secret,
		FirstByteTimeout: cfg.Mixpanel.FirstByteTimeout, IdleTimeout: cfg.Mixpanel.IdleTimeout,
		UserAgent: "mixduck/" + buildinfo.Version(),
	})
}

// project returns the project of the settings.
func project(cfg config.Config) (workspace.Project, error) {
	if cfg.Fallback.ID == 0 {
		return workspace.Project{}, fault.Usage("set MP_PROJECT_ID", "no project to ask about")
	}
	return workspace.Project{ID: cfg.Fallback.ID, Location: cfg.Fallback.Location, Shifted: cfg.Fallback.Shifted}, nil
}
