package main

import (
	"testing"
	"time"
	"unicode/utf8"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/wording"
	"mixduck/jobs"
	"mixduck/jobs/status"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// running returns a job that has run for two minutes.
func running() jobs.Record {
	return jobs.Record{
		ID: "01KAMG2M7E6Y4T0Q0N8Z5R3V9C", Kind: jobs.KindFetch, State: jobs.StateRunning, Project: "12345", Database: "main/12345.db", Attempt: 1, MaxAttempts: 5,
		Fetch: jobs.Fetch{
			Project: "12345", Database: "main/12345.db", Table: "events", Mode: jobs.ModeSync,
			Days: day.Range{From: day.New(2026, 10, 24), To: day.New(2026, 11, 21)},
		},
		Progress:  jobs.Progress{WindowsDone: 12, WindowsTotal: 29, Rows: 1234567, Requests: 14, Retries: 2, Bytes: 84_100_000},
		CreatedAt: noon.Add(-3 * time.Minute), StartedAt: noon.Add(-2 * time.Minute), AttemptAt: noon.Add(-2 * time.Minute),
	}
}

// changed returns [running] after changes.
func changed(change func(*jobs.Record)) jobs.Record {
	r := running()
	change(&r)
	return r
}

func inState(s jobs.State, change func(*jobs.Record)) jobs.Record {
	return changed(func(r *jobs.Record) {
		r.State = s
		if change != nil {
			change(r)
		}
	})
}

func TestStatusLine(t *testing.T) {
	t.Parallel()
	unstarted := func(position int) func(*jobs.Record) {
		return func(r *jobs.Record) { r.Progress, r.StartedAt, r.Position = jobs.Progress{}, time.Time{}, position }
	}
	failed := &jobs.Failure{Code: fault.CodeFailed, Message: "2026-10-30: 503 Service Unavailable"}
	tests := []struct {
		name  string
		job   jobs.Record
		width int
		want  string
	}{
		{"a running job shows how far it is", running(), 80, "running, 12/29 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 2m50s"},
		{"a refill shows how far it is", changed(func(r *jobs.Record) {
			r.Kind, r.Edit, r.Progress = jobs.KindEdit, jobs.Edit{Action: jobs.ActionRefill}, jobs.Progress{WindowsDone: 3, WindowsTotal: 9, RowsChanged: 1200}
		}), 80, "running, 3/9 groups of days, 1,200 rows changed, ETA 4m"},
		{"a refill that waits changes nothing", inState(jobs.StateQueued, func(r *jobs.Record) {
			r.Kind, r.Edit, r.Progress = jobs.KindEdit, jobs.Edit{Action: jobs.ActionRefill}, jobs.Progress{}
		}), 80, "queued for the next free worker"},
		{"the first request is under way", changed(func(r *jobs.Record) {
			r.Progress = jobs.Progress{WindowsTotal: 3, Requests: 1}
		}), 80, "running, waiting for Mixpanel's first byte"},
		{"the first request has failed", inState(jobs.StateRetrying, func(r *jobs.Record) {
			r.Progress, r.RunAt, r.Failure = jobs.Progress{WindowsTotal: 3, Requests: 1}, noon.Add(time.Minute), failed
		}), 0, "retrying until 12:01:00 (1m) after attempt 1 of 5, 0/3 windows: 2026-10-30: 503 Service Unavailable"},
		{"a later attempt is named", changed(func(r *jobs.Record) { r.Attempt, r.Progress.Retries = 2, 1 }), 0, "running attempt 2 of 5, 12/29 windows, 1,234,567 rows, 84.1 MB, 1 retry, ETA 2m50s"},
		{"only what this attempt has done tells how long it takes", changed(func(r *jobs.Record) {
			r.StartedAt, r.AttemptAt, r.WindowsBefore, r.Progress.Retries = noon.Add(-5*time.Hour), noon.Add(-20*time.Second), 10, 0
		}), 0, "running, 12/29 windows, 1,234,567 rows, 84.1 MB, ETA 2m50s"},
		{"nothing is estimated before its first window", changed(func(r *jobs.Record) {
			r.AttemptAt, r.WindowsBefore, r.Progress.Retries = noon, 12, 0
		}), 0, "running, 12/29 windows, 1,234,567 rows, 84.1 MB"},
		{"before the plan there is nothing to show", inState(jobs.StateRunning, unstarted(0)), 80, "running"},
		{"nothing is estimated before the first window", changed(func(r *jobs.Record) { r.Progress = jobs.Progress{WindowsTotal: 29} }), 80, "running, 0/29 windows"},
		{"nothing is estimated after the last window", changed(func(r *jobs.Record) { r.Progress = jobs.Progress{WindowsDone: 1, WindowsTotal: 1, Rows: 1} }), 80, "running, 1/1 windows, 1 row, 0.0 MB"},
		{"what is waited for while running is shown", changed(func(r *jobs.Record) { r.Progress.Note = "Mixpanel is slow" }), 0, "running, 12/29 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 2m50s: Mixpanel is slow"},
		{"the next in line", inState(jobs.StateWaiting, unstarted(0)), 80, "waiting, next in its lane"},
		{"one in line", inState(jobs.StateWaiting, unstarted(3)), 80, "waiting, 3 before it"},
		{"a queued job", inState(jobs.StateQueued, unstarted(0)), 80, "queued for the next free worker"},
		{"a job that nobody would run says so", inState(jobs.StateQueued, func(r *jobs.Record) {
			r.Progress, r.Database, r.Unserved = jobs.Progress{}, "eu/x.db", true
		}), 80, "queued, but no worker serves volume eu"},
		{"a paused job says until when and why", inState(jobs.StatePaused, func(r *jobs.Record) {
			r.RunAt, r.Progress.Note, r.Progress.Retries = noon.Add(12*time.Minute), "60 exports an hour are used up", 0
		}), 0, "paused until 12:12:00 (12m), 12/29 windows, 1,234,567 rows, 84.1 MB: 60 exports an hour are used up"},
		{"a paused job that needs more than an hour's requests says when it will be done", inState(jobs.StatePaused, func(r *jobs.Record) {
			r.RunAt = noon.Add(12 * time.Minute)
			r.Progress = jobs.Progress{WindowsDone: 54, WindowsTotal: 365, RequestsPerHour: 54}
		}), 0, "paused until 12:12:00 (12m), 54/365 windows, ETA 5h12m"},
		{"a job that runs into the budget says so before", changed(func(r *jobs.Record) {
			r.Progress.WindowsTotal, r.Progress.RequestsPerHour = 365, 54
		}), 0, "running, 12/365 windows, 1,234,567 rows, 84.1 MB, 2 retries, ETA 6h"},
		{"a pause until another day shows the date", inState(jobs.StatePaused, func(r *jobs.Record) {
			r.RunAt, r.Progress = noon.Add(13*time.Hour), jobs.Progress{}
		}), 80, "paused until 2026-11-23 01:00:00 (13h)"},
		{"a pause that is over", inState(jobs.StatePaused, func(r *jobs.Record) {
			r.RunAt, r.Progress = noon.Add(-time.Second), jobs.Progress{}
		}), 80, "paused until a worker is free"},
		{"a retry says when and why", inState(jobs.StateRetrying, func(r *jobs.Record) {
			r.RunAt, r.Failure, r.Progress = noon.Add(4700*time.Millisecond), failed, jobs.Progress{}
		}), 0, "retrying until 12:00:04 (4.7s) after attempt 1 of 5: 2026-10-30: 503 Service Unavailable"},
		{"a done job keeps silent about an earlier failure", inState(jobs.StateDone, func(r *jobs.Record) {
			r.Failure, r.Progress = failed, jobs.Progress{WindowsDone: 1, WindowsTotal: 1, Rows: 5, Bytes: 1e6}
		}), 0, "done, 1/1 windows, 5 rows, 1.0 MB"},
		{"a failed job says why", inState(jobs.StateFailed, func(r *jobs.Record) {
			r.Failure, r.Progress = failed, jobs.Progress{}
		}), 0, "failed: 2026-10-30: 503 Service Unavailable"},
		{"control characters do not reach the terminal", inState(jobs.StatePaused, func(r *jobs.Record) {
			r.RunAt, r.Progress = noon.Add(-time.Second), jobs.Progress{Note: "a\x1b[2Jb\nc\u202ed"}
		}), 0, "paused until a worker is free: a [2Jb cd"},
		{"it is cut at 20", running(), 20, "running, 12/29 wind…"},
		{"it is cut at 40", running(), 40, "running, 12/29 windows, 1,234,567 rows,…"},
		{"wide characters take two columns", changed(func(r *jobs.Record) {
			r.Progress = jobs.Progress{Note: "待機中です"}
		}), 15, "running: 待機…"},
		{"and are not cut in half", changed(func(r *jobs.Record) {
			r.Progress = jobs.Progress{Note: "待機中です"}
		}), 16, "running: 待機中…"},
		{"marks take none", changed(func(r *jobs.Record) {
			r.Progress = jobs.Progress{Note: "e\u0301e\u0301e\u0301"}
		}), 12, "running: e\u0301e\u0301e\u0301"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := statusLine(tt.job, noon, tt.width); got != tt.want {
				t.Errorf("statusLine() =\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

func TestStatusLineFitsEveryWidth(t *testing.T) {
	t.Parallel()
	job := inState(jobs.StatePaused, func(r *jobs.Record) {
		r.RunAt, r.Progress.Note = noon.Add(time.Hour), "データ 🦆🦆🦆 Café e\u0301\u0302 ＡＢＣ 한국어 اختبار — the hourly quota of exports is used up, so this waits for the next"
	})
	whole := statusLine(job, noon, 0)
	for width := 1; width <= 200; width++ {
		line := statusLine(job, noon, width)
		if wording.Columns(line) > width || !utf8.ValidString(line) {
			t.Errorf("statusLine() of width %d = %q, has %d columns", width, line, wording.Columns(line))
		}
		if short := wording.Columns(line) < width-2; short && line != whole {
			t.Errorf("statusLine() of width %d = %q, is cut too soon", width, line)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	job := inState(jobs.StateDone, func(r *jobs.Record) {
		r.Progress = jobs.Progress{WindowsDone: 29, WindowsTotal: 29, Rows: 203000, Duplicates: 1, Quarantined: 1200, Bytes: 84_149_999}
		r.FinishedAt = r.StartedAt.Add(12300 * time.Millisecond)
	})
	const want = "done: 203,000 rows, 1 duplicate, 1,200 quarantined, 29 windows, 84.1 MB in 12s (16,504 rows/s)"
	if got := status.Summary(job); got != want {
		t.Errorf("status.Summary() = %q, want %q", got, want)
	}
	job.FinishedAt = job.StartedAt
	if got, want := status.Summary(job), "done: 203,000 rows, 1 duplicate, 1,200 quarantined, 29 windows, 84.1 MB in 0.0s"; got != want {
		t.Errorf("status.Summary() of a job that took no time = %q, want %q", got, want)
	}
	job.Progress = jobs.Progress{Rows: 5, Added: 1, Updated: 1200, DaysLeft: 1, Unavailable: 30}
	if got, want := status.Summary(job), "done: 5 rows, 0 duplicates, 0 quarantined, 0 windows, 0.0 MB in 0.0s; "+
		"of days stored before 1 row added, 0 removed, 1,200 updated; 1 day left; 30 days no longer served by Mixpanel"; got != want {
		t.Errorf("status.Summary() of a fetch that changes days = %q, want %q", got, want)
	}
}
