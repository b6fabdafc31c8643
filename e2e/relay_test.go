package e2e

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/proctest"
)

// longQuery has a result of 33 MB. Readers hold at most a quarter of it in memory.
const longQuery = "SELECT range AS n, repeat('x', 100) AS s FROM range(300000)"

// remote reads a result on a machine without access to the worker's data directory.
type remote struct {
	cmd    *exec.Cmd
	stdout *os.File // the command's output; nobody else reads it
	stderr bytes.Buffer
	ended  chan struct{}
}

// away returns the flags of a command with access to the queue but not to the volume.
func (s *site) away(tb testing.TB) []string {
	tb.Helper()
	return []string{"--data-dir", tb.TempDir(), "--redis-url", s.redis.URL()}
}

// startRemote starts enqueue without access to the volume. It is killed when the test ends.
func (s *site) startRemote(tb testing.TB, args ...string) *remote {
	tb.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	r := &remote{cmd: exec.Command("enqueue", append(s.away(tb), args...)...), stdout: out, ended: make(chan struct{})}
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = s.env, in, &r.stderr
	err = r.cmd.Start()
	in.Close()
	if err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // ProcessState has the result
	}()
	tb.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
		out.Close()
	})
	return r
}

// read reads exactly n bytes.
func (r *remote) read(tb testing.TB, n int) []byte {
	tb.Helper()
	b := make([]byte, n)
	if got, err := io.ReadFull(r.stdout, b); err != nil {
		_ = r.cmd.Process.Kill()
		<-r.ended
		tb.Fatalf("%d bytes of %d: %v\n%s", got, n, err, &r.stderr)
	}
	return b
}

// rest reads to the end and returns everything, including what was read before.
func (r *remote) rest(tb testing.TB, before []byte) result {
	tb.Helper()
	more, err := io.ReadAll(r.stdout)
	if err != nil {
		tb.Fatal(err)
	}
	proctest.Await(tb, "the end of enqueue", r.ended)
	return result{code: r.cmd.ProcessState.ExitCode(), stdout: string(before) + string(more), stderr: r.stderr.String()}
}

// mustBe checks that a command has printed exactly want.
func (r result) mustBe(tb testing.TB, want string) {
	tb.Helper()
	if r.code != 0 || r.stdout != want {
		tb.Errorf("exit code %d, %d bytes, equal: %t; want 0 and %d\n%s", r.code, len(r.stdout), r.stdout == want, len(want), r.stderr)
	}
}

// newRelayed makes a site with a worker, and returns the result of longQuery.
func newRelayed(t *testing.T) (s *site, worker *proctest.Process, want string) {
	t.Helper()
	s = newSite(t, realRedis, newMixpanel(t, 20))
	worker = s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
	want = s.ask(t, "query", longQuery, "--format", "csv")
	if len(want) < 30<<20 {
		t.Fatalf("the result has %d bytes only", len(want))
	}
	return s, worker, want
}

func TestALongResultSurvivesAFrozenRedis(t *testing.T) {
	t.Parallel()
	s, _, want := newRelayed(t)
	freezes, ahead := 1, func() int { return 1000 }
	if proctest.Soak() {
		freezes, ahead = 200, func() int { return 1 + rand.IntN(len(want)*3/4) }
	}
	for range freezes {
		r := s.startRemote(t, "query", longQuery, "--format", "csv")
		first := r.read(t, ahead())
		s.redis.Process.Freeze(t)
		thaw := time.AfterFunc(8*time.Second, func() { s.redis.Process.Thaw(t) })
		got := r.rest(t, first)
		if thaw.Stop() {
			t.Fatal("the result came while Redis was frozen")
		}
		if got.code == 0 {
			got.mustBe(t, want)
		} else {
			got.mustFail(t, 1, "the result of job")
		}
	}
}

// chunksInRedis returns the number of parts of results in Redis.
func chunksInRedis(tb testing.TB, rdb *redis.Client) int {
	tb.Helper()
	keys, err := rdb.Keys(tb.Context(), "mixduck:{stream:*").Result()
	if err != nil {
		tb.Fatal(err)
	}
	return len(keys)
}

func TestReadersThatStopReadingHoldNobodyUp(t *testing.T) {
	t.Parallel()
	s, _, want := newRelayed(t)
	var slow []*remote
	var first []byte
	for range 4 { // as many as concurrent queries
		r := s.startRemote(t, "query", longQuery, "--format", "csv")
		first = r.read(t, 1000)
		slow = append(slow, r)
	}
	fifth := command(t, s.env, "enqueue", append(s.away(t), "query", longQuery, "--format", "csv")...)
	fifth.mustBe(t, want)
	for _, r := range slow {
		select {
		case <-r.ended:
			t.Errorf("a slow reader has ended with %d\n%s", r.cmd.ProcessState.ExitCode(), &r.stderr)
		default:
		}
	}
	rdb := s.redis.Client(t)
	eventually(t, "no part of a result is in Redis", func() bool { return chunksInRedis(t, rdb) == 0 })
	slow[0].rest(t, first).mustBe(t, want)
}

func TestAnotherWorkerSendsTheRestOfAResult(t *testing.T) {
	t.Parallel()
	s, worker, want := newRelayed(t)
	r := s.startRemote(t, "query", longQuery, "--format", "csv")
	first := r.read(t, 1000)
	s.startWorker(t)
	worker.Kill()
	r.rest(t, first).mustBe(t, want)
}

// Without a worker the rest of a result cannot arrive. The command reports that and leaves no file behind.
func TestNoWorkerSendsTheRestOfAResult(t *testing.T) {
	t.Parallel()
	s, worker, want := newRelayed(t)
	id := strings.TrimSpace(s.ask(t, "query", longQuery, "--format", "csv", "--detach"))
	s.ask(t, "jobs", "wait", id)
	rdb, dir := s.redis.Client(t), t.TempDir()
	args := append(s.away(t), "jobs", "result", id, "--output", filepath.Join(dir, "rows.csv"))
	reader := proctest.Start(t, s.env, "enqueue", args...)
	eventually(t, "the result is on its way", func() bool { return chunksInRedis(t, rdb) > 0 })
	reader.Freeze(t)
	worker.Kill()
	reader.Thaw(t)
	if code := reader.ExitCode(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, text := range []string{"error: the result of job " + id + " ended after ", "no worker of volume main runs", "\ntry: "} {
		if !strings.Contains(reader.Said(), text) {
			t.Errorf("stderr has no %q:\n%s", text, reader.Said())
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left beside the output, %v", left, err)
	}
	s.startWorker(t)
	if again := command(t, s.env, "enqueue", args...); again.code != 0 {
		t.Fatalf("exit code %d of the second try\n%s", again.code, again.stderr)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "rows.csv")); err != nil || string(b) != want {
		t.Errorf("the file has %d bytes, %v; want %d", len(b), err, len(want))
	}
}
