package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mixduck/cmd/internal/console"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/status"
)

const snapshotLong = `Replace the snapshot of a database now, and print its path. A snapshot is a
read-only copy for other programs, such as notebooks and BI tools. A worker also
replaces it after each job that changed the database, see the project setting
snapshot. Programs that have the old snapshot open keep reading it.

If the database has not changed, the snapshot stays.`

func (a *app) snapshotCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "snapshot [DATABASE]", Short: "Replace the copy for other programs now", Long: snapshotLong,
		Example: "  enqueue snapshot\n  enqueue snapshot eu/jan.db --format json",
	}
	c.Args = func(c *cobra.Command, args []string) error { return console.Arguments(c, args, min(1, len(args))) }
	c.Flags().String("project", "", projectUsage)
	format := console.AddFormat(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		project, err := c.Flags().GetString("project")
		if err != nil {
			return err
		}
		typed := ""
		if len(args) > 0 {
			typed = args[0]
		}
		return a.withNamed(c, typed, project, func(cfg config.Config, q *queue.Queue, database string) error {
			return a.snapshot(c.Context(), &reader{app: a, cfg: cfg, queue: q, database: database}, format.Value)
		})
	}
	return c
}

func (a *app) snapshot(ctx context.Context, r *reader, format string) error {
	job, err := r.submit(ctx, jobs.Query{Database: r.database, Snapshot: true, Format: jobs.FormatRows, Attended: true})
	if err != nil {
		return err
	}
	if job, err = r.attend(ctx, job); err != nil {
		return err
	}
	if job.Result == nil || job.Result.Snapshot == nil {
		return fault.New(fault.CodeFailed, "run the same version of worker and enqueue", "job %s made no snapshot", job.ID)
	}
	s := *job.Result.Snapshot
	if format == console.FormatJSON {
		return a.PrintJSON(newSnapshotObject(s, a.Now()))
	}
	return a.PrintLine(wording.Printable(s.Path))
}

// Snapshot returns the snapshot of the reader's database, as the queue knows it.
func (r *reader) Snapshot(ctx context.Context) (*console.SnapshotFile, error) {
	all, err := r.queue.Snapshots(ctx)
	i := slices.IndexFunc(all, func(s jobs.Snapshot) bool { return s.Database == r.database })
	if err != nil || i < 0 || all[i].TakenAt.IsZero() {
		return nil, err
	}
	return &console.SnapshotFile{Path: all[i].Path, TakenAt: all[i].TakenAt}, nil
}

// snapshotObject is a snapshot in JSON. Fields are only ever added.
type snapshotObject struct {
	Database   string       `json:"database"`
	Path       string       `json:"path"`        // on the worker's machine
	TakenAt    *time.Time   `json:"taken_at"`    // null if there is no snapshot
	AgeSeconds float64      `json:"age_seconds"` // since then
	Bytes      int64        `json:"bytes"`
	Job        string       `json:"job"`         // the job before it; "" for none
	StaleSince *time.Time   `json:"stale_since"` // when the database changed without a newer snapshot; null if the snapshot is current
	Error      *objectError `json:"error"`       // why there is no newer snapshot; null for no reason
}

func newSnapshotObject(s jobs.Snapshot, now time.Time) *snapshotObject {
	o := &snapshotObject{Database: s.Database, Path: s.Path, TakenAt: timeOrNull(s.TakenAt), Bytes: s.Bytes, Job: s.Job, StaleSince: timeOrNull(s.StaleSince)}
	if o.TakenAt != nil {
		o.AgeSeconds = max(0, now.Sub(s.TakenAt)).Seconds()
	}
	if s.Failure != nil {
		o.Error = &objectError{Code: s.Failure.Code, Message: s.Failure.Message, Hint: s.Failure.Hint}
	}
	return o
}

// snapshotsText returns a line about each snapshot.
func snapshotsText(all []jobs.Snapshot, now time.Time, width int) string {
	var b strings.Builder
	for _, s := range all {
		line := fmt.Sprintf("snapshot of %s: none", status.Database(s.Database))
		if !s.TakenAt.IsZero() {
			line = fmt.Sprintf("snapshot of %s: %s old, %s", status.Database(s.Database), wording.ShortTime(max(0, now.Sub(s.TakenAt))), s.Path)
		}
		if s.Failure != nil {
			line += "; not replaced: " + s.Failure.Message
		}
		b.WriteString(wording.Cut(wording.Printable(line), width) + "\n")
	}
	return b.String()
}
