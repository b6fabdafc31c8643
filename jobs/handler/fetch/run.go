package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/defaults"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/handler/tables"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/workspace"
)

// run is one attempt of a fetch.
type run struct {
	*Handler
	*jobs.Attempt
	ws       *workspace.Workspace
	before   jobs.Progress      // of earlier attempts
	verified *jobs.Verified     // nil before a comparison
	done     workspace.Progress // of the streams fetched so far
	kept     *workspace.Kept    // from the last attempt, and for the next one
}

// events fetches days of events, and verifies them if the job asks for it.
func (r *run) events(ctx context.Context, f jobs.Fetch) error {
	if err := r.fetchEvents(ctx, f, r.Record.ID); err != nil {
		return err
	}
	return r.verify(ctx, f)
}

// fetchEvents fetches days of events; receipts have the given job.
func (r *run) fetchEvents(ctx context.Context, f jobs.Fetch, job string) error {
	promote, err := storage.ParsePromotions(f.Promote)
	if err != nil {
		return err
	}
	p, err := r.ws.FetchEvents(ctx, workspace.FetchRequest{
		Table: f.Table, Days: f.Days, Events: f.Events, Where: f.Where, Mode: workspace.Mode(f.Mode), Promote: promote,
		Due: (*workspace.Due)(f.Due), LateSince: f.LateSince, Force: f.Force, Job: job, Fence: r.Fence, Drain: r.Draining(), Kept: r.kept,
		OnWindow: r.reportWindow, OnStored: func(days []storage.Coverage) { r.ReportDays(f.Table, tables.DayMap(days)) },
	}, r.report)
	return r.ended(p, err)
}

// stream fetches a stream other than events.
func (r *run) stream(ctx context.Context, f jobs.Fetch) error {
	p, err := r.ws.FetchStream(ctx, workspace.StreamRequest{
		Stream: f.Stream, Table: f.Table, Profiles: filterOf(f), Since: f.Since,
		Incremental: f.Mode == jobs.ModeIncremental && f.Since.IsZero(), FullEvery: f.FullEvery, History: f.History, ReportIDs: f.ReportIDs, Days: f.Days, Force: f.Force,
		Job: r.Record.ID, Fence: r.Fence, Drain: r.Draining(), Kept: r.kept,
	}, r.report)
	return r.ended(p, err)
}

func filterOf(f jobs.Fetch) (filter stream.Filter) {
	if f.Profiles != nil {
		filter = *f.Profiles
	}
	filter.Where = f.Where
	return filter
}

// recentDays is the number of days of events in a fetch of all streams without days.
const recentDays = 30

// all fetches every stream, one after another. A stream that the project's plan does not include
// causes a warning.
func (r *run) all(ctx context.Context, f jobs.Fetch) error {
	for _, info := range stream.List() {
		var err error
		if info.Name == stream.Events {
			one := f.EventsPart()
			if one.Days == (day.Range{}) {
				yesterday := r.ws.Today() - 1
				one.Days, one.Due = day.Range{From: yesterday - recentDays + 1, To: yesterday}, &jobs.Due{Lookback: defaults.Lookback}
			}
			err = r.events(ctx, one)
		} else {
			one := f
			one.Stream, one.Table, one.Where, one.Days, one.Due = info.Name, info.Table, "", day.Range{}, nil
			err = r.stream(ctx, one)
		}
		api, ok := errors.AsType[*mixpanel.Error](err)
		if ok && (api.Reason == mixpanel.ReasonPlan || info.Optional && workspace.Permanent(err)) {
			r.log.LogAttrs(ctx, slog.LevelWarn, "a stream was not fetched", slog.String("kind", info.Name), slog.Any("err", err))
			r.done.Warnings += fmt.Sprintf("%s were not fetched: %s\n", info.Name, strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", info.Name, err)
		}
	}
	r.Report(r.progress(workspace.Progress{}))
	return nil
}

// ended adds the progress of a stream that was fetched or has failed.
func (r *run) ended(p workspace.Progress, err error) error {
	r.Report(r.progress(p))
	r.done = sum(r.done, p)
	return err
}

// updateModel extends the typed views after a fetch. The rows are stored, so a failure is only a warning.
func (r *run) updateModel(ctx context.Context) {
	warnings, err := r.ws.UpdateModel(ctx, r.Fence)
	if err != nil {
		r.log.LogAttrs(ctx, slog.LevelWarn, "typed views not updated", slog.Any("err", err))
		warnings = append(warnings, "the typed views were not updated: "+jobs.OneLine(err.Error()))
	}
	if len(warnings) > 0 {
		r.done.Warnings += strings.Join(warnings, "\n") + "\n"
		r.Report(r.progress(workspace.Progress{}))
	}
}

func (r *run) reportWindow(w workspace.WindowState) {
	state := jobs.WindowState{Days: w.Days, Phase: jobs.WindowPhase(w.Phase), Tries: w.Tries, At: time.Now().UTC(), Rows: w.Rows}
	if w.Err != nil {
		state.Error = w.Err.Error()
	}
	r.ReportWindow(state)
}

func (r *run) report(p workspace.Progress) { r.Report(r.progress(p)) }

// progress converts the progress of a workspace into that of the job, whose earlier attempts have also sent requests.
func (r *run) progress(p workspace.Progress) jobs.Progress {
	trouble := p.Trouble
	p = sum(r.done, p)
	if trouble == "" && p.WindowsDone == r.before.WindowsDone { // no success since an earlier attempt reported it
		trouble = r.before.Trouble
	}
	return jobs.Progress{
		Trouble: trouble, WindowsDone: p.WindowsDone, WindowsTotal: p.WindowsTotal,
		Rows: p.Rows, Duplicates: p.Duplicates, Quarantined: p.Quarantined, Bytes: p.Bytes,
		Requests: r.before.Requests + p.Requests, Retries: r.before.Retries + p.Retries,
		Added: p.Added, Removed: p.Removed, Updated: p.Updated, Unchanged: p.Unchanged,
		LateDays: p.LateDays, DaysLeft: p.DaysLeft, Unavailable: p.Unavailable,
		Warnings:        p.Warnings,
		Verified:        cmp.Or(r.verified, r.before.Verified),
		RequestsPerHour: r.cfg.RequestsPerHour,
	}
}

// sum adds the progress of two streams.
func sum(a, b workspace.Progress) workspace.Progress {
	b.WindowsDone += a.WindowsDone
	b.WindowsTotal += a.WindowsTotal
	b.Rows += a.Rows
	b.Duplicates += a.Duplicates
	b.Quarantined += a.Quarantined
	b.Requests += a.Requests
	b.Retries += a.Retries
	b.Bytes += a.Bytes
	b.Added += a.Added
	b.Removed += a.Removed
	b.Updated += a.Updated
	b.Unchanged += a.Unchanged
	b.DaysLeft += a.DaysLeft
	b.Unavailable += a.Unavailable
	b.Warnings = a.Warnings + b.Warnings
	if a.LateDays != "" {
		b.LateDays = strings.TrimPrefix(b.LateDays+", "+a.LateDays, ", ")
	}
	return b
}
