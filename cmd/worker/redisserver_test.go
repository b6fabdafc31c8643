package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/internal/proctest"
)

func TestAServerThatMayDeleteJobsIsRefused(t *testing.T) {
	t.Parallel()
	r := proctest.NewRedis(t, "--maxmemory-policy", "allkeys-lfu")
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: r.Socket})
	defer rdb.Close()
	for _, allow := range []bool{false, true} {
		var log bytes.Buffer
		s := &redisServer{rdb: rdb, allow: allow, log: slog.New(slog.NewTextHandler(&log, nil))}
		err := s.admit(t.Context())
		if refused := fault.CodeOf(err) == fault.CodeUsage; refused == allow {
			t.Errorf("allowed %t: %v", allow, err)
		}
		if !strings.Contains(log.String(), "allkeys-lfu") || len(s.warnings()) != 1 || !s.kinds()["eviction"] || s.kinds()["role"] {
			t.Errorf("allowed %t: warnings %q, kinds %v, log %s", allow, s.warnings(), s.kinds(), &log)
		}
		log.Reset()
		if err := s.ask(t.Context()); err != nil || log.Len() > 0 {
			t.Errorf("asked again: %v, log %s", err, &log)
		}
	}
}
