package fetch_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/jobs"
	"mixduck/jobs/handler/fetch"
	"mixduck/jobs/queue"
	"mixduck/jobs/schedule"
	"mixduck/jobs/worker"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// clock is the common clock of Mixpanel, Redis, workers and schedules.
type clock struct{ unix atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.unix.Load(), 0).UTC() }

// syncing is a project with a schedule that keeps a copy.
type syncing struct {
	name string
	mixpaneltest.Project
	start day.Day
	path  string // of the database
}

// installation is a worker with its schedules, a Redis and a Mixpanel, over some days.
type installation struct {
	*testing.T
	clock  *clock
	redis  *miniredis.Miniredis
	queue  *queue.Queue
	runner schedule.Runner
	fake   *mixpaneltest.Server
	syncs  []syncing
}

const weekStart = "2026-11-09" // a Monday

// newInstallation starts everything, on the first day at noon UTC.
func newInstallation(t *testing.T, projects ...syncing) *installation {
	t.Helper()
	first, err := day.Parse(weekStart)
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{T: t, clock: &clock{}, redis: miniredis.RunT(t)}
	in.set(first.Start(time.UTC).Add(16 * time.Hour))
	dir := t.TempDir()
	var held []mixpaneltest.Project
	for i, s := range projects {
		s.Region, s.Username, s.Secret = "us", "sa", "s3cret"
		s.Data = mixpaneltest.Generator{Seed: uint64(i), EventsPerDay: 150, Now: in.clock.now}
		s.start, s.path = first-9, filepath.Join(dir, fmt.Sprintf("%d.db", s.ID))
		held, in.syncs = append(held, s.Project), append(in.syncs, s)
	}
	in.fake = mixpaneltest.Start(t, mixpaneltest.Config{Projects: held, Now: in.clock.now, Limits: mixpaneltest.Limits{Off: true}})
	rdb := redis.NewClient(&redis.Options{Addr: in.redis.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	if in.queue, err = queue.New(rdb, queue.Config{Now: in.clock.now}); err != nil {
		t.Fatal(err)
	}
	in.runner = schedule.Runner{Queue: in.queue, Log: slog.New(slog.DiscardHandler), Worker: "w1"}
	in.work(dir)
	return in
}

// set sets the common clock.
func (in *installation) set(now time.Time) {
	in.clock.unix.Store(now.Unix())
	in.redis.SetTime(now)
}

func (in *installation) schedules() (all []jobs.Schedule) {
	for _, s := range in.syncs {
		all = append(all, jobs.Schedule{
			Name: s.name, Project: s.name, ProjectZone: s.Location.String(), Database: fmt.Sprintf("main/%d.db", s.ID), Table: "events",
			Cron: "15 6 * * *", Start: s.start, Lookback: jobs.DefaultLookback,
		})
	}
	return all
}

// work runs a worker until the test ends.
func (in *installation) work(dir string) {
	in.Helper()
	client, err := mixpanel.New(mixpanel.Config{BaseURL: in.fake.URL, Username: "sa", Secret: secret.New("s3cret")})
	if err != nil {
		in.Fatal(err)
	}
	open := func(f jobs.Fetch, spool string, log *slog.Logger) (*workspace.Workspace, error) {
		s := in.syncs[slices.IndexFunc(in.syncs, func(s syncing) bool { return s.name == f.Project })]
		return workspace.New(workspace.Config{
			Project:  workspace.Project{ID: s.ID, Location: s.Location, Shifted: s.ShiftedTimes},
			Database: storage.Config{Path: s.path, LockWait: time.Minute}, SpoolDir: spool, OpenPerLoad: true,
			RetryDelay: time.Millisecond, Now: in.clock.now,
		}, client, log)
	}
	log := slog.New(slog.DiscardHandler)
	handlers := map[jobs.Kind]jobs.Handler{jobs.KindFetch: fetch.New(fetch.Config{SpoolDir: filepath.Join(dir, "spool")}, open, log)}
	w, err := worker.New(in.queue, handlers, worker.Config{ID: "w1", Volumes: []jobs.Volume{{Name: "main", ID: "v"}}}, log)
	if err != nil {
		in.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- w.Run(ctx) }()
	in.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			in.Error(err)
		}
		client.CloseIdleConnections()
	})
}

// tick runs everything that is due now, and returns the resulting jobs.
func (in *installation) tick() (made []jobs.Record) {
	in.Helper()
	before := in.jobs()
	for {
		if err := in.runner.Step(in.Context()); err != nil {
			in.Fatal(err)
		}
		fresh := in.jobs()[:len(in.jobs())-len(before)]
		if len(fresh) == len(made) { // no piece has followed
			return made
		}
		for i, job := range fresh {
			if err := in.queue.Watch(in.Context(), job.ID, func(r jobs.Record) { fresh[i] = r }); err != nil {
				in.Fatal(err)
			}
			if fresh[i].State != jobs.StateDone {
				in.Fatalf("job %s is %s: %+v", job.ID, fresh[i].State, fresh[i].Failure)
			}
		}
		made = fresh
	}
}

// jobs returns all jobs, newest first.
func (in *installation) jobs() []jobs.Record {
	in.Helper()
	all, err := in.queue.List(in.Context(), queue.Filter{Limit: 1000})
	if err != nil {
		in.Fatal(err)
	}
	return all
}

// check compares a copy with the current data of Mixpanel.
func (in *installation) check(s syncing) {
	in.Helper()
	days := day.Range{From: s.start, To: day.Of(in.clock.now().In(s.Location)) - 1}
	truth, err := in.fake.Truth(s.ID, days)
	if err != nil {
		in.Fatal(err)
	}
	var want []string
	for _, r := range truth.Rows {
		want = append(want, fmt.Sprint(r.Day.String(), r.Event, r.Time.UnixMicro(), r.ProcessedAtMS, r.Properties))
	}
	got := in.stored(s)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		in.Errorf("%s on %s (-mixpanel +copy):\n%.2000s", s.name, in.clock.now(), diff)
	}
}

func (in *installation) stored(s syncing) (all []string) {
	in.Helper()
	db, err := sql.Open("duckdb", s.path+"?access_mode=READ_ONLY")
	if err != nil {
		in.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(in.Context(), "SELECT day::VARCHAR, event_name, epoch_us(event_time), epoch_ms(processed_at), properties::VARCHAR FROM events")
	if err != nil {
		in.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var date, name, properties string
		var at, processed int64
		if err := rows.Scan(&date, &name, &at, &processed, &properties); err != nil {
			in.Fatal(err)
		}
		all = append(all, fmt.Sprint(date, name, at, processed, properties))
	}
	if err := rows.Err(); err != nil {
		in.Fatal(err)
	}
	return all
}

// During a week of mornings, while events of earlier days keep arriving, each copy has exactly Mixpanel's data.
func TestAWeekOfSyncs(t *testing.T) {
	t.Parallel()
	la, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	in := newInstallation(t,
		syncing{name: "web", Project: mixpaneltest.Project{ID: 12345, Location: time.UTC}},
		syncing{name: "old", Project: mixpaneltest.Project{ID: 678, Location: la, ShiftedTimes: true}},
	)
	if _, err := schedule.NewStore(in.queue).Publish(t.Context(), "w1", in.schedules(), false); err != nil {
		t.Fatal(err)
	}
	var added int64
	for range 7 {
		in.set(in.clock.now().AddDate(0, 0, 1))
		made := in.tick()
		ticks := 0
		for _, job := range made {
			added += job.Progress.Added
			if job.Piece == 0 {
				ticks++
			}
		}
		if ticks != len(in.syncs) {
			t.Errorf("%s: %d jobs of ticks, want %d", in.clock.now(), ticks, len(in.syncs))
		}
		for _, s := range in.syncs {
			in.check(s)
		}
	}
	if added == 0 {
		t.Error("no event arrived late: nothing was tested")
	}
}
