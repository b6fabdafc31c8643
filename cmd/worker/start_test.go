package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/internal/cli"
	"mixduck/internal/embedredis"
)

// A worker that is told to stop while it starts has not failed.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, redis := range []string{"", "redis://127.0.0.1:1"} {
		var stderr strings.Builder
		dir := t.TempDir()
		leaveQueue(t, filepath.Join(dir, ".mixduck", "queue"))
		code := run(ctx, &cli.Process{
			Args: []string{"run", "--data-dir", dir, "--http-listen", "127.0.0.1:0"}, Stdin: strings.NewReader(""), Stdout: &stderr, Stderr: &stderr,
			Environ: []string{"HOME=" + dir, "MP_USERNAME=u", "MP_SECRET=s", "MP_PROJECT_ID=1", "MIXDUCK_REDIS_URL=" + redis},
		})
		if code != 0 {
			t.Errorf("Redis %q: exit code %d: %s", redis, code, &stderr)
		}
	}
}

// leaveQueue writes an embedded queue that takes a moment to open.
func leaveQueue(t *testing.T, dir string) {
	t.Helper()
	server, err := embedredis.Open(t.Context(), embedredis.Config{Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client := server.Client()
	if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(client.Close(), server.Close()); err != nil {
		t.Fatal(err)
	}
}
