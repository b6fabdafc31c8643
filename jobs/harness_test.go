package jobs_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// handlerFunc is a handler.
type handlerFunc func(ctx context.Context, a *jobs.Attempt) error

func (f handlerFunc) Run(ctx context.Context, a *jobs.Attempt) error { return f(ctx, a) }

func newQueue(tb testing.TB, rdb redis.UniversalClient) *jobs.Queue {
	tb.Helper()
	q, err := jobs.NewQueue(rdb, jobs.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

// fetch returns a valid request for a database of volume main; the table tells requests apart.
func fetch(database, table string) jobs.Fetch {
	return jobs.Fetch{
		Project: "demo", Database: "main/" + database + ".db", Table: table,
		Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 31)}, Mode: jobs.ModeSync,
	}
}

func submit(tb testing.TB, q *jobs.Queue, database, table string) jobs.Record {
	tb.Helper()
	r, err := q.Submit(context.Background(), jobs.Request{Fetch: fetch(database, table)})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func job(tb testing.TB, q *jobs.Queue, id string) jobs.Record {
	tb.Helper()
	r, err := q.Job(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// awaitState waits until the job is in one of states, and returns its record then.
func awaitState(tb testing.TB, q *jobs.Queue, id string, states ...jobs.State) jobs.Record {
	tb.Helper()
	var r jobs.Record
	eventually(tb, fmt.Sprintf("job %s is %v", id, states), func() bool {
		r = job(tb, q, id)
		return slices.Contains(states, r.State)
	})
	return r
}

// worker is a running worker.
type worker struct {
	cancel  context.CancelFunc
	stopped chan struct{}
}

// startWorker runs a worker until the test ends or it is stopped.
func startWorker(tb testing.TB, q *jobs.Queue, cfg jobs.WorkerConfig, h handlerFunc) *worker {
	tb.Helper()
	if cfg.ID == "" {
		cfg.ID = "w1"
	}
	if cfg.Volumes == nil {
		cfg.Volumes = []jobs.Volume{{Name: "main"}}
	}
	if cfg.Backoff.Base == 0 {
		cfg.Backoff.Base = 10 * time.Millisecond
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 50 * time.Millisecond
	}
	return runWorker(tb, q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: h}, cfg)
}

// runWorker does so with all handlers, and fills nothing in.
func runWorker(tb testing.TB, q *jobs.Queue, handlers map[jobs.Kind]jobs.Handler, cfg jobs.WorkerConfig) *worker {
	tb.Helper()
	w, err := jobs.NewWorker(q, handlers, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := &worker{cancel: cancel, stopped: make(chan struct{})}
	go func() {
		defer close(run.stopped)
		if err := w.Run(ctx); err != nil {
			tb.Errorf("Run() = %v", err)
		}
	}()
	tb.Cleanup(run.stop)
	return run
}

// stop tells the worker to stop and waits until it has.
func (w *worker) stop() {
	w.cancel()
	<-w.stopped
}

// journal is what handlers did, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.entries...)
}
