package jobs_test

import (
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// Records and results go when the settings say.
func TestRetention(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		now := time.Now().Truncate(time.Millisecond)
		q, err := jobs.NewQueue(t.rdb, jobs.Config{
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
			ends, err := t.rdb.ZScore(t.Context(), tt.index, r.ID).Result()
			if want := now.Add(tt.want).UnixMilli(); err != nil || int64(ends) != want {
				t.Errorf("%s: the record ends at %d, %v; want %d", tt.index, int64(ends), err, want)
			}
			if err := q.StoreResult(t.Context(), r.ID, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if ttl := t.rdb.TTL(t.Context(), "mixduck:{jobs}:result:"+r.ID).Val(); ttl <= 0 || ttl > 30*time.Minute {
				t.Errorf("the result is kept for %s, want 30m", ttl)
			}
		}
	})
}
