package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"mixduck/config"
	"mixduck/internal/cli"
	"mixduck/internal/embedredis"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// asCommand makes the test binary the command itself.
const asCommand = "ENQUEUE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	logging.Disable() // go-redis prints a line for each failed connection
	os.Exit(m.Run())
}

// call runs the command in this process and returns the result.
func call(ctx context.Context, environ []string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(ctx, &cli.Process{Args: args, Environ: environ, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

// service is a queue in a data directory, and a worker with jobs that do what their where expression says.
type service struct {
	dir     string
	queue   *queue.Queue
	budget  *budget.Budget
	started chan string // receives the ID of each job that blocks
	release chan struct{}
}

// startService serves dir until the functions that it passes to cleanup run.
func startService(tb testing.TB, dir string, cleanup func(func())) *service {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	server, err := embedredis.Open(context.Background(), embedredis.Config{Dir: filepath.Join(dir, ".mixduck", "queue")}, log)
	if err != nil {
		tb.Fatal(err)
	}
	cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	rdb := server.Client()
	cleanup(func() { rdb.Close() })
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	budget, err := budget.New(rdb, budget.Config{PerPeriod: config.DefaultRequestsPerHour})
	if err != nil {
		tb.Fatal(err)
	}
	s := &service{dir: dir, queue: q, budget: budget, started: make(chan string, 100), release: make(chan struct{})}
	w, err := worker.New(q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: s}, worker.Config{
		ID: "w1", Volumes: []jobs.Volume{{Name: "main"}}, DrainTimeout: time.Millisecond, Backoff: worker.Backoff{Base: time.Hour, Cap: time.Hour},
	}, log)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- w.Run(ctx) }()
	cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			tb.Error(err)
		}
	})
	awaitWorker(tb, q)
	return s
}

// awaitWorker waits until a worker is listed.
func awaitWorker(tb testing.TB, q *queue.Queue) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		workers, err := q.Workers(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		if len(workers) > 0 {
			return
		}
	}
}

// Run does what the job's where expression says: block, fail CODE, retry, pause, or otherwise succeed.
func (s *service) Run(ctx context.Context, a *jobs.Attempt) error {
	p := jobs.Progress{WindowsDone: 1, WindowsTotal: 3, Rows: 70000, Requests: 1, Bytes: 28_000_000}
	a.Report(p)
	verb, argument, _ := strings.Cut(a.Record.Fetch.Where, " ")
	switch verb {
	case "block":
		s.started <- a.Record.ID
		select {
		case <-s.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	case "fail":
		return jobs.Permanent(fault.New(fault.Code(argument), "do something about it", "it is\x1b[31m broken"))
	case "retry":
		return fault.New(fault.CodeFailed, "", "503 Service Unavailable")
	case "pause":
		return jobs.PauseUntil(time.Now().Add(time.Hour), io.ErrNoProgress)
	}
	a.Report(jobs.Progress{
		WindowsDone: 3, WindowsTotal: 3, Rows: 203000, Duplicates: 12, Quarantined: 1, Requests: 4, Retries: 1, Bytes: 84_100_000,
	})
	return nil
}
