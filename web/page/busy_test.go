package page_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/worker"
)

// busy is a site with tables, and with jobs in most states.
type busy struct {
	*site

	done, failed, running, waiting, answer string // IDs of jobs
}

// longName is as long as a name may be that people still give.
const longName = "a_table_with_a_rather_long_name_for_a_phone_0123456789"

// fill adds two projects, tables, jobs and schedules, and a worker that runs until the test ends.
func (s *site) fill(tb testing.TB) *busy {
	tb.Helper()
	projects := []jobs.ProjectInfo{
		{Name: "shop", ID: 12345, Zone: "Europe/Berlin", Database: "eu/shop.db"},
		{Name: "app", ID: 67890, Zone: "America/New_York", Database: "eu/app.db"},
	}
	if err := s.queue.PublishProjects(tb.Context(), "w2", projects); err != nil {
		tb.Fatal(err)
	}
	s.addSchedule(tb, "morning")
	s.addSchedule(tb, "a-schedule-with-a-rather-long-name-for-a-phone-0123456789")
	s.fetchWith(tb, func(ctx context.Context, a *jobs.Attempt) error { return s.pretend(ctx, a) })
	b := &busy{site: s}
	b.done = s.enqueue(tb, "shop", "eu/shop.db", "events")
	b.await(tb, b.done, jobs.StateDone)
	b.await(tb, s.enqueue(tb, "app", "eu/app.db", "events"), jobs.StateDone)
	b.failed = s.enqueue(tb, "app", "eu/app.db", "broken")
	b.await(tb, b.failed, jobs.StateFailed)
	b.running = s.enqueue(tb, "shop", "eu/shop.db", longName)
	b.await(tb, b.running, jobs.StateRunning)
	b.waiting = s.enqueue(tb, "shop", "eu/shop.db", "events")
	s.work(tb)
	b.answer = s.user(tb).run(tb, "SELECT range AS n, 'a text that is long enough to fill a wide column of the result' AS text, NULL AS nothing FROM range(250)").ID
	return b
}

// fetchWith runs a worker for fetches in the volume eu.
func (s *site) fetchWith(tb testing.TB, handle handlerFunc) {
	tb.Helper()
	w, err := worker.New(s.queue, map[jobs.Kind]jobs.Handler{jobs.KindFetch: handle}, worker.Config{
		ID: "w2", Volumes: []jobs.Volume{{Name: "eu"}}, DrainTimeout: time.Millisecond, Version: "v1.2.3",
		Room: func(string) (free, size uint64, err error) { return 120e9, 500e9, nil },
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("worker: %v", err)
		}
	})
}

type handlerFunc func(ctx context.Context, a *jobs.Attempt) error

func (f handlerFunc) Run(ctx context.Context, a *jobs.Attempt) error { return f(ctx, a) }

// pretend reports what a fetch would report: the table broken fails, the one with the long name never ends.
func (s *site) pretend(ctx context.Context, a *jobs.Attempt) error {
	f := a.Record.Fetch
	switch f.Table {
	case "broken":
		err := jobs.Permanent(errors.New("Mixpanel rejects the request: 400 Bad Request: where is not an expression"))
		report := jobs.TableReport{Unread: true, Failing: []jobs.FailingDays{{Days: f.Days, Message: "400 Bad Request"}}, Err: err}
		return errors.Join(s.queue.ReportTables(ctx, a, report), err)
	case longName:
		a.Report(jobs.Progress{WindowsDone: 12, WindowsTotal: 47, Rows: 1_234_567, Requests: 13, Retries: 1, Bytes: 88_000_000, Trouble: "2026-11-03..2026-11-04: the answer was cut off"})
		a.ReportWindow(jobs.WindowState{Days: f.Days, Phase: jobs.WindowRepeating, Tries: 2, Error: "the answer was cut off"})
		<-ctx.Done()
		return context.Cause(ctx)
	}
	a.Report(jobs.Progress{WindowsDone: 5, WindowsTotal: 5, Rows: 190_000, Requests: 5, Bytes: 21_000_000, Added: 12, Updated: 3, LateDays: "2026-11-01"})
	days := storedDays(lastStored, 150)
	if f.Days.Len() == 1 { // that of a button
		days[f.Days.From-days[0].Day] = jobs.StoredDay{Day: f.Days.From, State: jobs.DayComplete, Rows: 3, Changed: true}
	}
	table := shopTable(days)
	table.Project, table.Database, table.Table = f.Project, f.Database, f.Table
	return s.queue.ReportTables(ctx, a, jobs.TableReport{Tables: []jobs.TableState{table}, Days: map[string]jobs.Days{f.Table: days}})
}

// lastStored is the last stored day of the tables.
var lastStored = day.New(2026, time.November, 27)

// shopTable returns the state of the events of the shop.
func shopTable(days jobs.Days) jobs.TableState {
	first, last := days[0].Day, days[len(days)-1].Day
	return jobs.TableState{
		Project: "shop", Database: "eu/shop.db", Table: "events", Rows: 190_000, First: &first, LastComplete: &last, Complete: 146, Partial: 1, Unavailable: 1,
		Missing: 2, Quarantined: 3, FileBytes: 48_000_000, FetchedAt: time.Now().UTC(),
	}
}

// storedDays returns n days up to the last: most of them complete, one without rows, some not.
func storedDays(last day.Day, n int) jobs.Days {
	random := rand.New(rand.NewPCG(1, 2))
	days := make(jobs.Days, n)
	for i := range days {
		d := jobs.StoredDay{Day: last - day.Day(n-1-i), State: jobs.DayComplete, Rows: 900 + random.Int64N(800)}
		switch i {
		case 3:
			d = jobs.StoredDay{Day: d.Day, State: jobs.DayUnavailable}
		case 40:
			d.Rows = 0
		case n - 9, n - 8:
			d = jobs.StoredDay{Day: d.Day, State: jobs.DayMissing}
		case n - 1:
			d.State = jobs.DayPartial
		}
		days[i] = d
	}
	return days
}

// enqueue adds a fetch and returns its ID.
func (s *site) enqueue(tb testing.TB, project, database, table string) string {
	tb.Helper()
	from := day.New(2026, time.November, 1)
	job, err := s.queue.Submit(tb.Context(), jobs.Request{Fetch: jobs.Fetch{
		Project: project, Database: database, Table: table, Days: day.Range{From: from, To: from + 20}, Mode: jobs.ModeSync,
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return job.ID
}

// await waits until a job is in a state.
func (s *site) await(tb testing.TB, id string, state jobs.State) {
	tb.Helper()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for range ticks.C {
		job, err := s.queue.Job(tb.Context(), id)
		switch {
		case err != nil:
			tb.Fatal(err)
		case job.State == state:
			return
		case job.State.Final():
			tb.Fatalf("job %s is %s, want %s: %+v", id, job.State, state, job.Failure)
		}
	}
}

// views returns the path of each view, and of some of its states.
func (b *busy) views() []string {
	table := func(database, table string) string {
		return "/table?" + url.Values{"database": {database}, "table": {table}}.Encode()
	}
	return []string{
		"/", "/tables", table("eu/shop.db", "events"), table("eu/app.db", "broken"), "/jobs", "/jobs?state=failed", "/jobs?state=paused", "/jobs/" + b.done,
		"/jobs/" + b.failed, "/jobs/" + b.running, "/jobs/" + b.waiting, "/jobs/none", "/schedules", "/schedules/morning",
		"/schedules/a-schedule-with-a-rather-long-name-for-a-phone-0123456789", "/ask", "/ask/" + b.answer, "/ask/" + b.answer + "?page=2", "/settings", "/login",
	}
}
