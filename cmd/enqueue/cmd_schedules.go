package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/internal/fault"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
)

const schedulesLong = `Manage recurring fetches. On each run, a schedule starts one job. The job fetches days
that are missing, partial, or recent enough to have received late events.
Workers run all schedules. Schedules in a worker's mixduck.yaml are added and
removed together with their entry in that file.`

const schedulesExample = `  enqueue schedules add morning --cron "15 6 * * *" --timezone Europe/Berlin
  enqueue schedules next "15 6 * * mon-fri" --timezone Europe/Berlin
  enqueue schedules list
  enqueue schedules pause morning`

func (a *app) schedulesCommand() *cobra.Command {
	group := console.Group("schedules", "Manage recurring fetches",
		a.scheduleAddCommand(), a.scheduleListCommand(), a.scheduleShowCommand(), a.scheduleNextCommand(), a.scheduleRunCommand(),
		a.schedulePauseCommand(true), a.schedulePauseCommand(false), a.scheduleRemoveCommand())
	group.Long, group.Example = schedulesLong, schedulesExample
	return group
}

// oneSchedule takes the name of a schedule.
func oneSchedule(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fault.Usage("enqueue schedules list shows the names", "%s requires the name of a schedule", c.CommandPath())
	}
	return console.Arguments(c, args, 1)
}

// scheduleCommand returns a command for one schedule. The command calls use with the schedule's name.
func (a *app) scheduleCommand(name, short string, use func(ctx context.Context, q *queue.Queue, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " NAME", Short: short, Example: "  enqueue schedules " + name + " morning", Args: oneSchedule,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withQueue(c, func(q *queue.Queue) error { return use(c.Context(), q, args[0]) })
		},
	}
}

func (a *app) scheduleListCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "List schedules with their last result and next run",
		Example: "  enqueue schedules list\n  enqueue schedules list --format json", Args: console.NoArguments,
	}
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withQueue(c, func(q *queue.Queue) error {
			now, err := q.Time(c.Context())
			if err != nil {
				return err
			}
			states, err := schedule.NewStore(q).List(c.Context(), now)
			if err != nil {
				return err
			}
			all, err := newScheduleViews(c.Context(), q, states, now)
			if err != nil {
				return err
			}
			return a.printSchedules(all, format.Value)
		})
	}
	return c
}

func (a *app) printSchedules(all []scheduleView, format string) error {
	if format == console.FormatJSON {
		objects := make([]scheduleObject, len(all))
		for i, v := range all {
			objects[i] = newScheduleObject(v)
		}
		return a.PrintJSON(objects)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.Process.Stderr, "no schedules")
		return nil
	}
	width, _ := console.TerminalWidth(a.Process.Stdout)
	return a.Print(console.Table(scheduleRows(all, a.Now().Location()), width))
}

func (a *app) scheduleShowCommand() *cobra.Command {
	var format *console.Choice
	c := a.scheduleCommand("show", "Show the details of a schedule and its last runs", func(ctx context.Context, q *queue.Queue, name string) error {
		return a.printSchedule(ctx, q, name, format.Value)
	})
	format = console.AddFormat(c.Flags())
	return c
}

// printSchedule shows a schedule with its current state.
func (a *app) printSchedule(ctx context.Context, q *queue.Queue, name, format string) error {
	now, err := q.Time(ctx)
	if err != nil {
		return err
	}
	s, err := schedule.NewStore(q).Get(ctx, name, now)
	if err != nil {
		return err
	}
	views, err := newScheduleViews(ctx, q, []schedule.State{s}, now)
	if err != nil {
		return err
	}
	v := views[0]
	if v.history, err = schedule.NewStore(q).History(ctx, name); err != nil {
		return err
	}
	if format == console.FormatJSON {
		return a.PrintJSON(newScheduleObject(v))
	}
	return a.Print(scheduleDetails(v, a.Now().Location()))
}

func (a *app) scheduleRunCommand() *cobra.Command {
	var how waitOptions
	var wait bool
	c := a.scheduleCommand("run", "Run a schedule now, even if it is paused", func(ctx context.Context, q *queue.Queue, name string) error {
		job, err := schedule.NewStore(q).Run(ctx, name)
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

func (a *app) schedulePauseCommand(pause bool) *cobra.Command {
	name, short, result := "resume", "Resume a paused schedule; runs missed meanwhile are skipped", "runs again"
	if pause {
		name, short, result = "pause", "Pause a schedule until it is resumed, across restarts", "is paused"
	}
	var format *console.Choice
	c := a.scheduleCommand(name, short, func(ctx context.Context, q *queue.Queue, name string) error {
		changed, err := schedule.NewStore(q).Pause(ctx, name, pause)
		switch {
		case err != nil:
			return err
		case format.Value == console.FormatJSON:
			return a.printSchedule(ctx, q, name, format.Value)
		case changed:
			return a.PrintLine(fmt.Sprintf("schedule %s %s", name, result))
		case pause:
			return a.PrintLine(fmt.Sprintf("schedule %s is already paused", name))
		}
		return a.PrintLine(fmt.Sprintf("schedule %s is not paused", name))
	})
	format = console.AddFormat(c.Flags())
	return c
}

func (a *app) scheduleRemoveCommand() *cobra.Command {
	var format *console.Choice
	c := a.scheduleCommand("remove", "Remove a schedule; its jobs continue", func(ctx context.Context, q *queue.Queue, name string) error {
		now, err := q.Time(ctx)
		if err != nil {
			return err
		}
		s, err := schedule.NewStore(q).Get(ctx, name, now)
		if err == nil {
			err = schedule.NewStore(q).Remove(ctx, name)
		}
		if err != nil {
			return err
		}
		if len(s.Files) > 0 {
			fmt.Fprintf(a.Process.Stderr, "warning: a worker that has it in mixduck.yaml adds it again\n")
		}
		if format.Value == console.FormatJSON {
			return a.PrintJSON(struct {
				Name    string `json:"name"`
				Removed bool   `json:"removed"`
			}{name, true})
		}
		return a.PrintLine(fmt.Sprintf("schedule %s is removed", name))
	})
	format = console.AddFormat(c.Flags())
	return c
}
