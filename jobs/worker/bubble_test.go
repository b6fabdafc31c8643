package worker

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"mixduck/internal/redistest"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

type testHandler func(ctx context.Context, a *jobs.Attempt) error

func (f testHandler) Run(ctx context.Context, a *jobs.Attempt) error { return f(ctx, a) }

// bubbleQueue returns a queue for a test in a synctest bubble. Calling stop ends it; all workers must have ended
// before.
func bubbleQueue(t *testing.T) (q *queue.Queue, stop func()) {
	t.Helper()
	rdb, stop := redistest.Bubble(t)
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return q, stop
}

// work runs a worker for fetches until the returned function is called.
func work(t *testing.T, q *queue.Queue, id string, h testHandler) (stop func()) {
	t.Helper()
	return workOn(t, q, id, map[jobs.Kind]jobs.Handler{jobs.KindFetch: h})
}

// workOn runs a worker until the returned function is called.
func workOn(t *testing.T, q *queue.Queue, id string, handlers map[jobs.Kind]jobs.Handler) (stop func()) {
	t.Helper()
	w, err := New(q, handlers, Config{ID: id, Volumes: []jobs.Volume{{Name: "main"}}}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// beginAs begins the turn of a job that was just submitted, as a worker that does not exist.
func beginAs(t *testing.T, q *queue.Queue, r jobs.Record, w lanes.Identity) lanes.Turn {
	t.Helper()
	tn := lookAt(t, q, r.Fetch.Database).Turn
	if e, err := q.Engine().Begin(t.Context(), tn, w); err != nil || e == nil {
		t.Fatalf("begin() = %v, %v", e, err)
	}
	return tn
}
