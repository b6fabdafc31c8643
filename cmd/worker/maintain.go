package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/connect"
	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

const backupLong = `Copy a database into a new file while the worker keeps running. The copy is a job
in the database's lane: it runs between two fetches and contains everything
committed by then. The file appears once it is complete. Queries continue.

TO has the form volume/file, like a database name, so that the worker finds the
place. Use a separate volume for backups: --volumes main=/data,backup=/mnt/backup.
An absolute path inside one of the volumes also works.

To restore: stop the worker, delete 12345.db.wal if it exists, and move the
backup to its place. Then start the worker, and fetch the days after the backup
and the other streams again.`

const compactLong = `Rewrite a database file without the space left by deleted and replaced rows. This
is a job in the database's lane. Other access waits meanwhile, for about a third
of the time it took to load the rows. It needs disk space for the new file beside
the old one. If it is interrupted, the old file stays unchanged.`

func backupCommand(p *cli.Process) *cobra.Command {
	return maintenanceCommand(p, &cobra.Command{
		Use: "backup DATABASE TO", Short: "Copy a database while the worker keeps running", Long: backupLong,
		Example: "  worker backup 12345.db backup/12345-monday.db\n" +
			"  worker backup 12345.db /mnt/backup/12345.db \\\n    --volumes main=/data,backup=/mnt/backup",
	}, 2, jobs.ActionBackup)
}

func compactCommand(p *cli.Process) *cobra.Command {
	return maintenanceCommand(p, &cobra.Command{
		Use: "compact DATABASE", Short: "Reclaim the space of deleted rows", Long: compactLong,
		Example: "  worker compact 12345.db",
	}, 1, jobs.ActionCompact)
}

// maintenanceCommand makes c submit an edit of the databases in its arguments, and wait for it.
func maintenanceCommand(p *cli.Process, c *cobra.Command, arguments int, action jobs.Action) *cobra.Command {
	var detach bool
	c.Args = func(c *cobra.Command, args []string) error { return console.Arguments(c, args, arguments) }
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := config.LoadClient(p.Environ, c.Flags())
		if err != nil {
			return err
		}
		return connect.With(c.Context(), cfg, func(q *queue.Queue) error {
			edit := jobs.Edit{Action: action}
			if edit.Database, err = database(c.Context(), q, cfg, args[0]); err != nil {
				return err
			}
			if arguments > 1 {
				if edit.To, err = database(c.Context(), q, cfg, args[1]); err != nil {
					return err
				}
			}
			job, err := q.Submit(c.Context(), jobs.Request{Kind: jobs.KindEdit, Edit: edit, MaxAttempts: cfg.Jobs.MaxAttempts})
			if err != nil {
				return err
			}
			if job.Unserved {
				fmt.Fprintf(p.Stderr, "warning: no worker serves the volume of %s; job %s waits until one does\n", edit.Database, job.ID)
			}
			if detach {
				_, err = fmt.Fprintln(p.Stdout, job.ID)
				return err
			}
			return follow(c.Context(), p, q, job)
		})
	}
	config.Flags(c.Flags(), "config", "data_dir", "volumes", "redis.url", "redis.ca_file")
	c.Flags().BoolVar(&detach, "detach", false, "print the job id and do not wait")
	return c
}

// database returns the full name of a database from user input, which can also be the path of its file.
func database(ctx context.Context, q *queue.Queue, cfg config.Config, typed string) (string, error) {
	if !filepath.IsAbs(typed) {
		return connect.Database(ctx, q, cfg, typed)
	}
	if v, rel, ok := config.VolumeOf(cfg.Volumes, typed); ok {
		return connect.FindDatabase(cfg, v.Name+"/"+filepath.ToSlash(rel), []string{v.Name})
	}
	return "", fault.Usage("add its directory to --volumes, for example backup=/mnt/backup, also for the worker", "%s is not in a volume", typed)
}

// follow waits for a job. It prints each change of state on stderr, and the result on stdout.
func follow(ctx context.Context, p *cli.Process, q *queue.Queue, job jobs.Record) error {
	fmt.Fprintf(p.Stderr, "job %s\n", job.ID)
	var state jobs.State
	err := q.Watch(ctx, job.ID, func(r jobs.Record) {
		if job = r; r.State != state && !r.State.Final() {
			state = r.State
			fmt.Fprintf(p.Stderr, "%s\n", state)
		}
	})
	switch {
	case ctx.Err() != nil:
		return fault.New(fault.CodeInterrupted, "use 'enqueue jobs wait "+job.ID+"' to follow it, or 'enqueue jobs cancel "+job.ID+"' to cancel it",
			"interrupted; job %s continues", job.ID)
	case err != nil:
		return err
	}
	if err := connect.Outcome(job, "enqueue"); err != nil {
		return err
	}
	done := fmt.Sprintf("%s copied to %s", job.Database, job.Edit.To)
	if job.Edit.Action == jobs.ActionCompact {
		done = fmt.Sprintf("%s compacted: %s, before %s", job.Database, wording.Megabytes(job.Progress.FileAfter), wording.Megabytes(job.Progress.FileBefore))
	}
	_, err = fmt.Fprintln(p.Stdout, done)
	return err
}
