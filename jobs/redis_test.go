package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/embedredis"
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
		s := newServer(t)
		s.start()
		rdb := s.client()
		test(rig{t, rdb, newQueue(t, rdb)})
	})
}

// embedded opens the embedded queue.
func embedded(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	s, err := embedredis.Open(context.Background(), embedredis.Config{Dir: shortDir(tb)}, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	rdb := s.Client()
	tb.Cleanup(func() { rdb.Close() })
	return rdb
}

// shortDir returns a directory for a socket, whose path has at most 107 bytes: those of TempDir can be longer.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "jobs") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// server is a redis-server process that can be killed and started again with what it had stored.
type server struct {
	tb     testing.TB
	dir    string
	socket string
	cmd    *exec.Cmd
}

func newServer(tb testing.TB) *server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal("redis-server is not installed")
		}
		tb.Skip("SKIPPED: redis-server is not installed, so NOTHING was tested on a real Redis")
	}
	dir := shortDir(tb)
	s := &server{tb: tb, dir: dir, socket: filepath.Join(dir, "redis.sock")}
	tb.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.tb.Helper()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket, "--dir", s.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: -1})
	defer rdb.Close()
	eventually(s.tb, "redis-server answers", func() bool { return rdb.Ping(context.Background()).Err() == nil })
}

// kill ends the server with SIGKILL, if it runs.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
}

func (s *server) client() redis.UniversalClient {
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket})
	s.tb.Cleanup(func() { rdb.Close() })
	return rdb
}

var errTimeout = errors.New("timed out")

// eventually waits until a condition holds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	within(tb, 60*time.Second, what, ok)
}

func within(tb testing.TB, limit time.Duration, what string, ok func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, errTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("not within %v: %s", limit, what)
		}
	}
}
