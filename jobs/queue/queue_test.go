package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

func TestSubmitReturnsTheRecord(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		f := jobstest.Fetch("x", "events")
		f.Events, f.Where, f.Force = []string{"A", "B"}, `properties["x"] == 1`, true
		r, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		want := jobs.Record{
			ID: r.ID, Kind: jobs.KindFetch, State: jobs.StateQueued, Priority: jobs.PriorityDefault, Project: f.Project, Database: f.Database, Fetch: f, MaxAttempts: 5,
			CreatedAt: r.CreatedAt, Unserved: true,
		}
		if diff := cmp.Diff(want, r); diff != "" || len(r.ID) != 26 || time.Since(r.CreatedAt).Abs() > time.Minute {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestSubmitRefusesSenselessRequests(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		bad := jobstest.Fetch("x", "a")
		bad.Project = ""
		for _, r := range []jobs.Request{
			{Fetch: bad},
			{Fetch: jobstest.Fetch("x", "a"), MaxAttempts: -1},
			{Fetch: jobstest.Fetch("x", "a"), IfBusy: "panic"},
			{Fetch: jobstest.Fetch("x", "a"), Priority: "urgent"},
		} {
			if _, err := t.Q.Submit(t.Context(), r); fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Submit(%+v) = %v, want a usage error", r, err)
			}
		}
		if all, err := t.Q.List(t.Context(), queue.Filter{}); err != nil || len(all) != 0 {
			t.Errorf("List() = %v, %v; want nothing", all, err)
		}
	})
}

func TestIfBusyFailNamesTheHolder(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		ask := jobs.Request{Fetch: jobstest.Fetch("x", "a"), IfBusy: jobs.IfBusyFail}
		holder, err := t.Q.Submit(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		_, err = t.Q.Submit(t.Context(), ask)
		busy, ok := errors.AsType[*jobs.BusyError](err)
		if !ok || busy.Holder != holder.ID || busy.Database != "main/x.db" || fault.CodeOf(err) != fault.CodeLocked {
			t.Errorf("Submit() = %v, want a BusyError that names %s", err, holder.ID)
		}
		if all, err := t.Q.List(t.Context(), queue.Filter{}); err != nil || len(all) != 1 {
			t.Errorf("List() = %v, %v; want the holder only", all, err)
		}
		if _, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: jobstest.Fetch("y", "a"), IfBusy: jobs.IfBusyFail}); err != nil {
			t.Errorf("another database: %v", err)
		}
	})
}

func TestUnknownJobs(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		const id = "01K00000000000000000000000"
		_, job := t.Q.Job(t.Context(), id)
		_, cancel := t.Q.Cancel(t.Context(), id)
		_, retry := t.Q.Retry(t.Context(), id)
		for _, err := range []error{job, cancel, retry} {
			if !errors.Is(err, jobs.ErrNoJob) || fault.CodeOf(err) != fault.CodeNotFound {
				t.Errorf("err = %v, want ErrNoJob", err)
			}
		}
	})
}

func TestCancelBeforeAWorkerHasTheJob(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		queued, waiting, last := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b"), jobstest.Submit(t, t.Q, "x", "c")
		for _, id := range []string{waiting.ID, queued.ID} {
			r, err := t.Q.Cancel(t.Context(), id)
			if err != nil || r.State != jobs.StateCancelled || r.FinishedAt.IsZero() {
				t.Errorf("Cancel() = %+v, %v; want it cancelled", r, err)
			}
		}
		if r := jobstest.Job(t, t.Q, last.ID); r.State != jobs.StateQueued {
			t.Errorf("the next job is %s, want queued", r.State)
		}
		var j jobstest.Journal
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(_ context.Context, a *jobs.Attempt) error {
			j.Add("%s", a.Record.Fetch.Table)
			return nil
		})
		jobstest.AwaitState(t, t.Q, last.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"c"}, j.All()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if r, err := t.Q.Cancel(t.Context(), last.ID); err != nil || r.State != jobs.StateDone {
			t.Errorf("Cancel() of a done job = %s, %v; want no change", r.State, err)
		}
	})
}

func TestCancelOfARunningJobStopsItsAttempt(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		a, b := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "x", "b")
		cause := make(chan error, 1)
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, at *jobs.Attempt) error {
			if at.Record.Fetch.Table == "b" {
				return nil
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		})
		jobstest.AwaitState(t, t.Q, a.ID, jobs.StateRunning)
		if r, err := t.Q.Cancel(t.Context(), a.ID); err != nil || r.State != jobs.StateRunning {
			t.Errorf("Cancel() = %s, %v; want running until the handler has returned", r.State, err)
		}
		jobstest.AwaitState(t, t.Q, a.ID, jobs.StateCancelled)
		if err := <-cause; !errors.Is(err, jobs.ErrCancelled) {
			t.Errorf("cause = %v, want ErrCancelled", err)
		}
		jobstest.AwaitState(t, t.Q, b.ID, jobs.StateDone)
	})
}

func TestCancelOfAJobThatIsAside(t *testing.T) {
	t.Parallel()
	far := time.Now().Add(time.Hour)
	tests := []struct {
		name  string
		err   error
		state jobs.State
	}{
		{"paused", jobs.PauseUntil(far, errors.New("budget")), jobs.StatePaused},
		{"retrying", errors.New("no luck"), jobs.StateRetrying},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			jobstest.OnEach(t, func(t jobstest.Rig) {
				r := jobstest.Submit(t, t.Q, "x", "a")
				jobstest.StartWorker(t, t.Q, worker.Config{Backoff: worker.Backoff{Base: time.Hour}}, func(context.Context, *jobs.Attempt) error {
					return tt.err
				})
				jobstest.AwaitState(t, t.Q, r.ID, tt.state)
				if r, err := t.Q.Cancel(t.Context(), r.ID); err != nil || r.State != jobs.StateCancelled || !r.RunAt.IsZero() {
					t.Errorf("Cancel() = %+v, %v; want it cancelled", r, err)
				}
			})
		})
	}
}

func TestRetryRunsAJobAgain(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		failed, cancelled := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "y", "a")
		if _, err := t.Q.Cancel(t.Context(), cancelled.ID); err != nil {
			t.Fatal(err)
		}
		var cured atomic.Bool
		jobstest.StartWorker(t, t.Q, worker.Config{Concurrency: 1}, func(_ context.Context, a *jobs.Attempt) error {
			if !cured.Load() {
				a.Report(jobs.Progress{WindowsDone: 3})
				return jobs.Permanent(errors.New("no"))
			}
			return nil
		})
		first := jobstest.AwaitState(t, t.Q, failed.ID, jobs.StateFailed)
		cured.Store(true)
		for _, id := range []string{failed.ID, cancelled.ID} {
			r, err := t.Q.Retry(t.Context(), id)
			if err != nil || r.State == jobs.StateFailed || r.State == jobs.StateCancelled || r.Failure != nil {
				t.Errorf("Retry() = %+v, %v; want the job in its lane, with a clean record", r, err)
			}
			r = jobstest.AwaitState(t, t.Q, id, jobs.StateDone)
			if r.Attempt != 1 || r.ID != id {
				t.Errorf("record = %+v, want the first attempt of the same job", r)
			}
			if _, err := t.Q.Retry(t.Context(), id); !errors.Is(err, jobs.ErrNotRetryable) {
				t.Errorf("Retry() of a done job = %v, want ErrNotRetryable", err)
			}
		}
		r := jobstest.Job(t, t.Q, failed.ID)
		if r.Progress.WindowsDone != 3 || r.WindowsBefore != 3 || r.AttemptAt.Before(r.StartedAt) || r.StartedAt.Before(first.FinishedAt) {
			t.Errorf("record = %+v, want the progress of the first run kept, and told from that of the second", r)
		}
	})
}

func TestListIsNewestFirst(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		x1, y1, x2 := jobstest.Submit(t, t.Q, "x", "x1"), jobstest.Submit(t, t.Q, "y", "y1"), jobstest.Submit(t, t.Q, "x", "x2")
		other := jobstest.Fetch("y", "y2")
		other.Project = "other"
		y2, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: other})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := t.Q.Cancel(t.Context(), y1.ID); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			filter queue.Filter
			want   []string
		}{
			{queue.Filter{}, []string{y2.ID, x2.ID, y1.ID, x1.ID}},
			{queue.Filter{Limit: 2}, []string{y2.ID, x2.ID}},
			{queue.Filter{State: jobs.StateCancelled}, []string{y1.ID}},
			{queue.Filter{State: jobs.StateWaiting}, []string{x2.ID}},
			{queue.Filter{Project: "demo"}, []string{x2.ID, y1.ID, x1.ID}},
			{queue.Filter{Database: "main/y.db"}, []string{y2.ID, y1.ID}},
			{queue.Filter{Database: "main/y.db", Project: "demo"}, []string{y1.ID}},
			{queue.Filter{Database: "main/x.db", State: jobs.StateQueued, Project: "demo"}, []string{x1.ID}},
			{queue.Filter{Project: "nobody"}, nil},
		}
		for _, tt := range tests {
			got, err := t.Q.List(t.Context(), tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, r := range got {
				ids = append(ids, r.ID)
			}
			if diff := cmp.Diff(tt.want, ids); diff != "" {
				t.Errorf("List(%+v) (-want +got):\n%s", tt.filter, diff)
			}
		}
	})
}

func TestRecordsGoWhenTheirRetentionEnds(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		now := time.Now()
		late, err := queue.New(t.Rdb, queue.Config{Now: func() time.Time { return now.Add(91 * 24 * time.Hour) }})
		if err != nil {
			t.Fatal(err)
		}
		over, open := jobstest.Submit(t, t.Q, "x", "a"), jobstest.Submit(t, t.Q, "y", "a")
		if _, err := t.Q.Cancel(t.Context(), over.ID); err != nil {
			t.Fatal(err)
		}
		block := func(ctx context.Context, _ *jobs.Attempt) error { <-ctx.Done(); return ctx.Err() }
		jobstest.StartWorker(t, late, worker.Config{}, block)
		jobstest.Eventually(t, "the record is gone", func() bool {
			_, err := t.Q.Job(t.Context(), over.ID)
			return errors.Is(err, jobs.ErrNoJob)
		})
		got, err := t.Q.List(t.Context(), queue.Filter{Project: "demo"})
		if err != nil || len(got) != 1 || got[0].ID != open.ID {
			t.Errorf("List() = %v, %v; want the open job only", got, err)
		}
	})
}
