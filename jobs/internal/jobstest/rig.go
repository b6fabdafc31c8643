package jobstest

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
	"mixduck/jobs/queue"
)

// Rig is a test with a queue.
type Rig struct {
	*testing.T
	Rdb redis.UniversalClient
	Q   *queue.Queue

	Socket string // path of the Redis socket
}

// Proxied returns the rig with a proxy between its queue and Redis. The rig's client stays connected directly. Change
// may be nil, see [redistest.Proxy.Client].
func (r Rig) Proxied(change func(*redis.Options)) (Rig, *redistest.Proxy) {
	p := redistest.New(r.T, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.Socket)
	})
	r.Q = NewQueue(r.T, p.Client(change))
	return r, p
}

// OnEach runs a test on each supported Redis: the one of the embedded queue, and a real server.
func OnEach(t *testing.T, test func(t Rig)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		rdb, socket := Embedded(t)
		test(Rig{t, rdb, NewQueue(t, rdb), socket})
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		s := proctest.NewRedis(t)
		rdb := s.Client(t)
		test(Rig{t, rdb, NewQueue(t, rdb), s.Socket})
	})
}

// Embedded opens the embedded queue. It returns a client and the path of the socket.
func Embedded(tb testing.TB) (rdb redis.UniversalClient, socket string) {
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

// Eventually waits until ok returns true.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	proctest.Eventually(tb, what, ok)
}
