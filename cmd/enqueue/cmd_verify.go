package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const verifyExample = `  enqueue verify
  enqueue verify --from 2026-11-01 --to 2026-11-07 --format json
  enqueue verify --from 2026-10 --to 2026-10 --repair`

func (a *app) verifyCommand() *cobra.Command {
	return a.VerifyCommand(verifyExample, a.withVerifier, addDatabase)
}

// withVerifier calls use with a verifier for the database given by the flags of c.
func (a *app) withVerifier(c *cobra.Command, use func(console.Verifier) error) error {
	named, err := c.Flags().GetString("project")
	if err != nil {
		return err
	}
	return a.withDatabase(c, func(cfg config.Config, q *queue.Queue, database string) error {
		p, err := connect.Project(c.Context(), q, cfg, named)
		if err != nil {
			return err
		}
		return use(&verifier{reader{app: a, cfg: cfg, queue: q, database: database}, p})
	})
}

// verifier implements [console.Verifier] using jobs.
type verifier struct {
	reader
	project config.Project
}

func (v *verifier) Verify(ctx context.Context, q console.Question, f *console.VerifyFlags) (*console.Verified, error) {
	days, err := f.Days(day.Of(v.Now().In(v.project.Location)))
	if err != nil {
		return nil, err
	}
	query := v.query(q)
	query.Verify = &jobs.Verify{Project: strconv.FormatInt(v.project.ID, 10), Table: f.Table, Days: days}
	job, err := v.submit(ctx, query)
	if err != nil {
		return nil, err
	}
	if job, err = v.attend(ctx, job); err != nil {
		return nil, err
	}
	answer, err := v.open(ctx, job)
	if err != nil {
		return nil, err
	}
	found := job.Result.Verified
	if found == nil {
		return nil, errors.Join(fmt.Errorf("job %s has not compared anything", job.ID), answer.Content.Close())
	}
	return &console.Verified{
		Answer: answer, Days: found.Days, Events: found.Events, Differences: found.Differences, Repair: found.Repair,
		Only: found.Only, Requests: found.Requests, Warnings: found.Warnings,
	}, nil
}

// Repair submits a fetch for each range of days.
func (v *verifier) Repair(ctx context.Context, found *console.Verified, f *console.VerifyFlags) error {
	for _, r := range found.Repair {
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
		job, err := v.queue.Submit(whole, jobs.Request{MaxAttempts: v.cfg.Jobs.MaxAttempts, Fetch: jobs.Fetch{
			Project: strconv.FormatInt(v.project.ID, 10), Database: v.database, Table: f.Table, Days: r, Mode: jobs.ModeSync,
			Events: found.Only, Promote: v.project.Table(f.Table).Promote,
		}})
		cancel()
		if err != nil {
			return err
		}
		fmt.Fprintf(v.Process.Stderr, "job %s fetches %s again\n", job.ID, r)
	}
	return nil
}
