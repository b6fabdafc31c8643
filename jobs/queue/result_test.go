package queue_test

import (
	"bytes"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
)

// Records and results are deleted as configured.
func TestRetention(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		now := time.Now().Truncate(time.Millisecond)
		q, err := queue.New(t.Rdb, queue.Config{
			Retention: 2 * time.Hour, ResultRetention: 30 * time.Minute, Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		days := day.Range{From: day.New(2026, 11, 1), To: day.New(2026, 11, 2)}
		for _, tt := range []struct {
			index   string
			request jobs.Request
			want    time.Duration
		}{
			{"mixduck:{jobs}:expiry", jobs.Request{Fetch: jobs.Fetch{Project: "1", Database: "main/x.db", Table: "events", Days: days, Mode: jobs.ModeSync}}, 2 * time.Hour},
			{"mixduck:{jobs}:read:expiry", jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: "main/x.db", SQL: "SELECT 1", Format: jobs.FormatCSV}}, 30 * time.Minute},
		} {
			r, err := q.Submit(t.Context(), tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := q.Cancel(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			ends, err := t.Rdb.ZScore(t.Context(), tt.index, r.ID).Result()
			if want := now.Add(tt.want).UnixMilli(); err != nil || int64(ends) != want {
				t.Errorf("%s: the record ends at %d, %v; want %d", tt.index, int64(ends), err, want)
			}
			if err := q.StoreResult(t.Context(), r.ID, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if ttl := t.Rdb.TTL(t.Context(), "mixduck:{jobs}:result:"+r.ID).Val(); ttl <= 0 || ttl > 30*time.Minute {
				t.Errorf("the result is kept for %s, want 30m", ttl)
			}
		}
	})
}

// Small results are in Redis and are checked before the first byte.
func TestStoredResultsThatAreNotTheResult(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		want := []byte("a,b\n1,2\n3,4\n")
		r := jobstest.Found("", want)
		for _, content := range []string{"", "a,b\n1,2\n", "a,b\n1,2\n3,5\n", string(want) + "5,6\n"} {
			if err := t.Q.StoreResult(t.Context(), r.ID, []byte(content)); err != nil {
				t.Fatal(err)
			}
			if _, err := t.Q.OpenResult(t.Context(), r); fault.CodeOf(err) != fault.CodeFailed {
				t.Errorf("OpenResult() of %q = %v, want an error", content, err)
			}
		}
		if err := t.Q.StoreResult(t.Context(), r.ID, want); err != nil {
			t.Fatal(err)
		}
		if got, err := jobstest.ReadAll(t.Context(), t.Q, r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the result is %q, %v", got, err)
		}
	})
}
