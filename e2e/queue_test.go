package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
)

// queue is where jobs wait.
type queue string

const (
	embedded  queue = "embedded" // in the worker's process
	realRedis queue = "redis"
)

func bothQueues() []queue { return []queue{embedded, realRedis} }

// redisServer is a real Redis on a unix socket, which keeps each write on disk before it answers.
type redisServer struct {
	dir      string
	password string // "" for none
	process  *process
}

// newRedis starts a Redis. A machine without one skips the test, but for one of continuous integration.
func newRedis(tb testing.TB) *redisServer {
	tb.Helper()
	return newRedisWith(tb, "")
}

// newRedisWith starts one that asks for a password, if that is not empty.
func newRedisWith(tb testing.TB, password string) *redisServer {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("redis-server is not installed")
		}
		tb.Skip("SKIPPED: redis-server is not installed, so that nothing is known about real Redis")
	}
	r := &redisServer{dir: tb.TempDir(), password: password}
	r.start(tb)
	return r
}

func (r *redisServer) socket() string { return filepath.Join(r.dir, "redis.sock") }

// url is what --redis-url takes.
func (r *redisServer) url() string {
	if r.password != "" {
		return "unix://:" + r.password + "@" + r.socket()
	}
	return "unix://" + r.socket()
}

func (r *redisServer) start(tb testing.TB) {
	tb.Helper()
	r.process = start(tb, nil, "redis-server", "--port", "0", "--unixsocket", r.socket(), "--dir", r.dir,
		"--appendonly", "yes", "--appendfsync", "always", "--save", "", "--requirepass", r.password)
	r.process.waitFor(tb, "eady to accept connections")
}

// client returns a connection to the Redis itself.
func (r *redisServer) client(tb testing.TB) *redis.Client {
	tb.Helper()
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: r.socket()})
	tb.Cleanup(func() { _ = rdb.Close() })
	return rdb
}
