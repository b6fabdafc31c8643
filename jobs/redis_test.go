package jobs_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
	"mixduck/internal/proctest"
	"mixduck/internal/redistest"
	"mixduck/jobs"
)

// rig is a test with a queue.
type rig struct {
	*testing.T
	rdb redis.UniversalClient
	q   *jobs.Queue

	socket string // of the Redis
}

// proxied returns the rig with a proxy between its queue and its Redis. The client of the rig stays as it is. Change may be
// nil, see [redistest.Proxy.Client].
func (r rig) proxied(change func(*redis.Options)) (rig, *redistest.Proxy) {
	p := redistest.New(r.T, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.socket)
	})
	r.q = newQueue(r.T, p.Client(change))
	return r, p
}

// onEach runs a test on each Redis that the queue has to work on: the one of the embedded queue, and a real server.
func onEach(t *testing.T, test func(t rig)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		rdb, socket := embedded(t)
		test(rig{t, rdb, newQueue(t, rdb), socket})
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		s := proctest.NewRedis(t)
		rdb := s.Client(t)
		test(rig{t, rdb, newQueue(t, rdb), s.Socket})
	})
}

// embedded opens the embedded queue and returns a client and the path of its socket.
func embedded(tb testing.TB) (rdb redis.UniversalClient, socket string) {
	tb.Helper()
	dir := proctest.ShortDir(tb)
	s, err := embedredis.Open(context.Background(), embedredis.Config{Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	client := s.Client()
	tb.Cleanup(func() { client.Close() })
	return client, filepath.Join(dir, "redis.sock")
}

// eventually waits until a condition holds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	proctest.Eventually(tb, what, ok)
}
