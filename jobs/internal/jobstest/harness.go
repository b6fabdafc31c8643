package jobstest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// HandlerFunc is a handler.
type HandlerFunc func(ctx context.Context, a *jobs.Attempt) error

// Run calls f.
func (f HandlerFunc) Run(ctx context.Context, a *jobs.Attempt) error { return f(ctx, a) }

// NewQueue returns a queue with default settings.
func NewQueue(tb testing.TB, rdb redis.UniversalClient) *queue.Queue {
	tb.Helper()
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return q
}

// Fetch returns a valid request for a database of volume main; the table tells requests apart.
func Fetch(database, table string) jobs.Fetch {
	return jobs.Fetch{
		Project: "demo", Database: "main/" + database + ".db", Table: table,
		Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 31)}, Mode: jobs.ModeSync,
	}
}

// Submit submits a fetch of January 2025.
func Submit(tb testing.TB, q *queue.Queue, database, table string) jobs.Record {
	tb.Helper()
	r, err := q.Submit(context.Background(), jobs.Request{Fetch: Fetch(database, table)})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Job returns the record of a job.
func Job(tb testing.TB, q *queue.Queue, id string) jobs.Record {
	tb.Helper()
	r, err := q.Job(context.Background(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// AwaitState waits until the job is in one of states, and returns its record.
func AwaitState(tb testing.TB, q *queue.Queue, id string, states ...jobs.State) jobs.Record {
	tb.Helper()
	var r jobs.Record
	Eventually(tb, fmt.Sprintf("job %s is %v", id, states), func() bool {
		r = Job(tb, q, id)
		return slices.Contains(states, r.State)
	})
	return r
}

// Worker is a running worker.
type Worker struct {
	Cancel  context.CancelFunc
	Stopped chan struct{}
}

// StartWorker runs a worker until the test ends or it is stopped.
func StartWorker(tb testing.TB, q *queue.Queue, cfg worker.Config, h HandlerFunc) *Worker {
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
	return RunWorker(tb, q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: h}, cfg)
}

// RunWorker does the same with the given handlers, and sets no defaults.
func RunWorker(tb testing.TB, q *queue.Queue, handlers map[jobs.Kind]jobs.Handler, cfg worker.Config) *Worker {
	tb.Helper()
	w, err := worker.New(q, handlers, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := &Worker{Cancel: cancel, Stopped: make(chan struct{})}
	go func() {
		defer close(run.Stopped)
		if err := w.Run(ctx); err != nil {
			tb.Errorf("Run() = %v", err)
		}
	}()
	tb.Cleanup(run.Stop)
	return run
}

// Stop stops the worker and waits for it.
func (w *Worker) Stop() {
	w.Cancel()
	<-w.Stopped
}

// Journal records what handlers did, in order.
type Journal struct {
	mu      sync.Mutex
	entries []string
}

// Add adds a line.
func (j *Journal) Add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

// All returns all lines.
func (j *Journal) All() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.entries...)
}
