package queue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// submitMany submits n jobs, every third of them an edit, and cancels every fifth. The clock stands still for ten jobs
// at a time. It returns the IDs, newest first.
func submitMany(t jobstest.Rig, n int) (all, edits []string) {
	t.Helper()
	now := time.Now()
	q, err := queue.New(t.Rdb, queue.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if i%10 == 0 {
			now = now.Add(time.Millisecond)
		}
		request := jobs.Request{Fetch: jobstest.Fetch("x", "a")}
		if i%3 == 0 {
			request = jobs.Request{Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/x.db", Action: jobs.ActionCompact}}
		}
		r, err := q.Submit(t.Context(), request)
		if err == nil && i%5 == 0 {
			_, err = q.Cancel(t.Context(), r.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.ID)
		if r.Kind == jobs.KindEdit {
			edits = append(edits, r.ID)
		}
	}
	slices.Reverse(all)
	slices.Reverse(edits)
	return all, edits
}

func list(t jobstest.Rig, f queue.Filter) (ids []string) {
	t.Helper()
	found, err := t.Q.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids
}

// pages lists all jobs that match a filter, a few at a time.
func pages(t jobstest.Rig, f queue.Filter) (ids []string) {
	t.Helper()
	for {
		page := list(t, f)
		if len(page) > f.Limit {
			t.Fatalf("a page of %d jobs, want %d at most", len(page), f.Limit)
		}
		ids = append(ids, page...)
		if len(page) < f.Limit {
			return ids
		}
		f.Before = page[len(page)-1]
	}
}

func TestPagesHoldEachJobOnce(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		all, edits := submitMany(t, 120)
		cancelledEdits := slices.DeleteFunc(slices.Clone(edits), func(id string) bool {
			return jobstest.Job(t, t.Q, id).State != jobs.StateCancelled
		})
		for _, tt := range []struct {
			filter queue.Filter
			want   []string
		}{
			{queue.Filter{}, all},
			{queue.Filter{Database: "main/x.db"}, all},
			{queue.Filter{Kind: jobs.KindEdit}, edits},
			{queue.Filter{Kind: jobs.KindEdit, State: jobs.StateCancelled, Database: "main/x.db"}, cancelledEdits},
			{queue.Filter{Kind: jobs.KindQuery}, nil},
		} {
			for _, tt.filter.Limit = range []int{1, 7, 120, 500} {
				if diff := cmp.Diff(tt.want, pages(t, tt.filter), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("pages of %+v (-want +got):\n%s", tt.filter, diff)
				}
			}
		}
	})
}

func TestAPageBeginsAfterAJobThatIsGone(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		all, _ := submitMany(t, 12)
		if err := t.Q.Engine().Records.Forget(t.Context(), all[3], "", ""); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[4:], list(t, queue.Filter{Before: all[3]})); diff != "" {
			t.Errorf("jobs before one that is gone (-want +got):\n%s", diff)
		}
		if _, err := t.Q.List(t.Context(), queue.Filter{Before: "yesterday"}); fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("List() before no id of a job = %v, want a usage error", err)
		}
	})
}

// Versions without an index by kind may have written and deleted records.
func TestListByKindIsCompleteWithoutAnIndex(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		all, edits := submitMany(t, 30)
		index := lanes.KindKey(jobs.KindEdit)
		lose := func() {
			if err := t.Rdb.ZRem(t.Context(), index, edits[0], edits[4]).Err(); err != nil {
				t.Fatal(err)
			}
		}
		lose()
		if diff := cmp.Diff(edits, pages(t, queue.Filter{Kind: jobs.KindEdit, Limit: 3})); diff != "" {
			t.Errorf("edits without a complete index (-want +got):\n%s", diff)
		}
		jobstest.StartWorker(t, t.Q, worker.Config{}, func(ctx context.Context, _ *jobs.Attempt) error { <-ctx.Done(); return ctx.Err() })
		complete := func() bool {
			ok, err := t.Q.Engine().Records.KindsIndexed(t.Context())
			return err == nil && ok
		}
		jobstest.Eventually(t, "the index is complete again", complete)
		got, err := t.Rdb.ZRevRange(t.Context(), index, 0, -1).Result()
		if diff := cmp.Diff(edits, got); diff != "" || err != nil {
			t.Errorf("repaired index (-want +got):\n%s%v", diff, err)
		}
		if err := t.Q.Engine().Records.Forget(t.Context(), all[5], "", ""); err != nil || !complete() {
			t.Errorf("the index keeps a job that was deleted (%v)", err)
		}
	})
}
