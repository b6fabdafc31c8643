package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/internal/question"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

func (a *app) askCommand() *cobra.Command {
	return a.AskCommand("enqueue", a.withAsker, addAsk)
}

func addAsk(flags *pflag.FlagSet) {
	flags.String("project", "", projectUsage)
	addDetach(flags)
}

func addDetach(flags *pflag.FlagSet) {
	flags.Bool("detach", false, "do not wait: print the job's id, for 'jobs result'")
}

// withAsker implements [console.WithAsker].
func (a *app) withAsker(c *cobra.Command, use func(console.Asker) error) error {
	return a.withProject(c, func(r reader) error {
		r.detach = c.Flag("detach").Changed
		return use(&asker{r})
	})
}

// withProject calls use with what asks the workers about the project of a command's flags.
func (a *app) withProject(c *cobra.Command, use func(reader) error) error {
	cfg, err := config.LoadClient(a.Process.Environ, c.Flags())
	if err != nil {
		return err
	}
	named, err := c.Flags().GetString("project")
	if err != nil {
		return err
	}
	if _, _, err := connect.FindProject(cfg, named); err != nil {
		return err
	}
	return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
		p, err := connect.Project(c.Context(), q, cfg, named)
		if err != nil {
			return err
		}
		return use(reader{app: a, cfg: cfg, queue: q, database: p.Database, project: p})
	})
}

// asker implements [console.Asker] with jobs: the workers of the project's volume ask.
type asker struct {
	reader
}

func (k *asker) Today() day.Day { return day.Of(k.Now().In(k.project.Location)) }

func (k *asker) Ask(ctx context.Context, q question.Question, format string) (*console.Answer, error) {
	query := k.query(console.Question{Format: format})
	query.Ask = &jobs.Ask{Project: strconv.FormatInt(k.project.ID, 10), Question: q}
	return k.answer(ctx, query)
}
