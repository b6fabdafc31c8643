package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/wording"
	"mixduck/storage"
	"mixduck/workspace"
)

const verifyExample = `  mp verify
  mp verify --from 2026-11-01 --to 2026-11-07 --format json
  mp verify --from 2026-10 --to 2026-10 --repair`

func (a *app) verifyCommand() *cobra.Command {
	return a.VerifyCommand(verifyExample, a.withVerifier, addPath)
}

// withVerifier calls use with a verifier for the file given by the flags of c.
func (a *app) withVerifier(c *cobra.Command, use func(console.Verifier) error) (err error) {
	cfg, p, m, err := a.source(c)
	if err != nil {
		return err
	}
	path, err := databasePath(c, cfg)
	if err != nil {
		return err
	}
	wait, err := c.Flags().GetDuration("lock-wait")
	if err != nil {
		return err
	}
	temp, err := newPrivate("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.remove()) }()
	w, err := workspace.New(workspace.Config{
		Project:  workspace.Project{ID: p.ID, Location: p.Location, Shifted: p.Shifted},
		Database: storage.Config{Path: path, LockWait: wait, MemoryLimit: cfg.Worker.MemoryLimit},
		SpoolDir: filepath.Join(temp.path, "spool"), OpenPerLoad: true, RequestsPerHour: cfg.Mixpanel.RequestsPerHour,
	}, m, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	return use(&verifier{
		app: a, workspace: w, today: day.Of(a.Now().In(p.Location)),
		reader: reader{path: path, memory: cfg.Query.MemoryLimit},
		promote: func(table string) ([]storage.Promotion, error) {
			return storage.ParsePromotions(p.Table(table).Promote)
		},
	})
}

// verifier implements [console.Verifier].
type verifier struct {
	*app
	workspace *workspace.Workspace
	reader    reader
	today     day.Day
	promote   func(table string) ([]storage.Promotion, error)
}

func (v *verifier) Verify(ctx context.Context, q console.Question, f *console.VerifyFlags) (*console.Verified, error) {
	days, err := f.Days(v.today)
	if err != nil {
		return nil, err
	}
	found, err := v.workspace.Verify(ctx, workspace.VerifyRequest{Table: f.Table, Days: days})
	if err != nil {
		return nil, paused(err, "run it again after %s")
	}
	if q.SQL, q.Params, err = found.Statement(); err != nil {
		return nil, err
	}
	answer, err := v.reader.Read(ctx, q)
	return &console.Verified{
		Answer: answer, Days: found.Days, Events: found.Events, Differences: len(found.Differences), Repair: found.Repair(),
		Only: found.Only, Requests: found.Requests, Warnings: found.Warnings,
	}, err
}

func (v *verifier) Repair(ctx context.Context, found *console.Verified, f *console.VerifyFlags) error {
	promote, err := v.promote(f.Table)
	if err != nil {
		return err
	}
	for _, r := range found.Repair {
		request := workspace.FetchRequest{Table: f.Table, Days: r, Events: found.Only, Promote: promote}
		p, err := v.fetchPatiently(ctx, v.workspace, request, func(workspace.Progress) {})
		if err != nil {
			return paused(full(after(p.Trouble, err), false), "run it again after %s")
		}
		fmt.Fprintf(v.Process.Stderr, "fetched %s again: %s\n", r, wording.Counted(p.Rows, "row"))
	}
	return nil
}
