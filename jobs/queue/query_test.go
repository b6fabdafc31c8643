package queue_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	questions "mixduck/internal/question"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// ask submits a query.
func ask(t jobstest.Rig, change func(*jobs.Query)) jobs.Record {
	t.Helper()
	query := jobs.Query{Database: "main/x.db", SQL: "SELECT 1", Format: jobs.FormatCSV}
	if change != nil {
		change(&query)
	}
	r, err := t.Q.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: query})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answering handles fetches, which run until their context ends, and queries.
func answering(t jobstest.Rig, cfg worker.Config, query jobstest.HandlerFunc) {
	t.Helper()
	cfg.ID, cfg.Volumes, cfg.DrainTimeout = "w1", []jobs.Volume{{Name: "main"}}, time.Millisecond
	handlers := map[jobs.Kind]jobs.Handler{
		jobs.KindFetch: jobstest.HandlerFunc(func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}),
		jobs.KindQuery: query,
	}
	jobstest.RunWorker(t, t.Q, handlers, cfg)
}

func TestQueriesRunBesideFetches(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		found := []byte("a,b\n1,2\n")
		answering(t, worker.Config{Concurrency: 1}, func(ctx context.Context, a *jobs.Attempt) error {
			if err := t.Q.StoreResult(ctx, a.Record.ID, found); err != nil {
				return err
			}
			a.SetResult(jobs.Result{Columns: []jobs.Column{{Name: "a", Type: "INTEGER"}}, Rows: 1, Bytes: int64(len(found))})
			return nil
		})
		writing := jobstest.Submit(t, t.Q, "x", "a")
		jobstest.AwaitState(t, t.Q, writing.ID, jobs.StateRunning)
		r := ask(t, nil)
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateDone)
		r = jobstest.Job(t, t.Q, r.ID)
		if r.Result == nil || r.Result.Rows != 1 {
			t.Fatalf("result = %+v", r.Result)
		}
		rows, err := t.Q.OpenResult(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(rows); err != nil || !bytes.Equal(got, found) {
			t.Errorf("rows = %q, %v, want %q", got, err, found)
		}
		if _, err := t.Q.OpenResult(t.Context(), jobstest.Job(t, t.Q, writing.ID)); !errors.Is(err, jobs.ErrNoResult) {
			t.Errorf("the result of a fetch: %v, want %v", err, jobs.ErrNoResult)
		}

		writes, err := t.Q.List(t.Context(), queue.Filter{})
		if err != nil || len(writes) != 1 || writes[0].ID != writing.ID {
			t.Errorf("List() = %d jobs, %v, want the fetch alone", len(writes), err)
		}
		reads, err := t.Q.List(t.Context(), queue.Filter{Kind: jobs.KindQuery, Database: "main/x.db"})
		if err != nil || len(reads) != 1 || reads[0].ID != r.ID {
			t.Errorf("List(queries) = %d jobs, %v, want the query alone", len(reads), err)
		}
		lanes, err := t.Q.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].Database != "main/x.db" {
			t.Errorf("Lanes() = %+v, %v, want that of the database alone", lanes, err)
		}
	})
}

// A worker answers queries of databases while Mixpanel takes its time over others, and the other way round.
func TestQueriesDoNotWaitForMixpanel(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		hold := jobstest.HandlerFunc(func(ctx context.Context, a *jobs.Attempt) error {
			if a.Record.Query.Limit == 1 {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
		jobstest.RunWorker(t, t.Q, map[jobs.Kind]jobs.Handler{jobs.KindQuery: hold, jobs.KindAsk: hold},
			worker.Config{ID: "w1", Volumes: []jobs.Volume{{Name: "main"}}, Queries: 1, DrainTimeout: time.Millisecond})
		for _, of := range []func(*jobs.Query){
			func(q *jobs.Query) {
				q.SQL, q.Ask = "", &jobs.Ask{Project: "1", Question: questions.Question{Name: "cohorts"}}
			},
			func(q *jobs.Query) { q.SQL, q.Verify = "", &jobs.Verify{Project: "1", Table: "events"} },
			func(q *jobs.Query) { q.SQL, q.Profiles, q.Format = "", &jobs.Profiles{Project: "1"}, jobs.FormatJSONL },
		} {
			slow := ask(t, of)
			jobstest.AwaitState(t, t.Q, slow.ID, jobs.StateRunning)
			behind := ask(t, func(q *jobs.Query) { of(q); q.Limit = 1 })
			jobstest.AwaitState(t, t.Q, ask(t, func(q *jobs.Query) { q.Limit = 1 }).ID, jobs.StateDone)
			if state := jobstest.Job(t, t.Q, behind.ID).State; state != jobs.StateQueued {
				t.Errorf("the next question is %s, want it queued: it has the same slots", state)
			}
			if _, err := t.Q.Cancel(t.Context(), slow.ID); err != nil {
				t.Fatal(err)
			}
			jobstest.AwaitState(t, t.Q, behind.ID, jobs.StateDone)
		}
		slow := ask(t, nil)
		jobstest.AwaitState(t, t.Q, slow.ID, jobs.StateRunning)
		asked := ask(t, func(q *jobs.Query) { q.SQL, q.Verify, q.Limit = "", &jobs.Verify{Project: "1", Table: "events"}, 1 })
		jobstest.AwaitState(t, t.Q, asked.ID, jobs.StateDone)

		for kind, want := range map[jobs.Kind]int{jobs.KindAsk: 7, jobs.KindQuery: 11, "": 0} {
			if all, err := t.Q.List(t.Context(), queue.Filter{Kind: kind}); err != nil || len(all) != want {
				t.Errorf("List(%q) = %d jobs, %v, want %d", kind, len(all), err, want)
			}
		}
	})
}

func TestQueriesEndWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		answering(t, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		attended := func(q *jobs.Query) { q.Attended = true }
		ctx, leave := context.WithCancel(t.Context())
		r := ask(t, attended)
		left := make(chan struct{})
		go func() {
			defer close(left)
			t.Q.Attend(ctx, r.ID)
		}()
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateRunning)
		alone := ask(t, nil)
		jobstest.AwaitState(t, t.Q, alone.ID, jobs.StateRunning)
		leave()
		<-left
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateCancelled)
		if state := jobstest.Job(t, t.Q, alone.ID).State; state != jobs.StateRunning {
			t.Errorf("the query that nobody attends is %s, want it running", state)
		}
		if _, err := t.Q.Cancel(t.Context(), alone.ID); err != nil {
			t.Fatal(err)
		}
		jobstest.AwaitState(t, t.Q, alone.ID, jobs.StateCancelled)
	})
}

// The process died after a recent marker, and its subscription is gone.
func TestQueriesEndWithTheSubscriptionOfTheirAsker(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		answering(t, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		attended := func(q *jobs.Query) { q.Attended = true }
		r, other := ask(t, attended), ask(t, attended)
		ctx, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() { t.Q.Attend(ctx, r.ID) })
		go t.Q.Attend(t.Context(), other.ID)
		for _, id := range []string{r.ID, other.ID} {
			jobstest.AwaitState(t, t.Q, id, jobs.StateRunning)
			jobstest.Eventually(t, "its asker is subscribed", func() bool { return subscribed(t, id) })
		}
		leave()
		asking.Wait()
		if err := t.Rdb.Persist(t.Context(), waiter(r.ID)).Err(); err != nil { // its last marker does not expire
			t.Fatal(err)
		}
		jobstest.AwaitState(t, t.Q, r.ID, jobs.StateCancelled)
		if state := jobstest.Job(t, t.Q, other.ID).State; state != jobs.StateRunning {
			t.Errorf("the query of another asker is %s, want it running", state)
		}
	})
}

// When Redis restarts it drops subscriptions, and the waiting clients come back.
func TestSubscriptionsThatComeBackKeepTheirQueries(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	r := jobstest.Rig{T: t, Rdb: rdb, Q: jobstest.NewQueue(t, rdb)}
	answering(r, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	asked := ask(r, func(q *jobs.Query) { q.Attended = true })
	go r.Q.Attend(t.Context(), asked.ID)
	jobstest.AwaitState(t, r.Q, asked.ID, jobs.StateRunning)
	for range 3 {
		jobstest.Eventually(t, "the asker is subscribed", func() bool { return subscribed(r, asked.ID) })
		if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
	}
	alone := ask(r, nil)
	jobstest.AwaitState(t, r.Q, alone.ID, jobs.StateRunning)
	if _, err := r.Q.Cancel(t.Context(), alone.ID); err != nil {
		t.Fatal(err)
	}
	jobstest.AwaitState(t, r.Q, alone.ID, jobs.StateCancelled)
	if state := jobstest.Job(t, r.Q, asked.ID).State; state != jobs.StateRunning {
		t.Errorf("the query is %s after its asker has come back, want it running", state)
	}
}

func waiter(id string) string { return "mixduck:{jobs}:waiter:" + id }

// subscribed reports whether the client that waits for a query is subscribed and has marked that.
func subscribed(t jobstest.Rig, id string) bool {
	t.Helper()
	n, err := t.Rdb.PubSubNumSub(t.Context(), waiter(id)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n[waiter(id)] > 0 && t.Rdb.Get(t.Context(), waiter(id)).Val() == "subscribed"
}

func TestSenselessQueriesAreRefused(t *testing.T) {
	t.Parallel()
	good := jobs.Query{Database: "main/x.db", SQL: "SELECT 1", Format: jobs.FormatRows}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*jobs.Query)
	}{
		{"nothing to ask", func(q *jobs.Query) { q.SQL = "" }},
		{"two things at once", func(q *jobs.Query) { q.Inspect = "tables" }},
		{"a comparison and a statement", func(q *jobs.Query) { q.Verify = &jobs.Verify{Project: "1", Table: "events"} }},
		{"a comparison without a project", func(q *jobs.Query) { q.SQL, q.Verify = "", &jobs.Verify{Table: "events"} }},
		{"a comparison without a table", func(q *jobs.Query) { q.SQL, q.Verify = "", &jobs.Verify{Project: "1"} }},
		{"a comparison of no days", func(q *jobs.Query) {
			q.SQL, q.Verify = "", &jobs.Verify{Project: "1", Table: "events", Days: day.Range{From: day.Earliest + 1, To: day.Earliest}}
		}},
		{"a database outside of a volume", func(q *jobs.Query) { q.Database = "main/../x.db" }},
		{"an unknown format", func(q *jobs.Query) { q.Format = "xml" }},
		{"a negative limit", func(q *jobs.Query) { q.Limit = -1 }},
		{"a timeout of days", func(q *jobs.Query) { q.Timeout = 25 * time.Hour }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := good
			tt.change(&q)
			if err := q.Validate(); fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Validate() = %v, want a usage error", err)
			}
		})
	}
}
