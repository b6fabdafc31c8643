package web_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/schedule"
	"mixduck/web"
)

// mustShow checks that the metrics contain each of the lines.
func (p *page) mustShow(tb testing.TB, lines ...string) {
	tb.Helper()
	status, body := p.get(tb, "/metrics", "")
	if status != 200 {
		tb.Fatalf("status %d: %s", status, body)
	}
	for _, line := range lines {
		if !strings.Contains("\n"+body, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, " ")
			name, _, _ = strings.Cut(name, "{")
			tb.Errorf("no %s in\n%s", line, grep(body, name))
		}
	}
}

// grep returns the lines that contain a text.
func grep(body, text string) string {
	var found strings.Builder
	for line := range strings.Lines(body) {
		if strings.Contains(line, text) {
			found.WriteString(line)
		}
	}
	return found.String()
}

func TestActivityIsCounted(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	p.mustShow(t, `mixduck_attempts_total{kind="fetch",outcome="failed"} 0`) // the first failure is an increase
	p.metrics.AttemptEnded(jobs.KindFetch, jobs.StateFailed, time.Second)
	p.metrics.AttemptEnded(jobs.KindFetch, jobs.StateWaiting, time.Second)
	p.metrics.AttemptEnded(jobs.KindFetch, "", time.Second)
	p.metrics.AttemptEnded(jobs.KindQuery, jobs.StateDone, 2*time.Second)
	p.metrics.Answered(200)
	p.metrics.Answered(0)
	p.metrics.WindowLoaded(2, 1000, 80, 4*time.Second)
	p.metrics.WindowLoaded(2, 1, 1, 0)
	p.mustShow(t,
		`mixduck_attempts_total{kind="fetch",outcome="failed"} 1`, `mixduck_attempts_total{kind="fetch",outcome="drained"} 1`,
		`mixduck_attempts_total{kind="fetch",outcome="superseded"} 1`, `mixduck_attempts_total{kind="query",outcome="done"} 1`,
		`mixduck_query_seconds_sum 2`, `mixduck_query_seconds_count 1`,
		`mixduck_mixpanel_requests_total{outcome="200"} 1`, `mixduck_mixpanel_requests_total{outcome="none"} 1`,
		`mixduck_loaded_rows_total{project="shop"} 1001`, `mixduck_loaded_bytes_total{project="shop"} 81`,
		`mixduck_load_seconds_bucket{le="3"} 1`, `mixduck_load_seconds_bucket{le="10"} 2`,
		`mixduck_draining 0`,
	)
	if _, body := p.get(t, "/metrics", ""); !strings.Contains(body, `mixduck_build_info{goversion="go`) ||
		!strings.Contains(body, `version="v1.2.3"} 1`) || !strings.Contains(body, "process_resident_memory_bytes ") || !strings.Contains(body, "go_goroutines ") {
		t.Error("build, process or Go are missing")
	}
}

// fakeQueue is a queue and a budget with given responses.
type fakeQueue struct {
	asked atomic.Int32
	err   atomic.Pointer[error]
	lanes []jobs.LaneInfo

	tables    []jobs.TableState
	schedules []schedule.State
}

func (q *fakeQueue) Tables(context.Context) ([]jobs.TableState, error) { return q.tables, nil }

func (q *fakeQueue) List(context.Context, time.Time) ([]schedule.State, error) {
	return q.schedules, nil
}

func (q *fakeQueue) Counts(context.Context) ([]jobs.StateCount, error) {
	q.asked.Add(1)
	if err := q.err.Load(); err != nil {
		return nil, *err
	}
	return []jobs.StateCount{
		{State: jobs.StateWaiting, Jobs: 3, Oldest: time.Unix(1_700_000_000, 0)},
		{State: jobs.StatePaused},
		{State: jobs.StateFailed, Jobs: 7, Oldest: time.Unix(1_600_000_000, 0)},
	}, nil
}

func (q *fakeQueue) Lanes(context.Context) ([]jobs.LaneInfo, error) { return q.lanes, nil }

func (*fakeQueue) Workers(context.Context) ([]jobs.WorkerInfo, error) {
	return make([]jobs.WorkerInfo, 2), nil
}

func (*fakeQueue) State(_ context.Context, project string) (budget.State, error) {
	if project == "1" {
		return budget.State{Limit: 54, Left: 54}, nil
	}
	return budget.State{Limit: 54, NextFreeAt: time.Unix(1_700_000_000, 500e6)}, nil
}

func TestQueueMetrics(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	old, young := time.Unix(1_700_000_100, 0), time.Unix(1_700_000_200, 0)
	q := &fakeQueue{tables: []jobs.TableState{{Project: "1", Database: "main/1.db", Table: "events"}}, lanes: []jobs.LaneInfo{
		{Database: "eu/1.db", Holder: "a", State: jobs.StateRunning, Since: young, Waiting: 2},
		{Database: "eu/sub/2.db", Holder: "b", State: jobs.StateRunning, Since: old, Waiting: 1, Aside: 1},
		{Database: "eu/3.db", Holder: "c", State: jobs.StateQueued, Since: young},
		{Database: "main/1.db", Aside: 4},
	}}
	p.metrics.WatchQueue(q, q, q)
	p.mustShow(t,
		`mixduck_queue_up 1`, `mixduck_workers 2`,
		`mixduck_jobs{state="waiting"} 3`, `mixduck_jobs{state="paused"} 0`, `mixduck_jobs{state="failed"} 7`,
		`mixduck_oldest_job_timestamp_seconds{state="waiting"} 1.7e+09`,
		`mixduck_lanes{state="running",volume="eu"} 2`, `mixduck_lanes{state="queued",volume="eu"} 1`, `mixduck_lanes{state="aside",volume="eu"} 0`,
		`mixduck_lanes{state="aside",volume="main"} 1`,
		`mixduck_lane_jobs{state="waiting",volume="eu"} 3`, `mixduck_lane_jobs{state="aside",volume="eu"} 1`, `mixduck_lane_jobs{state="aside",volume="main"} 4`,
		`mixduck_oldest_turn_timestamp_seconds{state="running",volume="eu"} 1.7000001e+09`,
		`mixduck_oldest_turn_timestamp_seconds{state="queued",volume="eu"} 1.7000002e+09`,
		`mixduck_budget_left_requests{project="1"} 54`, `mixduck_budget_left_requests{project="shop"} 0`, `mixduck_budget_limit_requests{project="shop"} 54`,
		`mixduck_budget_free_timestamp_seconds{project="1"} 0`, `mixduck_budget_free_timestamp_seconds{project="shop"} 1.7000000005e+09`,
	)
	_, body := p.get(t, "/metrics", "")
	for _, text := range []string{`oldest_job_timestamp_seconds{state="failed"`, `oldest_job_timestamp_seconds{state="paused"`, `oldest_turn_timestamp_seconds{state="aside"`} {
		if strings.Contains(body, text) {
			t.Errorf("metrics have %s", text)
		}
	}
}

func TestTableMetrics(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{})
	at := func(s int64) time.Time { return time.Unix(1_700_000_000+s, 0) }
	complete := day.New(2025, 11, 2)
	table := func(project, database, table string, succeeded time.Time, rows int64) jobs.TableState {
		return jobs.TableState{
			Project: project, Database: database, Table: table, Rows: rows, Complete: 7, Partial: 1, Missing: 2, Unavailable: 3,
			LastComplete: &complete, SucceededAt: succeeded, ReadAt: at(0),
		}
	}
	entry := func(project, database, table string, tick time.Time, change func(*schedule.State)) schedule.State {
		s := schedule.State{Schedule: jobs.Schedule{Project: project, Database: database, Table: table}, LastTick: tick}
		if change != nil {
			change(&s)
		}
		return s
	}
	q := &fakeQueue{
		tables: []jobs.TableState{
			table("2", "main/a.db", "events", at(100), 1), // of a schedule, under another name
			table("shop", "main/b.db", "events", at(900), 2),
			table("3", "main/a.db", "events", at(100), 3),
			table("3", "main/b.db", "events", at(200), 4), // the last fetched one
			{Project: "4", Database: "main/4.db", Table: "events"},
			table("5", "main/5.db", "events", time.Time{}, 0),
			{
				Project: "shop", Database: "main/a.db", Table: "profiles", Type: "profiles", Rows: 9, FetchedAt: at(300), ReadAt: at(0),
				Added: 4, Updated: 3, Removed: 2,
			},
			{Project: "10", Database: "main/10.db", Table: "cohorts", Type: "cohorts", FetchedAt: at(500), ReadAt: at(0)},
			{
				Project: "8", Database: "main/8.db", Table: "events", ReadAt: at(0),
				Verified: &jobs.Verified{Days: day.Range{From: complete, To: complete}, Differences: 6, At: at(400)},
			},
			{
				Project: "9", Database: "main/9.db", Table: "events", ReadAt: at(0),
				Verified: &jobs.Verified{Problem: "the plan has no Query API", At: at(400)},
			},
		},
		schedules: []schedule.State{
			entry("shop", "main/a.db", "events", at(10), nil), entry("shop", "main/a.db", "events", at(20), nil),
			entry("shop", "main/a.db", "events", at(90), func(s *schedule.State) { s.Paused = true }),
			entry("shop", "main/a.db", "events", at(90), func(s *schedule.State) { s.Disabled = true }),
			entry("6", "main/6.db", "events", at(30), nil),
			entry("7", "main/7.db", "events", time.Time{}, nil),
			entry("10", "main/10.db", "events", at(40), func(s *schedule.State) { s.Stream = stream.All }),
		},
	}
	p.metrics.WatchQueue(q, q, nil)
	p.mustShow(t,
		`mixduck_last_success_timestamp_seconds{project="shop",table="events"} 1.7000001e+09`,
		`mixduck_last_success_timestamp_seconds{project="3",table="events"} 1.7000002e+09`,
		`mixduck_last_tick_timestamp_seconds{project="shop",table="events"} 1.70000002e+09`,
		`mixduck_last_tick_timestamp_seconds{project="6",table="events"} 1.70000003e+09`,
		`mixduck_last_complete_day_timestamp_seconds{project="shop",table="events"} 1.7620416e+09`,
		`mixduck_coverage_days{project="shop",state="complete",table="events"} 7`, `mixduck_coverage_days{project="shop",state="partial",table="events"} 1`,
		`mixduck_coverage_days{project="shop",state="missing",table="events"} 2`, `mixduck_coverage_days{project="shop",state="unavailable",table="events"} 3`,
		`mixduck_table_rows{project="shop",table="events"} 1`, `mixduck_table_rows{project="3",table="events"} 4`, `mixduck_table_rows{project="5",table="events"} 0`,
		`mixduck_table_rows{project="shop",table="profiles"} 9`, `mixduck_last_refresh_timestamp_seconds{project="shop",table="profiles"} 1.7000003e+09`,
		`mixduck_refresh_rows{project="shop",state="added",table="profiles"} 4`, `mixduck_refresh_rows{project="shop",state="updated",table="profiles"} 3`,
		`mixduck_refresh_rows{project="shop",state="removed",table="profiles"} 2`,
		`mixduck_last_verified_timestamp_seconds{project="8",table="events"} 1.7000004e+09`, `mixduck_verified_differences{project="8",table="events"} 6`,
		`mixduck_last_tick_timestamp_seconds{project="10",table="cohorts"} 1.70000004e+09`,
		`mixduck_last_success_timestamp_seconds{project="10",table="cohorts"} 1.7000005e+09`,
	)
	_, body := p.get(t, "/metrics", "")
	for _, text := range []string{
		`mixduck_table_rows{project="4"`, `mixduck_coverage_days{project="4"`, `mixduck_last_success_timestamp_seconds{project="4"`,
		`mixduck_last_success_timestamp_seconds{project="5"`, `mixduck_last_tick_timestamp_seconds{project="7"`,
		`mixduck_coverage_days{project="shop",state="complete",table="profiles"}`, `mixduck_last_refresh_timestamp_seconds{project="shop",table="events"}`,
		`mixduck_last_tick_timestamp_seconds{project="10",table="profiles"}`,
		`mixduck_verified_differences{project="9"`, `mixduck_verified_differences{project="shop"`,
	} {
		if strings.Contains(body, text) {
			t.Errorf("metrics have %s", text)
		}
	}
}

// Scrapes must not load Redis, however many there are, and however slow it is.
func TestQueueIsAskedNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := web.NewMetrics("", nil, web.NewHealth())
		q := &fakeQueue{}
		m.WatchQueue(q, q, nil)
		up := func() float64 {
			t.Helper()
			return m.Gathered(t, "mixduck_queue_up")
		}
		for range 5 {
			if up() != 1 {
				t.Error("the queue is said to be down")
			}
		}
		if n := q.asked.Load(); n != 1 {
			t.Errorf("the queue was asked %d times", n)
		}
		down := errors.New("connection refused")
		q.err.Store(&down)
		<-time.After(10*time.Second + 1)
		for range 5 {
			if up() != 0 {
				t.Error("the queue is said to be up")
			}
		}
		if n := q.asked.Load(); n != 2 {
			t.Errorf("the queue was asked %d times", n)
		}
	})
}

func TestVolumeMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, bytes int) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1.db", 1000)
	write("1.db.wal", 10)
	write("1.db.lock", 100_000)
	write("eu/2.duckdb", 500)
	write("eu/.hidden.db", 100_000)
	write(".mixduck/results/x.db", 100_000)
	write("notes.txt", 100_000)
	if err := os.Symlink("1.db", filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	p := serve(t, web.Config{})
	p.metrics.WatchVolumes([]web.Volume{{Name: "main", Dir: dir}, {Name: "gone", Dir: filepath.Join(dir, "gone")}})
	p.mustShow(t, `mixduck_databases{volume="main"} 2`, `mixduck_database_bytes{volume="main"} 1510`)
	_, body := p.get(t, "/metrics", "")
	if strings.Contains(body, `volume="gone"`) {
		t.Error("a volume that is gone has metrics")
	}
	for _, name := range []string{"mixduck_volume_free_bytes", "mixduck_volume_size_bytes"} {
		if strings.Contains(body, name+`{volume="main"} 0`) || !strings.Contains(body, name+`{volume="main"} `) {
			t.Errorf("%s: %s", name, grep(body, name))
		}
	}
}
