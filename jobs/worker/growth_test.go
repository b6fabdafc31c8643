package worker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/queue"
	"mixduck/jobs/worker"
)

// keysByKind counts the keys in Redis by purpose.
func keysByKind(t jobstest.Rig) map[string]int {
	t.Helper()
	kinds := map[string]int{}
	for _, key := range t.Rdb.Keys(t.Context(), "*").Val() {
		kind := key
		for _, prefix := range []string{"mixduck:{lane:", "mixduck:{jobs}:rec:", "mixduck:{jobs}:attempts:", "mixduck:{jobs}:database:", "mixduck:{jobs}:", "asynq:"} {
			if strings.HasPrefix(key, prefix) {
				kind = prefix
				break
			}
		}
		kinds[kind]++
	}
	return kinds
}

func TestNothingGrowsWithoutBound(t *testing.T) {
	t.Parallel()
	s := proctest.NewRedis(t)
	rdb := s.Client(t)
	lanes, each := 25, 16 // enough jobs that keys left behind by each would exceed the bounds below
	if proctest.Soak() {
		lanes, each = 250, 40
	}
	tt := jobstest.Rig{T: t, Rdb: rdb, Q: jobstest.NewQueue(t, rdb)}
	var left sync.WaitGroup
	work := jobstest.StartWorker(t, tt.Q, worker.Config{Concurrency: 32}, func(_ context.Context, a *jobs.Attempt) error {
		if a.Record.Fetch.Table == "retried" && a.Record.Attempt == 1 {
			return errors.New("no luck")
		}
		left.Done()
		return nil
	})
	var all sync.WaitGroup
	for part := range 8 {
		all.Go(func() {
			for i := part; i < lanes*each; i += 8 {
				request := jobs.Request{Fetch: jobstest.Fetch(fmt.Sprintf("l%d", i%lanes), "events"), Priority: jobs.PriorityDefault}
				switch i % 10 {
				case 0:
					request.Fetch.Table = "retried"
				case 1:
					request.Priority = jobs.PriorityLow
				case 2:
					request.Fetch.Database = "nowhere/" + fmt.Sprintf("l%d.db", i%lanes) // served by no worker
				}
				left.Add(1)
				r, err := tt.Q.Submit(t.Context(), request)
				if err == nil && i%10 == 2 {
					left.Done()
					_, err = tt.Q.Cancel(t.Context(), r.ID)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	left.Wait()
	open := queue.Filter{State: jobs.StateRunning}
	jobstest.Eventually(t, "the last jobs are settled", func() bool {
		running, err := tt.Q.List(t.Context(), open)
		return err == nil && len(running) == 0
	})
	work.Stop()

	// One holder per database, one record and one log of attempts per job, and indexes.
	kinds := keysByKind(tt)
	if kinds["mixduck:{jobs}:rec:"] != lanes*each || kinds["mixduck:{jobs}:attempts:"] > lanes*each || kinds["mixduck:{lane:"] > 2*lanes || kinds["mixduck:{jobs}:database:"] > 2*lanes {
		t.Errorf("keys = %v after %d jobs in %d lanes", kinds, lanes*each, lanes)
	}
	if rest := kinds["asynq:"] + kinds["mixduck:{jobs}:"]; rest > 40 {
		t.Errorf("keys = %v, of which %d are neither of jobs nor of lanes:\n%s", kinds, rest, strings.Join(rdb.Keys(t.Context(), "asynq:*").Val(), "\n"))
	}
	for _, key := range rdb.Keys(t.Context(), "mixduck:{lane:*").Val() {
		if ttl := rdb.TTL(t.Context(), key).Val(); ttl <= 0 || ttl > 90*24*time.Hour {
			t.Fatalf("%s lasts %v, want a quarter of a year", key, ttl)
		}
	}

	// Ninety days later.
	now := time.Now()
	late, err := queue.New(rdb, queue.Config{Now: func() time.Time { return now.Add(91 * 24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	jobstest.StartWorker(t, late, worker.Config{}, func(context.Context, *jobs.Attempt) error { return nil })
	jobstest.Eventually(t, "all records are gone", func() bool {
		kinds = keysByKind(tt)
		return kinds["mixduck:{jobs}:rec:"] == 0
	})
	if kinds["mixduck:{jobs}:"] > 0 || kinds["mixduck:{jobs}:database:"] > 0 || len(kinds) > 5 {
		t.Errorf("keys = %v when all records are gone; want no index left (%v)", kinds, slices.Sorted(maps.Keys(kinds)))
	}
}
