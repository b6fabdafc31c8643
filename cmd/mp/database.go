package main

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/config"
	"mixduck/internal/buildinfo"
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/volume"
	"mixduck/mixpanel"
)

func addPath(flags *pflag.FlagSet) {
	flags.String("path", "", "database `file` (default: <project id>.db in the data directory)")
}

// load returns the settings without credentials, which only commands that use Mixpanel need.
func (a *app) load(c *cobra.Command) (config.Config, error) {
	return config.LoadClient(a.Process.Environ, c.Flags())
}

// source returns the settings, the project given by the flags or the only one, and its client.
func (a *app) source(c *cobra.Command) (config.Config, config.Project, *mixpanel.Client, error) {
	cfg, err := config.Load(a.Process.Environ, c.Flags())
	if err != nil {
		return cfg, config.Project{}, nil, err
	}
	if err := cfg.Authorities.Check(); err != nil {
		return cfg, config.Project{}, nil, err
	}
	p, err := project(c, cfg)
	if err != nil {
		return cfg, p, nil, err
	}
	m, err := mixpanel.New(mixpanel.Config{
		Region: mixpanel.Region(p.Region), BaseURL: cfg.Mixpanel.BaseURL, Username: p.Username, Secret: p.Secret,
		FirstByteTimeout: cfg.Mixpanel.FirstByteTimeout, IdleTimeout: cfg.Mixpanel.IdleTimeout,
		UserAgent: "mixduck/" + buildinfo.Version(),
	})
	return cfg, p, m, err
}

// project returns the project given by the flags, or the only one. If no file lists projects, any ID is accepted.
func project(c *cobra.Command, cfg config.Config) (config.Project, error) {
	named, err := c.Flags().GetString("project")
	if err != nil {
		return config.Project{}, err
	}
	if id, err := strconv.ParseInt(named, 10, 64); err == nil && id > 0 && !cfg.Named() {
		return cfg.Unlisted(id), nil
	}
	return cfg.Project(named)
}

// databasePath returns the file given by the flags, or that of the project.
func databasePath(c *cobra.Command, cfg config.Config) (string, error) {
	path, err := c.Flags().GetString("path")
	switch {
	case err != nil:
		return "", err
	case c.Flags().Changed("path") && path == "":
		return "", fault.Usage("omit it for the default", "--path is empty")
	case path != "":
		return absolute(path)
	}
	p, err := project(c, cfg)
	if err != nil {
		return "", err
	}
	if !cfg.Named() {
		return absolute(filepath.Join(cfg.DataDir, strconv.FormatInt(p.ID, 10)+".db"))
	}
	in, rel, _ := strings.Cut(p.Database, "/")
	dir := cfg.VolumeDir(in)
	if dir == "" {
		return "", fault.Usage("add its directory to --volumes, or use --path", "the tables of project %s are in %s, but volume %s is not configured here", p, p.Database, in)
	}
	return volume.Path(dir, filepath.FromSlash(rel))
}

// absolute makes a path absolute. It rejects paths that cannot be a database before any request is sent.
func absolute(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return path, name.File(path)
}
