package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	"mixduck/jobs"
)

// ask submits a query.
func ask(t rig, change func(*jobs.Query)) jobs.Record {
	t.Helper()
	query := jobs.Query{Database: "main/x.db", SQL: "SELECT 1", Format: jobs.FormatCSV}
	if change != nil {
		change(&query)
	}
	r, err := t.q.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: query})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answering handles fetches, which do not end before their context, and queries.
func answering(t rig, cfg jobs.WorkerConfig, query handlerFunc) {
	t.Helper()
	cfg.ID, cfg.Volumes, cfg.DrainTimeout = "w1", []jobs.Volume{{Name: "main"}}, time.Millisecond
	handlers := map[jobs.Kind]jobs.Handler{
		jobs.KindFetch: handlerFunc(func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}),
		jobs.KindQuery: query,
	}
	runWorker(t, t.q, handlers, cfg)
}

func TestQueriesRunBesideFetches(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		found := []byte("a,b\n1,2\n")
		answering(t, jobs.WorkerConfig{Concurrency: 1}, func(ctx context.Context, a *jobs.Attempt) error {
			if err := t.q.StoreResult(ctx, a.Record.ID, found); err != nil {
				return err
			}
			a.SetResult(jobs.Result{Columns: []jobs.Column{{Name: "a", Type: "INTEGER"}}, Rows: 1, Bytes: int64(len(found))})
			return nil
		})
		writing := submit(t, t.q, "x", "a")
		awaitState(t, t.q, writing.ID, jobs.StateRunning)
		r := ask(t, nil)
		awaitState(t, t.q, r.ID, jobs.StateDone)
		r = job(t, t.q, r.ID)
		if r.Result == nil || r.Result.Rows != 1 {
			t.Fatalf("result = %+v", r.Result)
		}
		rows, err := t.q.OpenResult(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(rows); err != nil || !bytes.Equal(got, found) {
			t.Errorf("rows = %q, %v, want %q", got, err, found)
		}
		if _, err := t.q.OpenResult(t.Context(), job(t, t.q, writing.ID)); !errors.Is(err, jobs.ErrNoResult) {
			t.Errorf("the result of a fetch: %v, want %v", err, jobs.ErrNoResult)
		}

		writes, err := t.q.List(t.Context(), jobs.Filter{})
		if err != nil || len(writes) != 1 || writes[0].ID != writing.ID {
			t.Errorf("List() = %d jobs, %v, want the fetch alone", len(writes), err)
		}
		reads, err := t.q.List(t.Context(), jobs.Filter{Kind: jobs.KindQuery, Database: "main/x.db"})
		if err != nil || len(reads) != 1 || reads[0].ID != r.ID {
			t.Errorf("List(queries) = %d jobs, %v, want the query alone", len(reads), err)
		}
		lanes, err := t.q.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].Database != "main/x.db" {
			t.Errorf("Lanes() = %+v, %v, want that of the database alone", lanes, err)
		}
	})
}

func TestQueriesEndWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		answering(t, jobs.WorkerConfig{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		attended := func(q *jobs.Query) { q.Attended = true }
		ctx, leave := context.WithCancel(t.Context())
		r := ask(t, attended)
		left := make(chan struct{})
		go func() {
			defer close(left)
			t.q.Attend(ctx, r.ID)
		}()
		awaitState(t, t.q, r.ID, jobs.StateRunning)
		alone := ask(t, nil)
		awaitState(t, t.q, alone.ID, jobs.StateRunning)
		leave()
		<-left
		awaitState(t, t.q, r.ID, jobs.StateCancelled)
		if state := job(t, t.q, alone.ID).State; state != jobs.StateRunning {
			t.Errorf("the query that nobody attends is %s, want it running", state)
		}
		if _, err := t.q.Cancel(t.Context(), alone.ID); err != nil {
			t.Fatal(err)
		}
		awaitState(t, t.q, alone.ID, jobs.StateCancelled)
	})
}

// Whose process dies has said a moment ago that he waits, but is subscribed no more.
func TestQueriesEndWithTheSubscriptionOfTheirAsker(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		answering(t, jobs.WorkerConfig{}, func(ctx context.Context, _ *jobs.Attempt) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		attended := func(q *jobs.Query) { q.Attended = true }
		r, other := ask(t, attended), ask(t, attended)
		ctx, leave := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() { t.q.Attend(ctx, r.ID) })
		go t.q.Attend(t.Context(), other.ID)
		for _, id := range []string{r.ID, other.ID} {
			awaitState(t, t.q, id, jobs.StateRunning)
			eventually(t, "its asker is subscribed", func() bool { return subscribed(t, id) })
		}
		leave()
		asking.Wait()
		if err := t.rdb.Persist(t.Context(), waiter(r.ID)).Err(); err != nil { // his last word lasts
			t.Fatal(err)
		}
		awaitState(t, t.q, r.ID, jobs.StateCancelled)
		if state := job(t, t.q, other.ID).State; state != jobs.StateRunning {
			t.Errorf("the query of another asker is %s, want it running", state)
		}
	})
}

// Redis drops subscriptions when it is started anew, and those who wait come back.
func TestSubscriptionsThatComeBackKeepTheirQueries(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	r := rig{T: t, rdb: rdb, q: newQueue(t, rdb)}
	answering(r, jobs.WorkerConfig{}, func(ctx context.Context, _ *jobs.Attempt) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	asked := ask(r, func(q *jobs.Query) { q.Attended = true })
	go r.q.Attend(t.Context(), asked.ID)
	awaitState(t, r.q, asked.ID, jobs.StateRunning)
	for range 3 {
		eventually(t, "the asker is subscribed", func() bool { return subscribed(r, asked.ID) })
		if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
			t.Fatal(err)
		}
	}
	alone := ask(r, nil)
	awaitState(t, r.q, alone.ID, jobs.StateRunning)
	if _, err := r.q.Cancel(t.Context(), alone.ID); err != nil {
		t.Fatal(err)
	}
	awaitState(t, r.q, alone.ID, jobs.StateCancelled)
	if state := job(t, r.q, asked.ID).State; state != jobs.StateRunning {
		t.Errorf("the query is %s after its asker has come back, want it running", state)
	}
}

func waiter(id string) string { return "mixduck:{jobs}:waiter:" + id }

// subscribed reports whether who waits for a query is, and has said so.
func subscribed(t rig, id string) bool {
	t.Helper()
	n, err := t.rdb.PubSubNumSub(t.Context(), waiter(id)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n[waiter(id)] > 0 && t.rdb.Get(t.Context(), waiter(id)).Val() == "subscribed"
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

func TestEditsStandInTheLane(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		fetching := submit(t, t.q, "x", "a")
		edit, err := t.q.Submit(t.Context(), jobs.Request{
			Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/x.db", Action: jobs.ActionDrop, Table: "events"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if edit.State != jobs.StateWaiting || edit.Behind != fetching.ID {
			t.Errorf("the edit is %s behind %q, want it waiting behind %s", edit.State, edit.Behind, fetching.ID)
		}
		_, err = t.q.Submit(t.Context(), jobs.Request{Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/x.db", Action: "burn"}})
		if fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("an unknown action: %v, want a usage error", err)
		}
		joined, err := t.q.Submit(t.Context(), jobs.Request{Fetch: fetching.Fetch, IfBusy: jobs.IfBusyJoin})
		if err != nil || joined.Joined {
			t.Errorf("a fetch joined one whose rows an edit may take away: %+v, %v", joined, err)
		}
	})
}
