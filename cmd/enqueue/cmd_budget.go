package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/wording"
	"mixduck/jobs/budget"
	"mixduck/jobs/status"
)

const budgetLong = `Show how many requests a project has left, when the next one is possible, and
whether Mixpanel asked to wait. Mixpanel counts exports, queries (profiles,
cohorts, funnels and reports) and Lexicon separately. All workers of a queue
share this budget. It is smaller than Mixpanel's limit, to leave requests for
your other tools.`

const budgetExample = `  enqueue budget
  enqueue budget --project 12345 --format json`

// budgetObject is a budget in --format json. Fields are only ever added.
type budgetObject struct {
	Project      string     `json:"project"`
	Limit        int        `json:"limit"` // per hour
	UsedLastHour int        `json:"used_last_hour"`
	Left         int        `json:"left"`
	AtOnce       int        `json:"at_once"`       // requests in progress
	NextFreeAt   *time.Time `json:"next_free_at"`  // RFC 3339, UTC; null for now
	RefillsAt    *time.Time `json:"refills_at"`    // when the oldest request stops counting; null for none
	BlockedUntil *time.Time `json:"blocked_until"` // as requested by Mixpanel; null for none

	API  string         `json:"api"`  // export, query or lexicon
	More []budgetObject `json:"more"` // the budgets of the other APIs; null within this list
}

// budgetOf returns the state of a project's budget. If the budget is unused, its limits come from the settings.
func budgetOf(ctx context.Context, rdb *redis.Client, cfg config.Config, api budget.API, project string) (budget.State, error) {
	b, err := budget.New(rdb, api.Limits(cmp.Or(cfg.Mixpanel.RequestsPerHour, config.DefaultRequestsPerHour)))
	if err != nil {
		return budget.State{}, err
	}
	return b.State(ctx, api.Of(project))
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
			q, err := connect.New(rdb, cfg)
			if err != nil {
				return err
			}
			p, err := connect.Project(c.Context(), q, cfg, named)
			if err != nil {
				return err
			}
			project := strconv.FormatInt(p.ID, 10)
			var objects []budgetObject
			var text strings.Builder
			for _, api := range []budget.API{budget.Export, budget.Query, budget.Lexicon} {
				state, err := budgetOf(c.Context(), rdb, cfg, api, project)
				if err != nil {
					return err
				}
				objects = append(objects, newBudgetObject(project, api, state))
				text.WriteString(budgetDetails(p.String(), api, state, a.Now()))
			}
			if format.Value == console.FormatJSON {
				objects[0].More = objects[1:]
				return a.PrintJSON(objects[0])
			}
			return a.Print(text.String())
		})
	}
	return c
}

func newBudgetObject(project string, api budget.API, s budget.State) budgetObject {
	return budgetObject{
		Project: project, API: string(api), Limit: s.Limit, UsedLastHour: s.UsedLastHour, Left: s.Left, AtOnce: s.AtOnce,
		NextFreeAt: timeOrNull(s.NextFreeAt), RefillsAt: timeOrNull(s.RefillsAt), BlockedUntil: timeOrNull(s.BlockedUntil),
	}
}

// budgetDetails describes a budget, one item per line. The project is named once.
func budgetDetails(project string, api budget.API, s budget.State, now time.Time) string {
	var l lines
	period := "hour"
	if api == budget.Lexicon {
		period = "minute"
	}
	if api == budget.Export {
		l.add("project", project)
	} else {
		l.b.WriteByte('\n')
	}
	l.add("api", string(api))
	l.add("left", fmt.Sprintf("%d of %d requests per %s", s.Left, s.Limit, period))
	l.add("used", fmt.Sprintf("%d in the last %s", s.UsedLastHour, period))
	l.add("under way", wording.Counted(int64(s.AtOnce), "request"))
	next := "now"
	if !s.NextFreeAt.IsZero() {
		next = wording.TimeOfDay(s.NextFreeAt, now)
	}
	l.add("next", next)
	if !s.RefillsAt.IsZero() {
		l.add("refills", "from "+wording.TimeOfDay(s.RefillsAt, now))
	}
	if !s.BlockedUntil.IsZero() {
		l.add("blocked", "Mixpanel asked to wait "+status.Until(s.BlockedUntil, now))
	}
	return l.b.String()
}
