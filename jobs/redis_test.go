package jobs_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/jobs"
)

// rig is a test with a queue.
type rig struct {
	*testing.T
	rdb redis.UniversalClient
	q   *jobs.Queue
}

// onEach runs a test on each Redis that the queue has to work on: the one of the embedded queue, and a real server.
func onEach(t *testing.T, test func(t rig)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		rdb := embedded(t)
		test(rig{t, rdb, newQueue(t, rdb)})
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		s := proctest.NewRedis(t)
		rdb := s.Client(t)
		test(rig{t, rdb, newQueue(t, rdb)})
	})
}

// embedded opens the embedded queue.
func embedded(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	s, err := embedredis.Open(context.Background(), embedredis.Config{Dir: proctest.ShortDir(tb)}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	rdb := s.Client()
	tb.Cleanup(func() { rdb.Close() })
	return rdb
}

// eventually waits until a condition holds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	proctest.Eventually(tb, what, ok)
}
