package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// step performs an action on a job and returns the updated record.
type step func(ctx context.Context, q *queue.Queue, job jobs.Record) (jobs.Record, error)

// severalCommand returns a command for one or more jobs. It calls begin for all jobs before it calls end for the
// first; begin may be nil.
func (a *app) severalCommand(name, short, example string, begin step, end func(ctx context.Context, q *queue.Queue, job jobs.Record) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID...", Short: short, Example: "  " + example, Args: someJobs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withQueue(c, func(q *queue.Queue) error { return a.several(c.Context(), q, args, begin, end) })
		},
	}
}

func (a *app) several(ctx context.Context, q *queue.Queue, ids []string, begin step, end func(ctx context.Context, q *queue.Queue, job jobs.Record) error) error {
	ids = distinct(ids)
	t := tally{app: a, jobs: len(ids)}
	var begun []jobs.Record
	for _, id := range ids {
		job, err := q.Job(ctx, id)
		if err == nil && begin != nil {
			job, err = begin(ctx, q, job)
		}
		if err == nil {
			begun = append(begun, job)
		}
		t.add(err)
	}
	for i, job := range begun {
		if i > 0 { // time has passed
			if now, err := q.Job(ctx, job.ID); err == nil && now.State.Final() {
				job = now
			}
		}
		t.add(end(ctx, q, job))
	}
	return t.err()
}

// distinct returns the IDs without duplicates. IDs are case-insensitive.
func distinct(ids []string) (all []string) {
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(other string) bool { return strings.EqualFold(other, id) }) {
			all = append(all, id)
		}
	}
	return all
}

// tally collects errors of several jobs. It prints each at once, but returns that of a single job.
type tally struct {
	app    *app
	jobs   int
	failed int
	worst  error // with the highest exit code
}

func (t *tally) add(err error) {
	if err == nil {
		return
	}
	t.failed++
	if t.worst == nil || fault.CodeOf(err).Exit() > fault.CodeOf(t.worst).Exit() {
		t.worst = err
	}
	if t.jobs > 1 {
		t.app.Fail(err)
	}
}

// err returns the error of the command.
func (t *tally) err() error {
	if t.jobs == 1 || t.failed == 0 {
		return t.worst
	}
	return fault.New(fault.CodeOf(t.worst), "", "%d of %s ended with an error", t.failed, wording.Counted(int64(t.jobs), "job"))
}
