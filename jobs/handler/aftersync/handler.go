// Package aftersync submits jobs that publish a table to the lake after fetches have changed it. It does not know how
// they publish.
package aftersync

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

// submitter is the part of a [queue.Queue] that submitting needs.
type submitter interface {
	List(ctx context.Context, f queue.Filter) ([]jobs.Record, error)
	Submit(ctx context.Context, r jobs.Request) (jobs.Record, error)
}

// Handler is a [jobs.Handler] that wraps another one.
type Handler struct {
	inner       jobs.Handler
	queue       submitter
	maxAttempts int // of the jobs that publish
	log         *slog.Logger
}

// New returns a handler that calls inner and then submits a job that publishes the table, if events were stored.
func New(inner jobs.Handler, q submitter, maxAttempts int, log *slog.Logger) *Handler {
	return &Handler{inner: inner, queue: q, maxAttempts: maxAttempts, log: log}
}

// submitTime limits how long a finished job waits for its follow-up.
const submitTime = 5 * time.Second

// Run runs the other handler and returns its error. Windows that a failed attempt has stored are published too. A
// follow-up that cannot be submitted is only logged: the next one publishes the same days.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	before := a.Progress().WindowsDone
	err := h.inner.Run(ctx, a)
	f := a.Record.Fetch
	if f.StreamName() != stream.Events || a.Progress().WindowsDone == before || errors.Is(context.Cause(ctx), jobs.ErrLaneLost) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTime)
	defer cancel()
	if err := h.submit(ctx, jobs.Publish{Database: f.Database, Table: f.Table}); err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "could not submit a job that publishes", slog.String("job_id", a.Record.ID),
			slog.String("database", f.Database), slog.Any("err", err))
	}
	return err
}

// submit submits a job unless one waits that will publish the same days.
func (h *Handler) submit(ctx context.Context, p jobs.Publish) error {
	for _, state := range []jobs.State{jobs.StateQueued, jobs.StateWaiting, jobs.StateRetrying, jobs.StatePaused} {
		found, err := h.queue.List(ctx, queue.Filter{Kind: jobs.KindPublish, Database: p.Database, State: state})
		if err != nil {
			return err
		}
		if slices.ContainsFunc(found, func(r jobs.Record) bool { return r.Publish.Table == p.Table && r.Publish.Days == (day.Range{}) }) {
			return nil
		}
	}
	_, err := h.queue.Submit(ctx, jobs.Request{Kind: jobs.KindPublish, Publish: p, MaxAttempts: h.maxAttempts})
	return err
}
