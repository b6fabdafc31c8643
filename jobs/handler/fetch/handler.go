// Package fetch runs fetch jobs: it connects the contract of the queue to a workspace. It translates a job's request
// into a workspace's, and a workspace's failure into the queue's.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"mixduck/internal/fault"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/workspace"
)

// Opener opens the workspace of a job: it knows the projects' credentials and the volumes' directories. spool is the
// directory for the job's responses. Errors are permanent if they have [fault.CodeUsage].
type Opener func(f jobs.Fetch, spool string, log *slog.Logger) (*workspace.Workspace, error)

// Config tunes a [Handler].
type Config struct {
	SpoolDir        string // each job uses a separate directory below it
	RequestsPerHour int    // the project's budget, for estimates; 0 if requests are not counted
}

// Handler runs fetch jobs. It is a [jobs.Handler].
type Handler struct {
	cfg  Config
	open Opener
	log  *slog.Logger

	mu   sync.Mutex                 // guards kept
	kept map[string]*workspace.Kept // by job
}

// New returns a handler.
func New(cfg Config, open Opener, log *slog.Logger) *Handler {
	return &Handler{cfg: cfg, open: open, log: log, kept: map[string]*workspace.Kept{}}
}

// Run fetches what the job asks for, except what earlier attempts have committed.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) (err error) {
	f := a.Record.Fetch
	ws, err := h.open(f, h.spool(a.Record.ID), h.log.With(slog.String("job_id", a.Record.ID)))
	if err != nil {
		return classify(err, "")
	}
	r := &run{Handler: h, Attempt: a, ws: ws, before: a.Record.Progress, kept: h.take(a.Record.ID)}
	defer func() { h.keep(a.Record.ID, r.kept, err) }()
	switch name := f.StreamName(); name {
	case stream.Events:
		err = r.events(ctx, f)
	case stream.All:
		err = r.all(ctx, f)
	default:
		err = r.stream(ctx, f)
	}
	if err == nil {
		r.updateModel(ctx)
	}
	return classify(err, a.Progress().Trouble)
}

// spool returns the directory of a job's responses.
func (h *Handler) spool(job string) string { return filepath.Join(h.cfg.SpoolDir, job) }

// take returns what the last attempt of a job has downloaded but could not load.
func (h *Handler) take(job string) *workspace.Kept {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kept[job]
	delete(h.kept, job)
	if k == nil {
		k = &workspace.Kept{}
	}
	return k
}

// keep leaves that to the next attempt, if this one has ended because the database was locked.
func (h *Handler) keep(job string, k *workspace.Kept, err error) {
	if !errors.Is(err, storage.ErrLocked) {
		if !k.Empty() {
			k.Drop()
			_ = os.RemoveAll(h.spool(job)) // the rest goes when the worker starts again
		}
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[job] = k
}

// classify tells the queue how to treat a failure. An error is temporary unless it is known to be permanent. A paused
// job keeps showing its earlier problem.
func classify(err error, trouble string) error {
	if err == nil {
		return nil
	}
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

// advise adds a hint to disk errors that have none.
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
