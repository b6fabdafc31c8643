package chaos

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
)

// redisServer is a real Redis on a unix socket, which keeps each write on disk before it answers, and all writes for good.
type redisServer struct {
	dir     string
	client  *redis.Client
	process *process
}

// newRedis starts a Redis. A machine without one skips the test, but for one of continuous integration.
func newRedis(tb testing.TB) *redisServer {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("redis-server is not installed")
		}
		tb.Skip("SKIPPED: redis-server is not installed")
	}
	r := &redisServer{dir: tb.TempDir()}
	r.client = redis.NewClient(&redis.Options{Network: "unix", Addr: r.socket(), ContextTimeoutEnabled: true})
	tb.Cleanup(func() { _ = r.client.Close() })
	r.start(tb)
	return r
}

func (r *redisServer) socket() string { return filepath.Join(r.dir, "redis.sock") }

// url is what --redis-url takes.
func (r *redisServer) url() string { return "unix://" + r.socket() }

func (r *redisServer) start(tb testing.TB) {
	tb.Helper()
	r.process = start(tb, nil, filepath.Join(r.dir, "log"), "redis-server", "--port", "0", "--unixsocket", r.socket(), "--dir", r.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--save", "")
	eventually(tb, "Redis answers", func() bool { return r.client.Ping(tb.Context()).Err() == nil })
}

// limitMemory refuses all writes that need memory, or lifts that.
func (r *redisServer) limitMemory(tb testing.TB, full bool) {
	tb.Helper()
	limit := "0"
	if full {
		limit = "1" // byte
	}
	if err := r.client.ConfigSet(tb.Context(), "maxmemory", limit).Err(); err != nil {
		tb.Fatal(err)
	}
}
