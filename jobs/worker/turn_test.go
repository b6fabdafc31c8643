package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
)

// A job that was cancelled just as its attempt ended does not run again.
func TestCancelledWhileTheAttemptEnds(t *testing.T) {
	t.Parallel()
	for _, state := range []jobs.State{jobs.StateRetrying, jobs.StatePaused, jobs.StateWaiting} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			q, c := fakeQueue(t)
			r := mustSubmit(t, q, "x")
			turn := lookAt(t, q, r.Lane()).Turn
			if e, err := q.Engine().Begin(t.Context(), turn, lanes.Identity{ID: "w", Boot: "1"}); err != nil || e == nil {
				t.Fatal(e, err)
			}
			if _, err := q.Cancel(t.Context(), r.ID); err != nil { // after the attempt's last check
				t.Fatal(err)
			}
			o := lanes.Outcome{State: state, RunAt: c.Now().Add(time.Minute), Failure: jobs.FailureOf(errors.New("no luck"), c.Now())}
			if err := q.Engine().Settle(t.Context(), turn, o, jobs.Progress{}); err != nil {
				t.Fatal(err)
			}
			got, err := q.Job(t.Context(), r.ID)
			if err != nil || got.State != jobs.StateCancelled {
				t.Errorf("the job is %s (%v), want %s", got.State, err, jobs.StateCancelled)
			}
			if left, err := q.Engine().Lanes.Occupants(t.Context(), r.Lane()); err != nil || len(left.Members()) > 0 {
				t.Errorf("its lane holds %v (%v), want nobody", left, err)
			}
		})
	}
}

// Deletions by the audit do not make it skip following entries.
func TestTheAuditSeesAllJobs(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}) // large pipelines need the buffers of a socket
	t.Cleanup(func() { rdb.Close() })
	q, err := queue.New(rdb, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	index := lanes.WriteScope.State(jobs.StateWaiting)
	for i := range 3 * auditPage {
		q.Engine().Redis.ZAdd(t.Context(), index, redis.Z{Score: float64(i), Member: fmt.Sprint("gone-", i)})
	}
	if err := audit(t.Context(), q.Engine()); err != nil {
		t.Fatal(err)
	}
	if n := q.Engine().Redis.ZCard(t.Context(), index).Val(); n != 0 {
		t.Errorf("%d jobs without a record are left in the index", n)
	}
}

func TestStaleAndForeignTasksDoNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		bodies := []string{`{"v":1,"job":"01K00000000000000000000000","lane":"main/x.db","fence":7}`, `{}`, `not json`}
		for _, body := range bodies {
			task := asynq.NewTask(lanes.TaskType(jobs.KindFetch), []byte(body))
			if _, err := q.Engine().Client.Enqueue(task, asynq.Queue("main.fetch")); err != nil {
				t.Fatal(err)
			}
		}
		stop := work(t, q, "w1", func(context.Context, *jobs.Attempt) error {
			t.Error("the handler ran")
			return nil
		})
		time.Sleep(time.Minute)
		stop()
		info, err := q.Engine().Inspector.GetQueueInfo("main.fetch")
		if err != nil || info.Size != 0 || info.Processed != len(bodies) {
			t.Errorf("queue = %+v, %v; want it empty", info, err)
		}
	})
}

// Older versions announce questions to Mixpanel like other queries, and only take those: nothing gets stuck between them
// and this one.
func TestQuestionsPassBetweenVersions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		question := jobs.Query{Database: "main/x.db", Format: jobs.FormatRows, Verify: &jobs.Verify{Project: "1", Table: "events"}}
		r, err := q.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: question})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 1)
		asks := testHandler(func(_ context.Context, a *jobs.Attempt) error { done <- a.Record.ID; return nil })
		queries := testHandler(func(context.Context, *jobs.Attempt) error {
			t.Error("the handler of other queries ran")
			return nil
		})
		stop := workOn(t, q, "w1", map[jobs.Kind]jobs.Handler{jobs.KindQuery: queries})
		time.Sleep(time.Minute)
		stop()
		if got, err := q.Job(t.Context(), r.ID); err != nil || got.State != jobs.StateQueued {
			t.Errorf("without a worker that can ask Mixpanel the question is %s (%v), want it queued", got.State, err)
		}
		tn := lookAt(t, q, r.Lane()).Turn
		if err := q.Engine().Inspector.DeleteTask("main.ask", lanes.TaskID(tn)); err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"v":%d,"job":%q,"lane":%q,"fence":%d}`, lanes.PayloadVersion, tn.Job, tn.Lane, tn.Fence)
		older := asynq.NewTask(lanes.TaskType(jobs.KindQuery), []byte(body))
		if _, err := q.Engine().Client.Enqueue(older, asynq.Queue("main.query"), asynq.TaskID(lanes.TaskID(tn))); err != nil {
			t.Fatal(err)
		}
		defer workOn(t, q, "w2", map[jobs.Kind]jobs.Handler{jobs.KindQuery: queries, jobs.KindAsk: asks})()
		if id := <-done; id != r.ID {
			t.Errorf("job %s ran, want %s", id, r.ID)
		}
	})
}

func TestAPayloadOfALaterVersionFailsItsJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, end := bubbleQueue(t)
		defer end()
		r := mustSubmit(t, q, "x")
		tn := lookAt(t, q, r.Fetch.Database).Turn
		if err := q.Engine().Inspector.DeleteTask("main.fetch", lanes.TaskID(tn)); err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"v":%d,"job":%q,"lane":%q,"fence":%d}`, lanes.PayloadVersion+1, tn.Job, tn.Lane, tn.Fence)
		later := asynq.NewTask(lanes.TaskType(jobs.KindFetch), []byte(body))
		if _, err := q.Engine().Client.Enqueue(later, asynq.Queue("main.fetch"), asynq.TaskID(lanes.TaskID(tn))); err != nil {
			t.Fatal(err)
		}
		stop := work(t, q, "w1", func(context.Context, *jobs.Attempt) error {
			t.Error("the handler ran")
			return nil
		})
		time.Sleep(10 * time.Second)
		stop()
		got, err := q.Job(t.Context(), r.ID)
		if err != nil || got.State != jobs.StateFailed || got.Failure.Code != fault.CodeFailed || !strings.Contains(got.Failure.Hint, "same version") {
			t.Errorf("record = %+v, %v; want it failed, with a hint", got, err)
		}
	})
}
