package page_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/jobs"
	queryjobs "mixduck/jobs/handler/query"
	"mixduck/jobs/worker"
	"mixduck/storage"
	"mixduck/storage/query"
)

const childArg = "query-child"

// TestMain also makes the test binary the process of a query.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// database is the name of the database of [site.work].
const database = "main/12345.db"

// work runs a worker that answers queries about an empty database, until the test ends.
func (s *site) work(tb testing.TB) {
	tb.Helper()
	s.workOn(tb, func(*storage.Engine) {})
}

// workOn does the same, but fill may fill the database before.
func (s *site) workOn(tb testing.TB, fill func(*storage.Engine)) {
	tb.Helper()
	s.answer(tb, fill, func(q jobs.Query) jobs.Query { return q })
}

// workAs does the same, but the worker answers other queries than those that are asked.
func (s *site) workAs(tb testing.TB, other func(jobs.Query) jobs.Query) {
	tb.Helper()
	s.answer(tb, func(*storage.Engine) {}, other)
}

func (s *site) answer(tb testing.TB, fill func(*storage.Engine), other func(jobs.Query) jobs.Query) {
	tb.Helper()
	dir := tb.TempDir()
	e, err := storage.Open(tb.Context(), storage.Config{Path: filepath.Join(dir, "12345.db")})
	if err == nil {
		fill(e)
		err = e.Close()
	}
	exe, exeErr := os.Executable()
	if err := errors.Join(err, exeErr); err != nil {
		tb.Fatal(err)
	}
	locate := func(name string) (volume, path string, err error) {
		return dir, filepath.Join(dir, strings.TrimPrefix(name, "main/")), nil
	}
	log := slog.New(slog.DiscardHandler)
	handler := queryjobs.New(queryjobs.Config{Launcher: query.Launcher{Exe: exe, Args: []string{childArg}}, LockWait: time.Minute}, locate, s.queue, log)
	run := handlerFunc(func(ctx context.Context, a *jobs.Attempt) error { return handler.Answer(ctx, a, other(a.Record.Query)) })
	w, err := worker.New(s.queue, map[jobs.Kind]jobs.Handler{jobs.KindQuery: run, jobs.KindAsk: run}, worker.Config{
		ID: "w1", Volumes: []jobs.Volume{{Name: "main"}}, DrainTimeout: time.Millisecond, OpenResult: queryjobs.OpenResult(locate),
	}, log)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Errorf("worker: %v", err)
		}
	})
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for range ticks.C {
		workers, err := s.queue.Workers(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if len(workers) > 0 {
			return
		}
	}
}
