package bench_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
)

// redisServer is a real Redis that syncs its file once a second, like Redis by default and like the embedded queue. It
// stores hashes as docs/operations.md recommends.
type redisServer struct {
	*proctest.Redis
	client *redis.Client
}

// startRedis runs a Redis until the benchmark ends. On a machine without Redis it skips the benchmark.
func startRedis(b *testing.B) *redisServer {
	b.Helper()
	s := proctest.NewRedis(b, "--appendfsync", "everysec", "--hash-max-listpack-value", "512")
	return &redisServer{s, s.Client(b)}
}

// commands returns how many commands the server has executed, including those within scripts, and how many of them
// were calls of scripts.
func (s *redisServer) commands(b *testing.B) (all, scripts int64) {
	b.Helper()
	stats, err := s.client.Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(stats) {
		name, rest, _ := strings.Cut(line, ":calls=")
		text, _, ok := strings.Cut(rest, ",")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		all += n
		if name == "cmdstat_eval" || name == "cmdstat_evalsha" {
			scripts += n
		}
	}
	return all, scripts
}

// await waits until ok returns true, and fails after limit.
func await(b *testing.B, what string, limit time.Duration, ok func() bool) {
	b.Helper()
	late := time.After(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			b.Fatalf("not within %s: %s", limit, what)
		}
	}
}
