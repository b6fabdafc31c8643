package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
	"mixduck/internal/rapidtest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// These make the test binary a worker on the Redis at that socket. All with the same directory see when one dies.
const (
	childSocket = "MIXDUCK_TEST_WORKER_SOCKET"
	childID     = "MIXDUCK_TEST_WORKER_ID"
	childDir    = "MIXDUCK_TEST_WORKER_DIR"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(childSocket); socket != "" {
		os.Exit(child(socket, os.Getenv(childID)))
	}
	rapidtest.Checks(40) // `make soak` runs thousands
	os.Exit(m.Run())
}

// child runs a worker. Its jobs print on stdout that they have begun, and end when a list in Redis has an element for
// them. It ends when its parent closes its stdin.
func child(socket, id string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}()
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		return 1
	}
	run := jobstest.HandlerFunc(func(ctx context.Context, a *jobs.Attempt) error {
		fmt.Fprintf(os.Stdout, "%s %d\n", a.Record.Fetch.Table, a.Record.Attempt)
		return rdb.BLPop(ctx, 0, "go:"+a.Record.Fetch.Table).Err()
	})
	w, err := worker.New(q, map[jobs.Kind]jobs.Handler{jobs.KindFetch: run},
		worker.Config{ID: id, Volumes: []jobs.Volume{{Name: "main"}}, PresenceDirs: []string{os.Getenv(childDir)}}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return 1
	}
	if err := w.Run(ctx); err != nil {
		return 1
	}
	return 0
}

// process is a worker in a separate process.
type process struct {
	cmd   *exec.Cmd
	lines chan string // output of its jobs
}

func startProcess(tb testing.TB, s *proctest.Redis, id string) *process {
	tb.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), lines: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), childSocket+"="+s.Socket, childID+"="+id, childDir+"="+s.Dir+"/workers")
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	tb.Cleanup(func() { stdin.Close(); p.kill() })
	return p
}

// kill ends the process with SIGKILL, if it is running.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// says waits for the next line.
func (p *process) says(tb testing.TB) string {
	tb.Helper()
	select {
	case line := <-p.lines:
		return line
	case <-time.After(60 * time.Second):
		tb.Fatal("no job began within 60 s")
		return ""
	}
}

func TestJobsOfAKilledProcessRunAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	q := jobstest.NewQueue(t, rdb)
	first := startProcess(t, s, "w1")
	a, b := jobstest.Submit(t, q, "x", "a"), jobstest.Submit(t, q, "x", "b")
	if got := first.says(t); got != "a 1" {
		t.Fatalf("first job = %q, want a", got)
	}
	first.kill()
	second := startProcess(t, s, "w1")
	if got := second.says(t); got != "a 1" {
		t.Errorf("after the restart = %q, want the same job in the same attempt", got)
	}
	rdb.RPush(t.Context(), "go:a", "1")
	rdb.RPush(t.Context(), "go:b", "1")
	jobstest.AwaitState(t, q, a.ID, jobs.StateDone)
	jobstest.AwaitState(t, q, b.ID, jobs.StateDone)
}

func TestJobsOfADeadProcessGoToAnother(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	q := jobstest.NewQueue(t, rdb)
	first := startProcess(t, s, "w1")
	a := jobstest.Submit(t, q, "x", "a")
	first.says(t)
	second := startProcess(t, s, "w2")
	first.kill()
	// From now on its heartbeat never ends, so only the end of the process can prove its death.
	if err := rdb.Persist(t.Context(), "mixduck:worker:w1").Err(); err != nil {
		t.Fatal(err)
	}
	if got := second.says(t); got != "a 1" {
		t.Errorf("the other process runs %q, want a in its first attempt", got)
	}
	rdb.RPush(t.Context(), "go:a", "1")
	if r := jobstest.AwaitState(t, q, a.ID, jobs.StateDone); r.Worker != "w2" {
		t.Errorf("worker = %s, want w2", r.Worker)
	}
}

func TestJobsOfAStoppedProcessGoToAnotherOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for a heartbeat to end")
	}
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	q := jobstest.NewQueue(t, rdb)
	first := startProcess(t, s, "w1")
	a := jobstest.Submit(t, q, "x", "a")
	first.says(t)
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := startProcess(t, s, "w2")
	if err := rdb.PExpire(t.Context(), "mixduck:worker:w1", time.Millisecond).Err(); err != nil { // instead of 15 s
		t.Fatal(err)
	}
	if got := second.says(t); got != "a 1" {
		t.Errorf("the other process runs %q, want a in its first attempt", got)
	}
	if err := first.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	rdb.RPush(t.Context(), "go:a", "1", "1") // the other's attempt may take one, too
	if r := jobstest.AwaitState(t, q, a.ID, jobs.StateDone); r.Worker != "w2" {
		t.Errorf("worker = %s, want w2", r.Worker)
	}
	if all, err := q.Attempts(t.Context(), a.ID); err != nil || len(all) != 2 || all[0].Outcome != jobs.AttemptStalled {
		t.Errorf("attempts = %+v, %v; want one that stalled, and one more", all, err)
	}
}

func TestWorkerRidesOutARestartOfRedis(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	q := jobstest.NewQueue(t, s.Client(t))
	a, b := jobstest.Submit(t, q, "x", "a"), jobstest.Submit(t, q, "x", "b")
	var j jobstest.Journal
	began, release := make(chan struct{}), make(chan struct{})
	jobstest.StartWorker(t, q, worker.Config{}, func(ctx context.Context, at *jobs.Attempt) error {
		j.Add("%s%d", at.Record.Fetch.Table, at.Record.Attempt)
		if at.Record.Fetch.Table == "a" {
			close(began)
			<-release
			return context.Cause(ctx)
		}
		return nil
	})
	<-began
	s.Kill()
	close(release) // so the attempt ends and is settled while Redis is unreachable
	<-time.After(2 * time.Second)
	s.Start(t)
	jobstest.AwaitState(t, q, a.ID, jobs.StateDone)
	jobstest.AwaitState(t, q, b.ID, jobs.StateDone)
	if diff := cmp.Diff([]string{"a1", "b1"}, j.All()); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestWorkerStopsWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	q := jobstest.NewQueue(t, s.Client(t))
	a := jobstest.Submit(t, q, "x", "a")
	w := jobstest.StartWorker(t, q, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
		<-ctx.Done()
		return ctx.Err()
	})
	jobstest.AwaitState(t, q, a.ID, jobs.StateRunning)
	s.Kill()
	w.Cancel()
	proctest.Await(t, "Run returns", w.Stopped)
	s.Start(t)
	jobstest.StartWorker(t, jobstest.NewQueue(t, s.Client(t)), worker.Config{}, func(context.Context, *jobs.Attempt) error { return nil })
	if r := jobstest.AwaitState(t, jobstest.NewQueue(t, s.Client(t)), a.ID, jobs.StateDone); r.Attempt != 1 {
		t.Errorf("attempt = %d, want 1", r.Attempt)
	}
}

func TestWorkerWaitsForRedisAtItsStart(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	s.Kill()
	q := jobstest.NewQueue(t, s.Client(t))
	w := jobstest.StartWorker(t, q, worker.Config{}, func(context.Context, *jobs.Attempt) error { return nil })
	select {
	case <-w.Stopped:
		t.Fatal("Run returned")
	case <-time.After(500 * time.Millisecond):
	}
	s.Start(t)
	jobstest.AwaitState(t, q, jobstest.Submit(t, q, "x", "a").ID, jobs.StateDone)
}

func TestFlushDoesNotWedge(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		began, cause := make(chan int64, 2), make(chan error, 1)
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, a *jobs.Attempt) error {
			began <- a.Fence
			if a.Record.Fetch.Table == "b" {
				return nil
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		})
		jobstest.Submit(t, t.Q, "x", "a")
		before := <-began
		if err := t.Rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := <-cause; !strings.Contains(err.Error(), jobs.ErrLaneLost.Error()) {
			t.Errorf("cause = %v, want ErrLaneLost", err)
		}
		jobstest.AwaitState(t, t.Q, jobstest.Submit(t, t.Q, "x", "b").ID, jobs.StateDone)
		if after := <-began; after <= before {
			t.Errorf("fence = %d after %d, want a higher one", after, before)
		}
	})
}
