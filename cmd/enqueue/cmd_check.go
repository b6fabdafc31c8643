package main

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/check"
	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/wording"
	"mixduck/jobs/status"
)

const checkLong = `Check the queue, its Redis server, workers, volumes and tables. Each check prints
one line with what is wrong and how to fix it.

Only workers have credentials: to check those, and the disks, run
'worker validate --online' on a worker's machine.`

func (a *app) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Check queue, workers, volumes and tables", Long: checkLong, Args: console.NoArguments,
		Example: "  enqueue check\n  enqueue check --project web --format json",
	}
	var named string
	c.Flags().StringVar(&named, "project", "", "only check tables of the project with this `name` or id")
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		var all []check.Result
		err = connect.WithRedis(c.Context(), cfg, func(rdb *redis.Client) (err error) {
			all, err = a.check(c.Context(), rdb, cfg, named)
			return err
		})
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		if err != nil {
			all = append(all, check.Fail("queue", err))
		}
		if cfg.Authorities.Set() {
			all = append(all, checkAuthorities(cfg.Authorities))
		}
		all = append(all, check.Skip("mixpanel", "run 'worker validate --online' on a worker's machine", "only workers have credentials"))
		return check.Print(a.App, format.Value, all)
	}
	return c
}

func (a *app) check(ctx context.Context, rdb *redis.Client, cfg config.Config, named string) ([]check.Result, error) {
	all := []check.Result{check.Good("queue", "answers")}
	if cfg.Redis.URL.IsZero() {
		all = append(all, check.Good("redis", "not used: the queue is in a worker"))
	} else {
		all = append(all, check.Redis(ctx, rdb))
	}
	q, err := connect.New(rdb, cfg)
	if err != nil {
		return all, err
	}
	workers, err := check.Workers(ctx, q)
	if err != nil {
		return all, err
	}
	all = append(all, workers...)
	project := ""
	if named != "" {
		p, err := connect.Project(ctx, q, cfg, named)
		if err != nil {
			return append(all, check.Fail("project", err)), nil
		}
		project = p.Name
	}
	tables, err := inspect(ctx, q, statusFlags{maxLag: status.DefaultMaxLag}, a.Now())
	if err != nil {
		return all, err
	}
	return append(all, checkTables(tables, project)), nil
}

// checkAuthorities reports CA certificates that Go ignores silently.
func checkAuthorities(a config.Authorities) check.Result {
	if err := a.Check(); err != nil {
		return check.Fail("certificates", err)
	}
	return check.Good("certificates", "those of the environment can be read")
}

// checkTables reports tables of a project ("" for all) that are stale or failing, or have suspicious times.
func checkTables(tables []status.Table, project string) check.Result {
	var bad []string
	seen := 0
	for _, t := range tables {
		if project != "" && t.Project.Name != project {
			continue
		}
		seen++
		if t.Bad() || t.State.TimeWarning != "" {
			bad = append(bad, strings.Join(append([]string{t.Project.Name + " " + tableName(t) + " is " + string(t.Verdict)}, tableNotes(t)...), ", "))
		}
	}
	if len(bad) > 0 {
		return check.Warn("tables", "run 'enqueue status'", "%s", strings.Join(bad, "; "))
	}
	return check.Good("tables", "%s, none stale or failing", wording.Counted(int64(seen), "table"))
}
