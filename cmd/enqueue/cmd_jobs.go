package main

import (
	"context"
	"errors"
	"fmt"
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

// jobCommand returns a command about one job, which calls use with its record.
func (a *app) jobCommand(name, short, example string, use func(ctx context.Context, q *queue.Queue, job jobs.Record) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID", Short: short, Example: "  " + example, Args: oneJob,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withQueue(c, func(q *queue.Queue) error {
				job, err := q.Job(c.Context(), args[0])
				if err != nil {
					return err
				}
				return use(c.Context(), q, job)
			})
		},
	}
}

func (a *app) showCommand() *cobra.Command {
	var format *console.Choice
	c := a.jobCommand("show", "Show the details of a job", "enqueue jobs show 01KAMG2M7E6Y4T0Q0N8Z5R3V9C",
		func(_ context.Context, _ *queue.Queue, job jobs.Record) error {
			if format.Value == console.FormatJSON {
				return a.PrintJSON(newObject(job, a.Now()))
			}
			return a.Print(details(job, a.Now()))
		})
	format = console.AddFormat(c.Flags())
	return c
}

func (a *app) waitCommand() *cobra.Command {
	var how waitOptions
	c := a.jobCommand("wait", "Wait for a job and print its result", "enqueue jobs wait 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --timeout 1h",
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error { return a.await(ctx, q, job, &how) })
	how.add(c.Flags())
	c.PreRunE = func(c *cobra.Command, _ []string) error { return how.prepare(c, true) }
	return c
}

// cancelPatience is how long a running job may take to stop while a person looks on.
const cancelPatience = 5 * time.Second

func (a *app) cancelCommand() *cobra.Command {
	var format *console.Choice
	c := a.jobCommand("cancel", "Cancel a job; days it already stored stay", "enqueue jobs cancel 01KAMG2M7E6Y4T0Q0N8Z5R3V9C",
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error {
			before := job.State
			job, err := q.Cancel(ctx, job.ID)
			if err != nil {
				return err
			}
			patience, cancel := context.WithTimeout(ctx, cancelPatience)
			defer cancel()
			if job, err = follow(patience, q, job, silence{}, a.Now); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			if format.Value == console.FormatJSON {
				return a.PrintJSON(newObject(job, a.Now()))
			}
			return a.PrintLine(cancelResult(job, before))
		})
	format = console.AddFormat(c.Flags())
	return c
}

// cancelResult says what came of a request to cancel a job that was in state before.
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
	c := a.jobCommand("retry", "Run a failed or cancelled job again", "enqueue jobs retry 01KAMG2M7E6Y4T0Q0N8Z5R3V9C --wait",
		func(ctx context.Context, q *queue.Queue, job jobs.Record) error {
			job, err := q.Retry(ctx, job.ID)
			if err != nil {
				return err
			}
			return a.submitted(ctx, q, job, wait, &how)
		})
	c.Flags().BoolVar(&wait, "wait", false, "wait for the job and print its result")
	how.add(c.Flags())
	c.PreRunE = func(c *cobra.Command, _ []string) error { return how.prepare(c, wait) }
	return c
}
