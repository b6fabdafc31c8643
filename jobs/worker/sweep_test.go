package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
)

func TestJobsOfAnEarlierRunStartAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		old := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "old"})
		started := time.Now()
		began := make(chan *jobs.Attempt, 1)
		defer work(t, q, "w1", func(_ context.Context, a *jobs.Attempt) error { began <- a; return nil })()
		a := <-began
		if took := time.Since(started); took > time.Second || a.Record.Attempt != 1 || a.Fence <= old.Fence {
			t.Errorf("attempt %d under fence %d after %v; want the first, above %d, at once", a.Record.Attempt, a.Fence, took, old.Fence)
		}
	})
}

func TestJobsOfADeadWorkerStartWhenItsHeartbeatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		dead := lanes.Identity{ID: "dead", Boot: "1"}
		if err := q.Engine().Beat(t.Context(), lanes.Heartbeat{WorkerInfo: jobs.WorkerInfo{ID: dead.ID, Volumes: []jobs.Volume{{Name: "main"}}}, Boot: dead.Boot}); err != nil {
			t.Fatal(err)
		}
		beginAs(t, q, mustSubmit(t, q, "x"), dead)
		started := time.Now()
		began := make(chan *jobs.Attempt, 1)
		defer work(t, q, "w1", func(_ context.Context, a *jobs.Attempt) error { began <- a; return nil })()
		a := <-began
		if took := time.Since(started); took < lanes.BeatLasts || took > 40*time.Second || a.Record.Attempt != 1 {
			t.Errorf("attempt %d after %v; want the first, soon after %v", a.Record.Attempt, took, lanes.BeatLasts)
		}
	})
}

func TestJobsOfALivingWorkerAreLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		release := make(chan struct{})
		runs := 0
		stopFirst := work(t, q, "w1", func(ctx context.Context, _ *jobs.Attempt) error {
			runs++
			<-release
			return context.Cause(ctx)
		})
		stopSecond := work(t, q, "w2", func(context.Context, *jobs.Attempt) error { return nil })
		time.Sleep(150 * time.Second) // longer than Asynq's lease and the interval of its recoverer
		close(release)
		stopFirst()
		stopSecond()
		got, err := q.Job(t.Context(), r.ID)
		if err != nil || got.State != jobs.StateDone || runs > 1 || got.Attempt != 1 {
			t.Errorf("job is %s after %d runs in attempt %d, %v; want done in one", got.State, runs, got.Attempt, err)
		}
	})
}

func TestAJobWhoseWorkersKeepDyingFails(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	for n := range lanes.DefaultMaxCrashes {
		if e, err := q.Engine().Records.Load(t.Context(), r.ID); err != nil || e.State != jobs.StateQueued {
			t.Fatalf("after %d crashes the job is %s, %v; want it queued", n, e.State, err)
		}
		tn := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
		if err := q.Engine().Rescue(t.Context(), tn); err != nil {
			t.Fatal(err)
		}
	}
	got, err := q.Job(t.Context(), r.ID)
	if err != nil || got.State != jobs.StateFailed || got.Attempt != 0 || got.Failure == nil || got.Failure.Hint == "" {
		t.Errorf("record = %+v, %v; want it failed, with a hint, in no attempt", got, err)
	}
}

func TestProgressForgivesCrashes(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	for n := range 2 * lanes.DefaultMaxCrashes {
		tn := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
		before := jobs.Progress{WindowsDone: n}
		if _, lost, err := q.Engine().Check(t.Context(), tn, before, &jobs.Progress{WindowsDone: n + 1}); err != nil || lost {
			t.Fatalf("check() = %v, %v", lost, err)
		}
		if err := q.Engine().Rescue(t.Context(), tn); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != jobs.StateQueued {
		t.Errorf("job is %s, %v; want it queued", got.State, err)
	}
}

func TestCancelOfARunningJobOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.Engine().Rescue(t.Context(), tn); err != nil {
		t.Fatal(err)
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != jobs.StateCancelled {
		t.Errorf("job is %s, %v; want cancelled", got.State, err)
	}
}

func TestRetryWhileTheLastRunIsBeingSettled(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
	// The record has been settled, but the lane has not.
	m, err := lanes.Outcome{State: jobs.StateCancelled}.Move(tn, jobs.Progress{})
	if err != nil {
		t.Fatal(err)
	}
	e, moved, err := q.Engine().Records.Move(t.Context(), r.ID, m)
	if err != nil || !moved {
		t.Fatalf("move() = %v, %v", moved, err)
	}
	if _, err := q.Retry(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.Engine().Pass(t.Context(), tn, e); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn.Job != r.ID || v.Turn.Fence <= tn.Fence {
		t.Errorf("turn = %+v, want a new one of the same job", v.Turn)
	}
}

func TestSettlingATurnThatIsOver(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
	if err := q.Engine().Rescue(t.Context(), tn); err != nil {
		t.Fatal(err)
	}
	if err := q.Engine().Settle(t.Context(), tn, lanes.Outcome{State: jobs.StateDone}, jobs.Progress{}); !errors.Is(err, jobs.ErrLaneLost) {
		t.Errorf("settle() = %v, want ErrLaneLost", err)
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != jobs.StateQueued {
		t.Errorf("job is %s, %v; want it queued for another run", got.State, err)
	}
}

func TestATaskThatNobodyHasIsReplaced(t *testing.T) {
	t.Parallel()
	q, c := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := lookAt(t, q, r.Fetch.Database).Turn
	s := testSweeper(q, lanes.Identity{ID: "w1", Boot: "1"})
	c.Turn(time.Minute)
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn != tn {
		t.Errorf("turn = %+v, want %+v as long as its task is pending", v.Turn, tn)
	}
	// A process took the task and died before it began the turn.
	if err := q.Engine().Redis.HSet(t.Context(), "asynq:{main.fetch}:t:"+lanes.TaskID(tn), "state", "active").Err(); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.Lane); v.Turn.Job != r.ID || v.Turn.Fence <= tn.Fence {
		t.Errorf("turn = %+v, want a new one of the same job", v.Turn)
	}
}

func TestAnnouncingIsRepeated(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	if err := q.Engine().Inspector.DeleteTask("main.fetch", lanes.TaskID(lookAt(t, q, r.Fetch.Database).Turn)); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), testSweeper(q, lanes.Identity{ID: "w1", Boot: "1"})); err != nil {
		t.Fatal(err)
	}
	info, err := q.Engine().Inspector.GetQueueInfo("main.fetch")
	if err != nil || info.Pending != 1 {
		t.Errorf("queue = %+v, %v; want the task in it", info, err)
	}
}

func TestACancelledJobLeavesNoTask(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	first, second := mustSubmit(t, q, "x"), mustSubmit(t, q, "x")
	for _, r := range []jobs.Record{first, second} {
		if _, err := q.Cancel(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := q.Engine().Inspector.GetQueueInfo("main.fetch"); err != nil || info.Size != 0 {
		t.Errorf("queue = %+v, %v; want no task, though no worker has taken one", info, err)
	}
}

func TestFencesGrowThoughALaneIsForgotten(t *testing.T) {
	t.Parallel()
	q, c := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	before := lookAt(t, q, r.Fetch.Database).Turn
	if ttl := q.Engine().Redis.TTL(t.Context(), lanes.LaneKeys(before.Lane)[1]).Val(); ttl != -1 {
		t.Errorf("the holder lasts %v while the lane is held, want for ever", ttl)
	}
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if ttl := q.Engine().Redis.TTL(t.Context(), lanes.LaneKeys(before.Lane)[1]).Val(); ttl <= 0 {
		t.Errorf("the holder of a free lane lasts %v, want an end", ttl)
	}
	if err := q.Engine().Redis.Del(t.Context(), lanes.LaneKeys(before.Lane)[1]).Err(); err != nil {
		t.Fatal(err)
	}
	c.Turn(90 * 24 * time.Hour)
	r = mustSubmit(t, q, "x")
	if after := lookAt(t, q, r.Fetch.Database).Turn; after.Fence <= before.Fence {
		t.Errorf("fence = %d after %d, want a higher one", after.Fence, before.Fence)
	}
}

func TestEmptyLanesLeaveTheSweep(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), testSweeper(q, lanes.Identity{ID: "w1", Boot: "1"})); err != nil {
		t.Fatal(err)
	}
	if n := q.Engine().Redis.ZCard(t.Context(), lanes.LanesKey).Val(); n != 0 {
		t.Errorf("%d lanes are looked at, want none", n)
	}
}

func TestTheAuditFindsJobsThatNoLaneKnows(t *testing.T) {
	t.Parallel()
	for _, state := range []jobs.State{jobs.StateWaiting, jobs.StateRunning} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			q, c := fakeQueue(t)
			r := mustSubmit(t, q, "x")
			if state == jobs.StateRunning {
				beginAs(t, q, r, lanes.Identity{ID: "w1", Boot: "1"})
			}
			if err := q.Engine().Redis.Del(t.Context(), append(lanes.LaneKeys(r.Fetch.Database), lanes.LanesKey)...).Err(); err != nil {
				t.Fatal(err)
			}
			c.Turn(2 * auditAge)
			if err := audit(t.Context(), q.Engine()); err != nil {
				t.Fatal(err)
			}
			got, err := q.Job(t.Context(), r.ID)
			if v := lookAt(t, q, r.Fetch.Database); err != nil || got.State != jobs.StateQueued || v.Turn.Job != r.ID {
				t.Errorf("job is %s, %v, its lane holds %+v; want it queued", got.State, err, v)
			}
			if n := q.Engine().Redis.ZCard(t.Context(), lanes.LanesKey).Val(); n != 1 {
				t.Errorf("%d lanes are looked at, want one", n)
			}
		})
	}
}
