// Package fetch runs fetch jobs: it joins the contract of the queue to a workspace. What it knows is how a job's request
// becomes a workspace's, and how a workspace's failure becomes the queue's.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"syscall"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/workspace"
)

// Opener makes the workspace of a job: it knows the projects' credentials and the volumes' directories. spool is the
// directory for the job's responses. Errors are permanent if they have [fault.CodeUsage].
type Opener func(f jobs.Fetch, spool string, log *slog.Logger) (*workspace.Workspace, error)

// Config tunes a [Handler].
type Config struct {
	SpoolDir        string // each job uses a directory of its own below it
	RequestsPerHour int    // what the project's budget allows, for estimates; 0 if nobody counts
}

// Handler runs fetch jobs. It is a [jobs.Handler].
type Handler struct {
	cfg  Config
	open Opener
	log  *slog.Logger
}

// New returns a handler.
func New(cfg Config, open Opener, log *slog.Logger) *Handler {
	return &Handler{cfg: cfg, open: open, log: log}
}

// Run fetches what the job asks for, and what earlier attempts have not committed yet.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	req := a.Record.Fetch
	if name := req.StreamName(); name != stream.Events {
		return jobs.Permanent(fault.Usage("update the worker", "this worker cannot fetch %s", name))
	}
	ws, err := h.open(req, filepath.Join(h.cfg.SpoolDir, a.Record.ID), h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return classify(err, "")
	}
	before := a.Record.Progress
	promote, err := storage.ParsePromotions(req.Promote)
	if err != nil {
		return classify(err, "")
	}
	progress, err := ws.FetchEvents(ctx, workspace.FetchRequest{
		Table: req.Table, Days: req.Days, Events: req.Events, Where: req.Where, Mode: workspace.Mode(req.Mode), Promote: promote,
		Due: (*workspace.Due)(req.Due), LateSince: req.LateSince, Force: req.Force, Job: a.Record.ID, Fence: a.Fence, Drain: a.Draining(),
	}, func(p workspace.Progress) { a.Report(h.report(p, before)) })
	a.Report(h.report(progress, before))
	if err != nil {
		return classify(err, a.Progress().Trouble)
	}
	return nil
}

// report turns a workspace's progress into that of the job, whose earlier attempts have sent requests of their own.
func (h *Handler) report(p workspace.Progress, before jobs.Progress) jobs.Progress {
	trouble := p.Trouble
	if trouble == "" && p.WindowsDone == before.WindowsDone { // nothing has succeeded since an earlier attempt saw it
		trouble = before.Trouble
	}
	return jobs.Progress{
		Trouble: trouble, WindowsDone: p.WindowsDone, WindowsTotal: p.WindowsTotal,
		Rows: p.Rows, Duplicates: p.Duplicates, Quarantined: p.Quarantined, Bytes: p.Bytes,
		Requests: before.Requests + p.Requests, Retries: before.Retries + p.Retries,
		Added: p.Added, Removed: p.Removed, Updated: p.Updated,
		LateDays: p.LateDays, DaysLeft: p.DaysLeft, Unavailable: p.Unavailable,
		Warnings:        p.Warnings,
		RequestsPerHour: h.cfg.RequestsPerHour,
	}
}

// classify says what the queue is to make of a failure. Whatever is not known to be permanent is temporary. A job that
// pauses keeps saying what went wrong before.
func classify(err error, trouble string) error {
	err = advise(err)
	if errors.Is(err, workspace.ErrDrained) {
		return fmt.Errorf("%w: %w", jobs.ErrShutdown, err)
	}
	if pause, ok := errors.AsType[*workspace.PauseError](err); ok {
		if trouble != "" {
			err = fmt.Errorf("%w; earlier error: %s", err, trouble)
		}
		return jobs.PauseUntil(pause.Until, err)
	}
	if workspace.Permanent(err) {
		return jobs.Permanent(err)
	}
	return err
}

// advise gives the errors of a disk a hint, if they have none.
func advise(err error) error {
	var hint string
	switch {
	case fault.HintOf(err) != "":
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "free some disk space and retry; committed days are safe"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		hint = "give the worker's user write permission for the data directory and its content"
	default:
		return err
	}
	return fault.New(fault.CodeOf(err), hint, "%w", err)
}
