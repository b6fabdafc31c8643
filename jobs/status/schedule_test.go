package status_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// roundTrips counts requests to Redis, with any number of commands.
type roundTrips struct{ n atomic.Int64 }

func (*roundTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *roundTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { r.n.Add(1); return next(ctx, cmd) }
}

func (r *roundTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { r.n.Add(1); return next(ctx, cmds) }
}

func TestReadSchedules(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		_, now := jobstest.TickAt(20)
		want := map[string]string{} // last job by schedule
		for i := range 6 {
			s := jobstest.Daily("s" + strconv.Itoa(i))
			if err := schedule.NewStore(t.Q).Add(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				continue // has made no job
			}
			_, job := jobstest.Fire(t, s.Name, 20)
			if want[s.Name] = job.ID; i == 1 { // its record is gone
				want[s.Name] = ""
				if err := t.Rdb.Del(t.Context(), lanes.RecordKey(job.ID)).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		states, err := schedule.NewStore(t.Q).List(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		states[5].Paused = true
		var trips roundTrips
		t.Rdb.AddHook(&trips)
		all, err := status.ReadSchedules(t.Context(), t.Q, states, now)
		if err != nil || len(all) != 6 {
			t.Fatalf("%d schedules, %v", len(all), err)
		}
		many := trips.n.Swap(0)
		one, err := status.ReadSchedule(t.Context(), t.Q, states[2], now)
		if err != nil || one.Last == nil || one.Last.ID != want["s2"] {
			t.Errorf("one schedule: %+v, %v", one.Last, err)
		}
		if few := trips.n.Load(); few == 0 || many != few {
			t.Errorf("%d round trips for six schedules, %d for one", many, few)
		}
		for i, s := range all {
			got := ""
			if s.Last != nil {
				got = s.Last.ID
			}
			if s.Name != states[i].Name || got != want[s.Name] || s.Next.IsZero() != s.Paused {
				t.Errorf("%s, want %s: last job %q, want %q; next run %s", s.Name, states[i].Name, got, want[s.Name], s.Next)
			}
		}
	})
}
