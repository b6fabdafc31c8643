package worker

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"

	"mixduck/internal/presence"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

// other is a worker on this machine, beside the one that sweeps.
var other = lanes.Identity{ID: "w1", Boot: "1"}

// neighbours returns a sweeper of a worker that shares a directory with the other one, which is alive.
func neighbours(t *testing.T, q *queue.Queue) (_ *sweeper, _ *peers, dir string) {
	t.Helper()
	dir = t.TempDir()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s := testSweeper(q, lanes.Identity{ID: "w2", Boot: "1"})
	alive := join([]string{dir}, other, log)
	s.peers = join([]string{dir}, s.me, log)
	t.Cleanup(s.peers.leave)
	return s, alive, dir
}

func TestJobsOfADeadNeighbourStartBeforeItsHeartbeatEnds(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	s, alive, dir := neighbours(t, q)
	beat(t, q, other)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, other)
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn != tn {
		t.Fatalf("turn = %+v, want %+v as long as the worker lives", v.Turn, tn)
	}
	alive.leave()
	if err := s.sweep(t.Context()); err != nil { // no lane is due
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn.Job != r.ID || v.Turn.Fence <= tn.Fence {
		t.Errorf("turn = %+v, want a new one of the same job", v.Turn)
	}
	wantEnds(t, q, r, jobs.AttemptCrashed)
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("files = %v, %v; want only that of the living worker", files, err)
	}
}

func TestADeadNeighbourIsNotForgottenBeforeItsJobs(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	s, alive, _ := neighbours(t, q)
	tn := beginAs(t, q, mustSubmit(t, q, "x"), other)
	alive.leave()
	for range 3 {
		if err := s.peers.look(func(lanes.Identity) error { return errCut }); !errors.Is(err, errCut) {
			t.Fatalf("look() = %v, want the error", err)
		}
	}
	if err := s.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn.Fence <= tn.Fence {
		t.Errorf("turn = %+v, want a new one", v.Turn)
	}
}

func TestAStoppedNeighbourLosesItsTurnWithoutBlameForTheJob(t *testing.T) {
	t.Parallel()
	q, c := fakeQueue(t)
	s, alive, _ := neighbours(t, q)
	defer alive.leave()
	r := mustSubmit(t, q, "x")
	var want []jobs.AttemptOutcome
	for range lanes.DefaultMaxCrashes + 1 {
		tn := beginAs(t, q, r, other)
		if err := sweepAll(t.Context(), s); err != nil { // it sees that the heartbeat is missing
			t.Fatal(err)
		}
		if v := lookAt(t, q, tn.Lane); v.Turn != tn {
			t.Fatalf("turn = %+v, want %+v: the worker may be only slow", v.Turn, tn)
		}
		c.Turn(deadAfter)
		if err := sweepAll(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		delete(s.missing, other)
		want = append(want, jobs.AttemptStalled)
	}
	wantEnds(t, q, r, want...)
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != jobs.StateQueued || got.Attempt != 0 {
		t.Errorf("job is %s in attempt %d, %v; want it queued again in its first", got.State, got.Attempt, err)
	}
}

func TestNoProofIsNoDeath(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	s, alive, dir := neighbours(t, q)
	defer alive.leave()
	beat(t, q, other)
	tn := beginAs(t, q, mustSubmit(t, q, "x"), other)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if n := seen(t, copied); n != 2 {
		t.Fatalf("%d copies, want 2", n)
	}
	s.peers = join([]string{copied, "/dev/null/none"}, s.me, slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer s.peers.leave()
	if n := seen(t, copied); n != 1 {
		t.Errorf("%d files, want 1: the copies prove nothing", n)
	}
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn != tn {
		t.Errorf("turn = %+v, want %+v", v.Turn, tn)
	}
}

func beat(t *testing.T, q *queue.Queue, w lanes.Identity) {
	t.Helper()
	if err := q.Engine().Beat(t.Context(), lanes.Heartbeat{WorkerInfo: jobs.WorkerInfo{ID: w.ID, Volumes: []jobs.Volume{{Name: "main"}}}, Boot: w.Boot}); err != nil {
		t.Fatal(err)
	}
}

// seen returns the number of marks in dir.
func seen(t *testing.T, dir string) int {
	t.Helper()
	all, err := presence.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// wantEnds checks how the attempts of a job have ended.
func wantEnds(t *testing.T, q *queue.Queue, r jobs.Record, want ...jobs.AttemptOutcome) {
	t.Helper()
	all, err := q.Engine().Records.Attempts(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := all[r.ID]
	ok := len(got) == len(want)
	for i := range got {
		ok = ok && got[i].Outcome == want[i]
	}
	if !ok {
		t.Errorf("attempts = %+v, want %q", got, want)
	}
}
