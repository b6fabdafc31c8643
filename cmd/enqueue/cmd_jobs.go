package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

func (a *app) jobsCommand() *cobra.Command {
	group := console.Group("jobs", "Manage jobs",
		a.listCommand(), a.showCommand(), a.waitCommand(), a.cancelCommand(), a.retryCommand(), a.resultCommand())
	group.Example = listExample
	return group
}

func (a *app) showCommand() *cobra.Command {
	var format *console.Choice
	c := &cobra.Command{
		Use: "show ID", Short: "Show the details of a job", Example: "  enqueue jobs show 01KAMG2M7E6Y4T0Q0N8Z5R3V9C", Args: oneJob,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withQueue(c, func(q *queue.Queue) error {
				job, err := q.Job(c.Context(), args[0])
				if err != nil {
					return err
				}
				h, err := historyOf(c.Context(), q, job)
				if err != nil {
					return err
				}
				if format.Value == console.FormatJSON {
					return a.PrintJSON(h.object(newObject(job, a.Now())))
				}
				return a.Print(a.details(job) + h.text(a.Now()))
			})
		},
	}
	format = console.AddFormat(c.Flags())
	c.ValidArgsFunction = a.completeJobs(1, nil)
	return c
}

func (a *app) waitCommand() *cobra.Command {
	var how waitOptions
	c := a.severalCommand("wait", "Wait for jobs and print their results", "enqueue jobs wait 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --timeout 1h", nil,
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error { return a.await(ctx, q, job, &how) })
	how.add(c.Flags())
	c.PreRunE = func(c *cobra.Command, args []string) error {
		how.several = len(distinct(args)) > 1
		return how.prepare(c, true)
	}
	c.ValidArgsFunction = a.completeJobs(0, func(job jobs.Record) bool { return !job.State.Final() })
	return c
}

// cancelPatience is how long the command waits for running jobs to stop.
const cancelPatience = 5 * time.Second

func (a *app) cancelCommand() *cobra.Command {
	var format *console.Choice
	before := map[string]jobs.State{}
	var until time.Time // for all jobs together
	c := a.severalCommand("cancel", "Cancel jobs; days they already stored stay", "enqueue jobs cancel 01KAMG2M7E6Y4T0Q0N8Z5R3V9C",
		func(ctx context.Context, q *queue.Queue, job jobs.Record) (jobs.Record, error) {
			before[job.ID], until = job.State, time.Now().Add(cancelPatience)
			return q.Cancel(ctx, job.ID)
		},
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error {
			patience, stop := context.WithDeadline(ctx, until)
			defer stop()
			job, err := follow(patience, q, job, silence{}, a.Now)
			switch {
			case err != nil && !errors.Is(err, context.DeadlineExceeded):
				return err
			case format.Value == console.FormatJSON:
				return a.PrintJSON(newObject(job, a.Now()))
			}
			return a.PrintLine(cancelResult(job, before[job.ID]))
		})
	run := c.RunE
	c.RunE = func(c *cobra.Command, ids []string) error {
		// The newest first: otherwise a job could start when the one it waits for is cancelled.
		return run(c, slices.SortedFunc(slices.Values(ids), func(a, b string) int { return strings.Compare(strings.ToUpper(b), strings.ToUpper(a)) }))
	}
	format = console.AddFormat(c.Flags())
	c.ValidArgsFunction = a.completeJobs(0, func(job jobs.Record) bool { return !job.State.Final() })
	return c
}

// cancelResult describes the result of cancelling a job that was in state before.
func cancelResult(job jobs.Record, before jobs.State) string {
	switch {
	case before.Final():
		return fmt.Sprintf("job %s is already %s", job.ID, job.State)
	case job.State.Final():
		return fmt.Sprintf("job %s is %s", job.ID, job.State)
	}
	return fmt.Sprintf("job %s is still %s; its worker was asked to stop", job.ID, job.State)
}

func (a *app) retryCommand() *cobra.Command {
	var how waitOptions
	var wait bool
	c := a.severalCommand("retry", "Run failed or cancelled jobs again", "enqueue jobs retry 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --wait",
		func(ctx context.Context, q *queue.Queue, job jobs.Record) (jobs.Record, error) {
			return q.Retry(ctx, job.ID)
		},
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error {
			return a.submitted(ctx, q, job, wait, &how)
		})
	c.Flags().BoolVar(&wait, "wait", false, "wait for the jobs and print their results")
	how.add(c.Flags())
	c.PreRunE = func(c *cobra.Command, args []string) error {
		how.several = len(distinct(args)) > 1
		return how.prepare(c, wait)
	}
	c.ValidArgsFunction = a.completeJobs(0, func(job jobs.Record) bool {
		return job.State == jobs.StateFailed || job.State == jobs.StateCancelled
	})
	return c
}
