// Package publish runs jobs that publish tables to the lake. It connects the contract of the queue to package lake.
package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/lake"
	"mixduck/storage"
)

// Locator returns how to open a database. Its errors are permanent.
type Locator func(database string) (storage.Config, error)

// queue stores what is known of lake tables; [queue.Queue] is one.
type queue interface {
	ReportLake(ctx context.Context, t jobs.LakeTable) error
}

// Handler runs jobs that publish. It is a [jobs.Handler].
type Handler struct {
	lake   *lake.Lake
	locate Locator
	queue  queue
	log    *slog.Logger
}

// New returns a handler.
func New(l *lake.Lake, locate Locator, q queue, log *slog.Logger) *Handler {
	return &Handler{lake: l, locate: locate, queue: q, log: log}
}

// lockedPause is how long a job waits if another program holds the database for long.
const lockedPause = 30 * time.Second

// Run publishes the days that are due. What it has committed stays.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	cfg, err := h.locate(a.Record.Database)
	if err != nil {
		return jobs.Permanent(err)
	}
	err = h.publish(ctx, cfg, a)
	if !errors.Is(context.Cause(ctx), jobs.ErrLaneLost) {
		h.report(ctx, cfg, a, err)
	}
	switch {
	case errors.Is(err, lake.ErrStopped):
		return jobs.ErrShutdown
	case errors.Is(err, storage.ErrLocked):
		return jobs.PauseUntil(time.Now().Add(lockedPause), err)
	case permanent(err):
		return jobs.Permanent(err)
	}
	return err
}

func permanent(err error) bool {
	switch fault.CodeOf(err) {
	case fault.CodeUsage, fault.CodeNotFound, fault.CodeExists:
		return true
	default:
		return false
	}
}

func (h *Handler) publish(ctx context.Context, cfg storage.Config, a *jobs.Attempt) error {
	r, before := a.Record.Publish, a.Progress()
	progress := func(p lake.Progress) jobs.Progress {
		return jobs.Progress{
			WindowsDone: before.WindowsDone + p.Days, WindowsTotal: before.WindowsDone + p.Due,
			Rows: before.Rows + p.Rows, Bytes: before.Bytes + p.Bytes,
		}
	}
	out, err := h.lake.Publish(ctx, lake.Request{
		Source: cfg, Database: r.Database, Table: r.Table, Days: r.Days, All: r.Force,
		Attempt: fmt.Sprintf("%s-%d", strings.ToLower(a.Record.ID), a.Fence), Fence: a.Fence,
	}, a.Draining(), func(p lake.Progress) { a.Report(progress(p)) })
	if err == nil && len(out.Newer) > 0 {
		p := progress(out.Progress)
		p.Warnings = newerWarning(out.Newer)
		a.Report(p)
	}
	return err
}

// newerWarning says that the lake has newer states of days.
func newerWarning(days []day.Day) string {
	return fmt.Sprintf("%s not published, because the lake has a newer state (from %s to %s): the database seems to be an old copy, or a clock was wrong; fetch these days again",
		wording.Counted(int64(len(days)), "day"), days[0], days[len(days)-1])
}

// reportTime limits how long a finished job waits for its report.
const reportTime = 5 * time.Second

// report tells the queue what is published now.
func (h *Handler) report(ctx context.Context, cfg storage.Config, a *jobs.Attempt, ended error) {
	cause := context.Cause(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
	defer cancel()
	s, err := h.lake.Status(ctx, cfg, a.Record.Database, a.Record.Publish.Table)
	now := time.Now().UTC()
	t := jobs.LakeTable{
		Database: a.Record.Database, Table: a.Record.Publish.Table, Lake: s.Table, Days: s.Days, Rows: s.Rows, First: s.First, Last: s.Last,
		PublishedAt: s.PublishedAt, Due: s.Due, DueSince: s.DueSince, Newer: s.Newer, At: now,
	}
	if failed := cmp.Or(ended, err); failed != nil && !errors.Is(failed, lake.ErrStopped) && cause == nil {
		t.Failure = jobs.FailureOf(failed, now)
	}
	if err := h.queue.ReportLake(ctx, t); err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "could not publish the state of a lake table",
			slog.String("job_id", a.Record.ID), slog.String("database", a.Record.Database), slog.Any("err", err))
	}
}
