// Package tables reports the content of a database to the queue after each attempt that writes to it, for clients that
// cannot open it. It connects the contract of the queue to package storage; another handler does the work of the
// attempt.
package tables

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/workspace"
)

// queue stores reports; [queue.Queue] is one.
type queue interface {
	ReportTables(ctx context.Context, a *jobs.Attempt, r jobs.TableReport) error
}

// Locator returns how to open a database.
type Locator func(database string) (storage.Config, error)

// Handler is a [jobs.Handler] that wraps another one.
type Handler struct {
	inner  jobs.Handler
	locate Locator
	queue  queue
	log    *slog.Logger
}

// New returns a handler that calls inner and then reports the state of the database.
func New(inner jobs.Handler, locate Locator, q queue, log *slog.Logger) *Handler {
	return &Handler{inner: inner, locate: locate, queue: q, log: log}
}

// reportTime limits how long a finished job waits for its report.
const reportTime = 5 * time.Second

// Run runs the other handler and returns its error. A failed report is only logged.
func (h *Handler) Run(ctx context.Context, a *jobs.Attempt) error {
	err := h.inner.Run(ctx, a)
	cause, ended := context.Cause(ctx), err
	if errors.Is(cause, jobs.ErrLaneLost) {
		return err // the current holder of the turn will report
	}
	if err != nil && cause != nil {
		ended = fmt.Errorf("%w: %w", cause, err)
	}
	if err := h.report(context.WithoutCancel(ctx), a, ended); err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "could not publish table states",
			slog.String("job_id", a.Record.ID), slog.String("database", a.Record.Database), slog.Any("err", err))
	}
	return err
}

func (h *Handler) report(ctx context.Context, a *jobs.Attempt, ended error) error {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	r := jobs.TableReport{Failing: failing(ended), Err: ended}
	held, readErr := h.look(ctx, a.Record.Database)
	r.Tables, r.Days, r.Unread = tableStates(held), dayMaps(held), readErr != nil
	if f := a.Record.Fetch; readErr == nil && a.Record.Kind == jobs.KindFetch && f.Some() {
		r.Brought, readErr = h.brought(ctx, a.Record)
	}
	return errors.Join(readErr, h.queue.ReportTables(ctx, a, r))
}

// look reads the bookkeeping of the database.
func (h *Handler) look(ctx context.Context, database string) (storage.Held, error) {
	cfg, err := h.locate(database)
	if err != nil {
		return storage.Held{}, err
	}
	return storage.ReadTableStates(ctx, cfg)
}

// tableStates converts the content of a database for the queue.
func tableStates(held storage.Held) []jobs.TableState {
	all := make([]jobs.TableState, len(held.Tables))
	for i, t := range held.Tables {
		all[i] = jobs.TableState{
			Project: t.Project, Table: t.Name, Type: t.Type, Rows: t.Rows, First: t.First, LastComplete: t.LastComplete,
			Complete: t.Complete, Partial: t.Partial, Unavailable: t.Unavailable, Missing: t.Missing,
			Quarantined: t.Quarantined, FetchedAt: t.FetchedAt, FileBytes: held.Bytes, TimeWarning: t.TimeWarning,
			Added: t.Added, Updated: t.Updated, Removed: t.Removed,
		}
		if v := t.Verified; !v.At.IsZero() {
			all[i].Verified = &jobs.Verified{
				Days: v.Days, Events: v.Events, Differences: v.Differences, Requests: v.Requests,
				At: v.At, Repaired: v.Repaired, Problem: v.Problem,
			}
		}
	}
	return all
}

// dayMaps returns the day maps of the tables that have days.
func dayMaps(held storage.Held) map[string]jobs.Days {
	all := make(map[string]jobs.Days, len(held.Days))
	for table, days := range held.Days {
		all[table] = DayMap(days)
	}
	return all
}

// DayMap converts the coverage of a table for the queue.
func DayMap(stored []storage.Coverage) jobs.Days {
	states := map[storage.CoverageState]jobs.DayState{
		storage.Complete: jobs.DayComplete, storage.Partial: jobs.DayPartial, storage.Unavailable: jobs.DayUnavailable,
	}
	days := make([]jobs.StoredDay, len(stored))
	for i, c := range stored {
		days[i] = jobs.StoredDay{Day: c.Day, State: states[c.State], Rows: c.Rows, Changed: c.Changed, Quarantined: c.Quarantined}
	}
	return jobs.NewDays(days)
}

// brought returns the days that a job has fetched, or that are unavailable.
func (h *Handler) brought(ctx context.Context, r jobs.Record) ([]day.Day, error) {
	cfg, err := h.locate(r.Database)
	if err != nil {
		return nil, err
	}
	return storage.ReadFetched(ctx, cfg, r.Fetch.Table, r.ID)
}

// failing returns the days that an attempt could not fetch.
func failing(err error) (all []jobs.FailingDays) {
	if days, ok := errors.AsType[*workspace.DaysError](err); ok {
		for _, f := range days.Failed {
			all = append(all, jobs.FailingDays{Days: f.Days, Message: f.Err.Error()})
		}
	}
	return all
}
