package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

func TestSubmitRightAfterRedisIsBack(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: s.Socket, PoolSize: 1, MaxRetries: -1})
	t.Cleanup(func() { rdb.Close() })
	q := jobstest.NewQueue(t, rdb)
	jobstest.Submit(t, q, "x", "a")
	s.Kill()
	for range 3 { // the client stops dialing for a while
		if err := rdb.Ping(t.Context()).Err(); err == nil {
			t.Fatal("Redis still answers")
		}
	}
	s.Start(t)
	if r := jobstest.Submit(t, q, "x", "b"); r.Position != 1 {
		t.Errorf("Submit() = %+v, want it behind the first", r)
	}
	if all, err := q.List(t.Context(), queue.Filter{}); err != nil || len(all) != 2 {
		t.Errorf("%d jobs, %v; want two", len(all), err)
	}
}

func TestSubmitGivesUpSoonWithoutRedis(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	s.Kill()
	q := jobstest.NewQueue(t, s.Client(t))
	started := time.Now()
	_, err := q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("x", "a")})
	if took := time.Since(started); err == nil || took > proctest.Patience {
		t.Errorf("Submit() = %v after %v, want an error soon", err, took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Submit(ctx, jobs.Request{Fetch: jobstest.Fetch("x", "a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Submit() = %v, want that its context is cancelled", err)
	}
}
