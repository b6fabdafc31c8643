package tables_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/handler/tables"
	"mixduck/storage"
	"mixduck/workspace"
)

var first = day.New(2026, 11, 1)

// now is a time during the third day.
var now = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// reports collects reports to the queue.
type reports []jobs.TableReport

func (r *reports) ReportTables(ctx context.Context, _ *jobs.Attempt, report jobs.TableReport) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	*r = append(*r, report)
	return nil
}

// work is a handler.
type work func(path string) error

type handler struct {
	path string
	do   work
}

func (h handler) Run(context.Context, *jobs.Attempt) error { return h.do(h.path) }

// run runs an attempt on the database at path and returns its report.
func run(ctx context.Context, tb testing.TB, path string, do work) (jobs.TableReport, error) {
	tb.Helper()
	var told reports
	locate := func(string) (storage.Config, error) { return storage.Config{Path: path, LockWait: time.Minute}, nil }
	h := tables.New(handler{path, do}, locate, &told, slog.New(slog.DiscardHandler))
	err := h.Run(ctx, &jobs.Attempt{Record: jobs.Record{
		ID: "job", Kind: jobs.KindFetch, Database: "main/x.db", Fetch: jobs.Fetch{Table: "events", Due: &jobs.Due{}},
	}})
	if len(told) != 1 {
		tb.Fatalf("%d reports, want one", len(told))
	}
	return told[0], err
}

// fill stores day 1 and a part of day 3, with a quarantined line, and marks day 5 as unavailable.
func fill(ctx context.Context) work {
	return func(path string) error {
		e, err := storage.Open(ctx, storage.Config{Path: path})
		if err != nil {
			return err
		}
		defer e.Close()
		for _, name := range []string{"events", "other"} {
			if _, err := e.Prepare(ctx, storage.Table{Name: name, Project: "12345", Job: "job"}); err != nil {
				return err
			}
		}
		if _, err := e.Prepare(ctx, storage.Table{Name: "other", Project: "12345", Job: "job", Replace: true}); err != nil {
			return err
		}
		for _, d := range []day.Day{first, first + 2} {
			lines := "no event\n" + fmt.Sprintf(`{"event":"e","properties":{"time":%d,"$insert_id":"1"}}`, int(d)*86400+1) + "\n"
			if _, err := e.Load(ctx, storage.Window{
				Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(lines)}, Job: "job", FetchedAt: now,
				DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
			}); err != nil {
				return err
			}
		}
		_, err = e.MarkUnavailable(ctx, storage.Table{Name: "events"}, []day.Range{{From: first - 2, To: first - 1}}, "gone")
		return err
	}
}

func TestReportOfWhatIsStored(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	got, err := run(t.Context(), t, path, fill(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	last := first
	want := jobs.TableReport{Tables: []jobs.TableState{
		{
			Project: "12345", Table: "events", Type: "events", Rows: 2, First: &first, LastComplete: &last, Complete: 1, Partial: 1, Unavailable: 2, Missing: 1,
			Quarantined: 2, FetchedAt: now,
		},
		{Project: "12345", Table: "other", Type: "events"},
	}, Brought: []day.Day{first - 2, first - 1, first, first + 2}, Days: map[string]jobs.Days{"events": {
		{Day: first - 2, State: jobs.DayUnavailable},
		{Day: first - 1, State: jobs.DayUnavailable},
		{Day: first, State: jobs.DayComplete, Rows: 1, Quarantined: true},
		{Day: first + 1, State: jobs.DayMissing},
		{Day: first + 2, State: jobs.DayPartial, Rows: 1, Quarantined: true},
	}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(jobs.TableState{}, "FileBytes")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if got.Tables[0].FileBytes == 0 {
		t.Error("the file has no size")
	}
}

func TestReportOfFailures(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.db")
	r := day.Range{From: first, To: first + 1}
	days := &workspace.DaysError{Asked: 9, Failed: []workspace.DayFailure{{Days: r, Err: errors.New("503")}}}
	got, err := run(t.Context(), t, path, func(string) error { return jobs.Permanent(days) })
	if !errors.Is(err, days) || !errors.Is(got.Err, days) || got.Unread || len(got.Tables) != 0 {
		t.Errorf("error = %v, report = %+v; want the other handler's error and no tables", err, got)
	}
	if diff := cmp.Diff([]jobs.FailingDays{{Days: r, Message: "503"}}, got.Failing); diff != "" {
		t.Errorf("failing days (-want +got):\n%s", diff)
	}
}

// An attempt that was stopped early also reports, with the reason.
func TestReportAfterAShutdown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	path := filepath.Join(t.TempDir(), "x.db")
	got, err := run(ctx, t, path, func(path string) error {
		cancel(jobs.ErrShutdown)
		return errors.Join(errors.New("cut"), fill(t.Context())(path))
	})
	if err == nil || err.Error() != "cut" || !errors.Is(got.Err, jobs.ErrShutdown) || len(got.Tables) != 2 {
		t.Errorf("error = %v, report = %+v; want both tables", err, got)
	}
}

// An unreadable database is not a reason for the job to fail.
func TestReportOfAFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // a directory instead of a file
	got, err := run(t.Context(), t, dir, func(string) error { return nil })
	if err != nil || !got.Unread {
		t.Errorf("error = %v, report = %+v; want none, and that it could not be read", err, got)
	}
}
