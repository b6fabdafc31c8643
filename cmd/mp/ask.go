package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/question"
	"mixduck/storage"
	"mixduck/workspace"
)

func (a *app) askCommand() *cobra.Command {
	return a.AskCommand("mp", a.withAsker, noFlags)
}

func noFlags(*pflag.FlagSet) {}

// withAsker implements [console.WithAsker].
func (a *app) withAsker(c *cobra.Command, use func(console.Asker) error) (err error) {
	cfg, p, m, err := a.source(c)
	if err != nil {
		return err
	}
	w, err := workspace.New(workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: storage.Config{Mode: storage.InMemory}, // which nothing opens
	}, m, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return use(&asker{app: a, workspace: w, today: day.Of(a.Now().In(p.Location)), reader: reader{memory: cfg.Query.MemoryLimit}})
}

// asker implements [console.Asker].
type asker struct {
	*app
	workspace *workspace.Workspace
	reader    reader // without a file
	today     day.Day
}

func (k *asker) Today() day.Day { return k.today }

func (k *asker) Ask(ctx context.Context, q question.Question, format string) (*console.Answer, error) {
	patient := patience{app: k.app}
	for {
		found, err := k.workspace.Ask(ctx, q)
		if pause, ok := errors.AsType[*workspace.PauseError](err); ok && patient.wait(ctx, pause) == nil {
			continue
		}
		if err != nil {
			return nil, paused(err, "run it again after %s")
		}
		rows := console.Question{Format: format}
		if rows.SQL, rows.Params, err = found.Statement(); err != nil {
			return nil, err
		}
		return k.reader.Read(ctx, rows)
	}
}
