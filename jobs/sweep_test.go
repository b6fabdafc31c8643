package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"

	"mixduck/internal/fault"
)

type testHandler func(ctx context.Context, a *Attempt) error

func (f testHandler) Run(ctx context.Context, a *Attempt) error { return f(ctx, a) }

// bubbleQueue returns a queue for a test in a synctest bubble. Calling stop ends it; before, no worker may be left.
func bubbleQueue(t *testing.T) (q *Queue, stop func()) {
	t.Helper()
	mini := miniredis.NewMiniRedis()
	rdb := piped(t, mini)
	q, err := NewQueue(rdb, Config{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-tick.C:
				mini.FastForward(time.Second)
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	return q, func() {
		close(done)
		rdb.Close()
		mini.Close()
	}
}

// work runs a worker until the returned function is called.
func work(t *testing.T, q *Queue, id string, h testHandler) (stop func()) {
	t.Helper()
	w, err := NewWorker(q, map[Kind]Handler{KindFetch: h}, WorkerConfig{ID: id, Volumes: []Volume{{Name: "main"}}}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != nil {
			t.Errorf("Run() = %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// beginAs begins the turn of a job that was just submitted, as a worker that is not there.
func beginAs(t *testing.T, q *Queue, r Record, w identity) turn {
	t.Helper()
	tn := lookAt(t, q, r.Fetch.Database).turn
	if e, err := q.begin(t.Context(), tn, w); err != nil || e == nil {
		t.Fatalf("begin() = %v, %v", e, err)
	}
	return tn
}

func TestJobsOfAnEarlierRunStartAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		old := beginAs(t, q, r, identity{id: "w1", boot: "old"})
		started := time.Now()
		began := make(chan *Attempt, 1)
		defer work(t, q, "w1", func(_ context.Context, a *Attempt) error { began <- a; return nil })()
		a := <-began
		if took := time.Since(started); took > time.Second || a.Record.Attempt != 1 || a.Fence <= old.fence {
			t.Errorf("attempt %d under fence %d after %v; want the first, above %d, at once", a.Record.Attempt, a.Fence, took, old.fence)
		}
	})
}

func TestJobsOfADeadWorkerStartWhenItsHeartbeatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		dead := identity{id: "dead", boot: "1"}
		if err := q.beat(t.Context(), WorkerInfo{ID: dead.id, Volumes: []Volume{{Name: "main"}}, boot: dead.boot}); err != nil {
			t.Fatal(err)
		}
		beginAs(t, q, mustSubmit(t, q, "x"), dead)
		started := time.Now()
		began := make(chan *Attempt, 1)
		defer work(t, q, "w1", func(_ context.Context, a *Attempt) error { began <- a; return nil })()
		a := <-began
		if took := time.Since(started); took < beatLasts || took > 40*time.Second || a.Record.Attempt != 1 {
			t.Errorf("attempt %d after %v; want the first, soon after %v", a.Record.Attempt, took, beatLasts)
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
		stopFirst := work(t, q, "w1", func(ctx context.Context, _ *Attempt) error {
			runs++
			<-release
			return context.Cause(ctx)
		})
		stopSecond := work(t, q, "w2", func(context.Context, *Attempt) error { return nil })
		time.Sleep(150 * time.Second) // longer than a lease of Asynq and the rounds of its recoverer
		close(release)
		stopFirst()
		stopSecond()
		got, err := q.Job(t.Context(), r.ID)
		if err != nil || got.State != StateDone || runs > 1 || got.Attempt != 1 {
			t.Errorf("job is %s after %d runs in attempt %d, %v; want done in one", got.State, runs, got.Attempt, err)
		}
	})
}

func TestAJobWhoseWorkersKeepDyingFails(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	for n := range defaultMaxCrashes {
		if e, err := q.records.load(t.Context(), r.ID); err != nil || e.State != StateQueued {
			t.Fatalf("after %d crashes the job is %s, %v; want it queued", n, e.State, err)
		}
		tn := beginAs(t, q, r, identity{id: "w1", boot: "1"})
		if err := q.rescue(t.Context(), tn); err != nil {
			t.Fatal(err)
		}
	}
	got, err := q.Job(t.Context(), r.ID)
	if err != nil || got.State != StateFailed || got.Attempt != 0 || got.Failure == nil || got.Failure.Hint == "" {
		t.Errorf("record = %+v, %v; want it failed, with a hint, in no attempt", got, err)
	}
}

func TestProgressForgivesCrashes(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	for n := range 2 * defaultMaxCrashes {
		tn := beginAs(t, q, r, identity{id: "w1", boot: "1"})
		before := Progress{WindowsDone: n}
		if _, lost, err := q.check(t.Context(), tn, before, &Progress{WindowsDone: n + 1}); err != nil || lost {
			t.Fatalf("check() = %v, %v", lost, err)
		}
		if err := q.rescue(t.Context(), tn); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != StateQueued {
		t.Errorf("job is %s, %v; want it queued", got.State, err)
	}
}

func TestCancelOfARunningJobOutlivesItsWorker(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, identity{id: "w1", boot: "1"})
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.rescue(t.Context(), tn); err != nil {
		t.Fatal(err)
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != StateCancelled {
		t.Errorf("job is %s, %v; want cancelled", got.State, err)
	}
}

func TestRetryWhileTheLastRunIsBeingSettled(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, identity{id: "w1", boot: "1"})
	// The record has been settled, the lane has not.
	m, err := outcome{state: StateCancelled}.move(tn, Progress{})
	if err != nil {
		t.Fatal(err)
	}
	e, moved, err := q.records.move(t.Context(), r.ID, m)
	if err != nil || !moved {
		t.Fatalf("move() = %v, %v", moved, err)
	}
	if _, err := q.Retry(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := q.pass(t.Context(), tn, e); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.lane); v.turn.job != r.ID || v.turn.fence <= tn.fence {
		t.Errorf("turn = %+v, want a new one of the same job", v.turn)
	}
}

func TestSettlingATurnThatIsOver(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := beginAs(t, q, r, identity{id: "w1", boot: "1"})
	if err := q.rescue(t.Context(), tn); err != nil {
		t.Fatal(err)
	}
	if err := q.settle(t.Context(), tn, outcome{state: StateDone}, Progress{}); !errors.Is(err, ErrLaneLost) {
		t.Errorf("settle() = %v, want ErrLaneLost", err)
	}
	if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != StateQueued {
		t.Errorf("job is %s, %v; want it queued for another run", got.State, err)
	}
}

func TestATaskThatNobodyHasIsReplaced(t *testing.T) {
	t.Parallel()
	q, c := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	tn := lookAt(t, q, r.Fetch.Database).turn
	s := testSweeper(q, identity{id: "w1", boot: "1"})
	c.turn(time.Minute)
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.lane); v.turn != tn {
		t.Errorf("turn = %+v, want %+v as long as its task is pending", v.turn, tn)
	}
	// A process took the task and died before it began the turn.
	if err := q.rdb.HSet(t.Context(), "asynq:{main.fetch}:t:"+taskID(tn), "state", "active").Err(); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if v := lookAt(t, q, tn.lane); v.turn.job != r.ID || v.turn.fence <= tn.fence {
		t.Errorf("turn = %+v, want a new one of the same job", v.turn)
	}
}

func TestAnnouncingIsRepeated(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	if err := q.inspector.DeleteTask("main.fetch", taskID(lookAt(t, q, r.Fetch.Database).turn)); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), testSweeper(q, identity{id: "w1", boot: "1"})); err != nil {
		t.Fatal(err)
	}
	info, err := q.inspector.GetQueueInfo("main.fetch")
	if err != nil || info.Pending != 1 {
		t.Errorf("queue = %+v, %v; want the task in it", info, err)
	}
}

func TestACancelledJobLeavesNoTask(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	first, second := mustSubmit(t, q, "x"), mustSubmit(t, q, "x")
	for _, r := range []Record{first, second} {
		if _, err := q.Cancel(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := q.inspector.GetQueueInfo("main.fetch"); err != nil || info.Size != 0 {
		t.Errorf("queue = %+v, %v; want no task, though no worker has taken one", info, err)
	}
}

func TestFencesGrowThoughALaneIsForgotten(t *testing.T) {
	t.Parallel()
	q, c := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	before := lookAt(t, q, r.Fetch.Database).turn
	if ttl := q.rdb.TTL(t.Context(), laneKeys(before.lane)[1]).Val(); ttl != -1 {
		t.Errorf("the holder lasts %v while the lane is held, want for ever", ttl)
	}
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if ttl := q.rdb.TTL(t.Context(), laneKeys(before.lane)[1]).Val(); ttl <= 0 {
		t.Errorf("the holder of a free lane lasts %v, want an end", ttl)
	}
	if err := q.rdb.Del(t.Context(), laneKeys(before.lane)[1]).Err(); err != nil {
		t.Fatal(err)
	}
	c.turn(90 * 24 * time.Hour)
	r = mustSubmit(t, q, "x")
	if after := lookAt(t, q, r.Fetch.Database).turn; after.fence <= before.fence {
		t.Errorf("fence = %d after %d, want a higher one", after.fence, before.fence)
	}
}

func TestEmptyLanesLeaveTheSweep(t *testing.T) {
	t.Parallel()
	q, _ := fakeQueue(t)
	r := mustSubmit(t, q, "x")
	if _, err := q.Cancel(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := sweepAll(t.Context(), testSweeper(q, identity{id: "w1", boot: "1"})); err != nil {
		t.Fatal(err)
	}
	if n := q.rdb.ZCard(t.Context(), lanesKey).Val(); n != 0 {
		t.Errorf("%d lanes are looked at, want none", n)
	}
}

func TestTheAuditFindsJobsThatNoLaneKnows(t *testing.T) {
	t.Parallel()
	for _, state := range []State{StateWaiting, StateRunning} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			q, c := fakeQueue(t)
			r := mustSubmit(t, q, "x")
			if state == StateRunning {
				beginAs(t, q, r, identity{id: "w1", boot: "1"})
			}
			if err := q.rdb.Del(t.Context(), append(laneKeys(r.Fetch.Database), lanesKey)...).Err(); err != nil {
				t.Fatal(err)
			}
			c.turn(2 * auditAge)
			if err := q.audit(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := q.Job(t.Context(), r.ID)
			if v := lookAt(t, q, r.Fetch.Database); err != nil || got.State != StateQueued || v.turn.job != r.ID {
				t.Errorf("job is %s, %v, its lane holds %+v; want it queued", got.State, err, v)
			}
			if n := q.rdb.ZCard(t.Context(), lanesKey).Val(); n != 1 {
				t.Errorf("%d lanes are looked at, want one", n)
			}
		})
	}
}

func TestStaleAndForeignTasksDoNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		bodies := []string{`{"v":1,"job":"01K00000000000000000000000","lane":"main/x.db","fence":7}`, `{}`, `not json`}
		for _, body := range bodies {
			task := asynq.NewTask(taskType(KindFetch), []byte(body))
			if _, err := q.client.Enqueue(task, asynq.Queue("main.fetch")); err != nil {
				t.Fatal(err)
			}
		}
		stop := work(t, q, "w1", func(context.Context, *Attempt) error {
			t.Error("the handler ran")
			return nil
		})
		time.Sleep(time.Minute)
		stop()
		info, err := q.inspector.GetQueueInfo("main.fetch")
		if err != nil || info.Size != 0 || info.Processed != len(bodies) {
			t.Errorf("queue = %+v, %v; want it empty", info, err)
		}
	})
}

func TestAPayloadOfALaterVersionFailsItsJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		tn := lookAt(t, q, r.Fetch.Database).turn
		if err := q.inspector.DeleteTask("main.fetch", taskID(tn)); err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"v":%d,"job":%q,"lane":%q,"fence":%d}`, payloadVersion+1, tn.job, tn.lane, tn.fence)
		later := asynq.NewTask(taskType(KindFetch), []byte(body))
		if _, err := q.client.Enqueue(later, asynq.Queue("main.fetch"), asynq.TaskID(taskID(tn))); err != nil {
			t.Fatal(err)
		}
		stop := work(t, q, "w1", func(context.Context, *Attempt) error {
			t.Error("the handler ran")
			return nil
		})
		time.Sleep(10 * time.Second)
		stop()
		got, err := q.Job(t.Context(), r.ID)
		if err != nil || got.State != StateFailed || got.Failure.Code != fault.CodeFailed || !strings.Contains(got.Failure.Hint, "same version") {
			t.Errorf("record = %+v, %v; want it failed, with a hint", got, err)
		}
	})
}
