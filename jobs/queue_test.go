package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/jobs"
)

func TestSubmitReturnsTheRecord(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		f := fetch("x", "events")
		f.Events, f.Where, f.Force = []string{"A", "B"}, `properties["x"] == 1`, true
		r, err := t.q.Submit(t.Context(), jobs.Request{Fetch: f})
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
	onEach(t, func(t rig) {
		bad := fetch("x", "a")
		bad.Project = ""
		for _, r := range []jobs.Request{
			{Fetch: bad},
			{Fetch: fetch("x", "a"), MaxAttempts: -1},
			{Fetch: fetch("x", "a"), IfBusy: "panic"},
			{Fetch: fetch("x", "a"), Priority: "urgent"},
		} {
			if _, err := t.q.Submit(t.Context(), r); fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Submit(%+v) = %v, want a usage error", r, err)
			}
		}
		if all, err := t.q.List(t.Context(), jobs.Filter{}); err != nil || len(all) != 0 {
			t.Errorf("List() = %v, %v; want nothing", all, err)
		}
	})
}

func TestIfBusyFailNamesTheHolder(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		ask := jobs.Request{Fetch: fetch("x", "a"), IfBusy: jobs.IfBusyFail}
		holder, err := t.q.Submit(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		_, err = t.q.Submit(t.Context(), ask)
		busy, ok := errors.AsType[*jobs.BusyError](err)
		if !ok || busy.Holder != holder.ID || busy.Database != "main/x.db" || fault.CodeOf(err) != fault.CodeLocked {
			t.Errorf("Submit() = %v, want a BusyError that names %s", err, holder.ID)
		}
		if all, err := t.q.List(t.Context(), jobs.Filter{}); err != nil || len(all) != 1 {
			t.Errorf("List() = %v, %v; want the holder only", all, err)
		}
		if _, err := t.q.Submit(t.Context(), jobs.Request{Fetch: fetch("y", "a"), IfBusy: jobs.IfBusyFail}); err != nil {
			t.Errorf("another database: %v", err)
		}
	})
}

func TestUnknownJobs(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		const id = "01K00000000000000000000000"
		_, job := t.q.Job(t.Context(), id)
		_, cancel := t.q.Cancel(t.Context(), id)
		_, retry := t.q.Retry(t.Context(), id)
		for _, err := range []error{job, cancel, retry} {
			if !errors.Is(err, jobs.ErrNoJob) || fault.CodeOf(err) != fault.CodeNotFound {
				t.Errorf("err = %v, want ErrNoJob", err)
			}
		}
	})
}

func TestCancelBeforeAWorkerHasTheJob(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		queued, waiting, last := submit(t, t.q, "x", "a"), submit(t, t.q, "x", "b"), submit(t, t.q, "x", "c")
		for _, id := range []string{waiting.ID, queued.ID} {
			r, err := t.q.Cancel(t.Context(), id)
			if err != nil || r.State != jobs.StateCancelled || r.FinishedAt.IsZero() {
				t.Errorf("Cancel() = %+v, %v; want it cancelled", r, err)
			}
		}
		if r := job(t, t.q, last.ID); r.State != jobs.StateQueued {
			t.Errorf("the next job is %s, want queued", r.State)
		}
		var j journal
		startWorker(t, t.q, jobs.WorkerConfig{}, func(_ context.Context, a *jobs.Attempt) error {
			j.add("%s", a.Record.Fetch.Table)
			return nil
		})
		awaitState(t, t.q, last.ID, jobs.StateDone)
		if diff := cmp.Diff([]string{"c"}, j.all()); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if r, err := t.q.Cancel(t.Context(), last.ID); err != nil || r.State != jobs.StateDone {
			t.Errorf("Cancel() of a done job = %s, %v; want no change", r.State, err)
		}
	})
}

func TestCancelOfARunningJobStopsItsAttempt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		a, b := submit(t, t.q, "x", "a"), submit(t, t.q, "x", "b")
		cause := make(chan error, 1)
		startWorker(t, t.q, jobs.WorkerConfig{}, func(ctx context.Context, at *jobs.Attempt) error {
			if at.Record.Fetch.Table == "b" {
				return nil
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		})
		awaitState(t, t.q, a.ID, jobs.StateRunning)
		if r, err := t.q.Cancel(t.Context(), a.ID); err != nil || r.State != jobs.StateRunning {
			t.Errorf("Cancel() = %s, %v; want running until the handler has returned", r.State, err)
		}
		awaitState(t, t.q, a.ID, jobs.StateCancelled)
		if err := <-cause; !errors.Is(err, jobs.ErrCancelled) {
			t.Errorf("cause = %v, want ErrCancelled", err)
		}
		awaitState(t, t.q, b.ID, jobs.StateDone)
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
			onEach(t, func(t rig) {
				r := submit(t, t.q, "x", "a")
				startWorker(t, t.q, jobs.WorkerConfig{Backoff: jobs.Backoff{Base: time.Hour}}, func(context.Context, *jobs.Attempt) error {
					return tt.err
				})
				awaitState(t, t.q, r.ID, tt.state)
				if r, err := t.q.Cancel(t.Context(), r.ID); err != nil || r.State != jobs.StateCancelled || !r.RunAt.IsZero() {
					t.Errorf("Cancel() = %+v, %v; want it cancelled", r, err)
				}
			})
		})
	}
}

func TestRetryRunsAJobAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		failed, cancelled := submit(t, t.q, "x", "a"), submit(t, t.q, "y", "a")
		if _, err := t.q.Cancel(t.Context(), cancelled.ID); err != nil {
			t.Fatal(err)
		}
		var cured atomic.Bool
		startWorker(t, t.q, jobs.WorkerConfig{Concurrency: 1}, func(_ context.Context, a *jobs.Attempt) error {
			if !cured.Load() {
				a.Report(jobs.Progress{WindowsDone: 3})
				return jobs.Permanent(errors.New("no"))
			}
			return nil
		})
		first := awaitState(t, t.q, failed.ID, jobs.StateFailed)
		cured.Store(true)
		for _, id := range []string{failed.ID, cancelled.ID} {
			r, err := t.q.Retry(t.Context(), id)
			if err != nil || r.State == jobs.StateFailed || r.State == jobs.StateCancelled || r.Failure != nil {
				t.Errorf("Retry() = %+v, %v; want the job in its lane, with a clean record", r, err)
			}
			r = awaitState(t, t.q, id, jobs.StateDone)
			if r.Attempt != 1 || r.ID != id {
				t.Errorf("record = %+v, want the first attempt of the same job", r)
			}
			if _, err := t.q.Retry(t.Context(), id); !errors.Is(err, jobs.ErrNotRetryable) {
				t.Errorf("Retry() of a done job = %v, want ErrNotRetryable", err)
			}
		}
		r := job(t, t.q, failed.ID)
		if r.Progress.WindowsDone != 3 || r.WindowsBefore != 3 || r.AttemptAt.Before(r.StartedAt) || r.StartedAt.Before(first.FinishedAt) {
			t.Errorf("record = %+v, want the progress of the first run kept, and told from that of the second", r)
		}
	})
}

func TestListIsNewestFirst(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		x1, y1, x2 := submit(t, t.q, "x", "x1"), submit(t, t.q, "y", "y1"), submit(t, t.q, "x", "x2")
		other := fetch("y", "y2")
		other.Project = "other"
		y2, err := t.q.Submit(t.Context(), jobs.Request{Fetch: other})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := t.q.Cancel(t.Context(), y1.ID); err != nil {
			t.Fatal(err)
		}
		tests := []struct {
			filter jobs.Filter
			want   []string
		}{
			{jobs.Filter{}, []string{y2.ID, x2.ID, y1.ID, x1.ID}},
			{jobs.Filter{Limit: 2}, []string{y2.ID, x2.ID}},
			{jobs.Filter{State: jobs.StateCancelled}, []string{y1.ID}},
			{jobs.Filter{State: jobs.StateWaiting}, []string{x2.ID}},
			{jobs.Filter{Project: "demo"}, []string{x2.ID, y1.ID, x1.ID}},
			{jobs.Filter{Database: "main/y.db"}, []string{y2.ID, y1.ID}},
			{jobs.Filter{Database: "main/y.db", Project: "demo"}, []string{y1.ID}},
			{jobs.Filter{Database: "main/x.db", State: jobs.StateQueued, Project: "demo"}, []string{x1.ID}},
			{jobs.Filter{Project: "nobody"}, nil},
		}
		for _, tt := range tests {
			got, err := t.q.List(t.Context(), tt.filter)
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
	onEach(t, func(t rig) {
		now := time.Now()
		late, err := jobs.NewQueue(t.rdb, jobs.Config{Now: func() time.Time { return now.Add(91 * 24 * time.Hour) }})
		if err != nil {
			t.Fatal(err)
		}
		over, open := submit(t, t.q, "x", "a"), submit(t, t.q, "y", "a")
		if _, err := t.q.Cancel(t.Context(), over.ID); err != nil {
			t.Fatal(err)
		}
		block := func(ctx context.Context, _ *jobs.Attempt) error { <-ctx.Done(); return ctx.Err() }
		startWorker(t, late, jobs.WorkerConfig{}, block)
		eventually(t, "the record is gone", func() bool {
			_, err := t.q.Job(t.Context(), over.ID)
			return errors.Is(err, jobs.ErrNoJob)
		})
		got, err := t.q.List(t.Context(), jobs.Filter{Project: "demo"})
		if err != nil || len(got) != 1 || got[0].ID != open.ID {
			t.Errorf("List() = %v, %v; want the open job only", got, err)
		}
	})
}
