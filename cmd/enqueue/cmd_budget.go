package main

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/jobs/budget"
)

const budgetLong = `Show how many export requests a project has left in the current hour, when the
next one is possible, and whether Mixpanel asked to wait. All workers of a queue
share this budget. It is smaller than Mixpanel's limit, to leave requests for
your other tools.`

const budgetExample = `  enqueue budget
  enqueue budget --project 12345 --format json`

// budgetObject is a budget as --format json prints it. Fields are only ever added.
type budgetObject struct {
	Project      string     `json:"project"`
	Limit        int        `json:"limit"` // an hour
	UsedLastHour int        `json:"used_last_hour"`
	Left         int        `json:"left"`
	AtOnce       int        `json:"at_once"`       // requests under way
	NextFreeAt   *time.Time `json:"next_free_at"`  // RFC 3339, UTC; null for now
	RefillsAt    *time.Time `json:"refills_at"`    // when the oldest request no longer counts; null for none
	BlockedUntil *time.Time `json:"blocked_until"` // as Mixpanel asked; null if it did not
}

// budgetConfig returns the limits to show for a project from which nobody has exported yet.
func budgetConfig(cfg config.Config) budget.Config {
	return budget.Config{PerHour: cmp.Or(cfg.Mixpanel.RequestsPerHour, config.DefaultRequestsPerHour)}
}

func (a *app) budgetCommand() *cobra.Command {
	var named string
	c := &cobra.Command{Use: "budget", Short: "Show the remaining request budget", Long: budgetLong, Example: budgetExample, Args: console.NoArguments}
	c.Flags().StringVar(&named, "project", "", projectUsage)
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
		if err != nil {
			return err
		}
		if _, _, err := connect.FindProject(cfg, named); err != nil {
			return err
		}
		return connect.WithRedis(c.Context(), cfg, func(rdb *redis.Client) error {
			b, err := budget.New(rdb, budgetConfig(cfg))
			if err != nil {
				return err
			}
			q, err := connect.New(rdb, cfg)
			if err != nil {
				return err
			}
			p, err := connect.Project(c.Context(), q, cfg, named)
			if err != nil {
				return err
			}
			project := strconv.FormatInt(p.ID, 10)
			state, err := b.State(c.Context(), project)
			if err != nil {
				return err
			}
			if format.Value == console.FormatJSON {
				return a.PrintJSON(newBudgetObject(project, state))
			}
			return a.Print(budgetDetails(p.String(), state, a.Now()))
		})
	}
	return c
}

func newBudgetObject(project string, s budget.State) budgetObject {
	return budgetObject{
		Project: project, Limit: s.Limit, UsedLastHour: s.UsedLastHour, Left: s.Left, AtOnce: s.AtOnce,
		NextFreeAt: timeOrNull(s.NextFreeAt), RefillsAt: timeOrNull(s.RefillsAt), BlockedUntil: timeOrNull(s.BlockedUntil),
	}
}

// budgetDetails returns how a budget stands, a line for each thing.
func budgetDetails(project string, s budget.State, now time.Time) string {
	var l lines
	l.add("project", project)
	l.add("left", fmt.Sprintf("%d of %d requests an hour", s.Left, s.Limit))
	l.add("used", fmt.Sprintf("%d in the last hour", s.UsedLastHour))
	l.add("under way", console.Counted(int64(s.AtOnce), "request"))
	next := "now"
	if !s.NextFreeAt.IsZero() {
		next = console.TimeOfDay(s.NextFreeAt, now)
	}
	l.add("next", next)
	if !s.RefillsAt.IsZero() {
		l.add("refills", "from "+console.TimeOfDay(s.RefillsAt, now))
	}
	if !s.BlockedUntil.IsZero() {
		l.add("blocked", "Mixpanel asked to wait "+until(s.BlockedUntil, now))
	}
	return l.b.String()
}
