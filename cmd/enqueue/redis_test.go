package main

import (
	"context"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"mixduck/internal/proctest"
)

func TestQueueOnRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.RequireUserAuth("me", "hunter2")
	environ := []string{"HOME=" + t.TempDir(), "MP_PROJECT_ID=12345"}
	url := "redis://me:hunter2@" + server.Addr() + "/0"

	code, stdout, stderr := call(t.Context(), environ, "--redis-url", url, "fetch", "events", "--from", "7d", "--quiet")
	const warning = "warning: no worker serves volume main; the job waits until one does\n"
	if code != 0 || stderr != warning {
		t.Fatalf("fetch without a worker = %d, %q, want 0, %q", code, stderr, warning)
	}
	id := strings.TrimSpace(stdout)
	code, stdout, stderr = call(t.Context(), append(environ, "MIXDUCK_REDIS_URL="+url), "jobs", "list", "--state", "queued")
	if code != 0 || !strings.Contains(stdout, id) || stderr != "" {
		t.Errorf("list = %d, %q, %q, want job %s", code, stdout, stderr, id)
	}
	code, _, stderr = call(t.Context(), environ, "--redis-url", strings.Replace(url, "hunter2", "hunter3", 1), "jobs", "list")
	if code != 1 || !strings.Contains(stderr, "WRONGPASS") || strings.Contains(stderr, "hunter3") || !strings.Contains(stderr, "try: ") {
		t.Errorf("list with a wrong password = %d, %q", code, stderr)
	}
	code, _, stderr = call(t.Context(), environ, "--redis-url", "redis://me:hunter2@"+server.Addr()+"/zero", "jobs", "list")
	if code != 3 || strings.Contains(stderr, "hunter2") {
		t.Errorf("list with a URL that is none = %d, %q", code, stderr)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, stderr = call(interrupted, environ, "--redis-url", url, "jobs", "list"); code != 130 {
		t.Errorf("list when interrupted = %d, %q, want 130", code, stderr)
	}
}

// A Redis that can delete jobs fails the check, and so does a queue without a worker.
func TestCheckOfARedisThatEvicts(t *testing.T) {
	t.Parallel()
	r := proctest.NewRedis(t, "--maxmemory-policy", "allkeys-lru")
	code, stdout, _ := call(t.Context(), []string{"HOME=" + t.TempDir()}, "--redis-url", r.URL(), "check")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"failed   redis: ", "allkeys-lru", "failed   workers: no worker is running; try: start one with 'worker run'\n", "skipped  volumes: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}
