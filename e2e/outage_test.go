package e2e

import (
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestRedisGoneInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 50))
	worker := s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-20")
	held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-06", "2025-11-20")})
	j := s.submit(t, days)
	proctest.Await(t, "a download stalls", held.Reached())
	eventually(t, "windows are stored", func() bool { return s.show(t, j.ID).WindowsDone > 1 })

	s.redis.Kill()
	worker.WaitFor(t, "the queue cannot be reached")
	held.Remove() // the fetch ends while Redis is down
	eventually(t, "the last day is stored", func() bool {
		counts, ok := s.glance(t)
		return ok && len(counts) == days.Len()
	})
	s.enqueue(t, "jobs", "show", j.ID).mustFail(t, 1, "no queue at")
	s.redis.Start(t)
	if j := s.wait(t, j.ID); j.Attempts != 1 {
		t.Errorf("it took %d attempts", j.Attempts)
	}
	if worker.HasEnded() {
		t.Error("the worker has ended")
	}
	s.checkEvents(t, days)
	s.fetch(t, days)
}

func TestWorkerWaitsForRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 50))
	s.redis.Kill()
	worker := s.launchWorker(t)
	worker.WaitFor(t, "waits for the queue")
	s.redis.Start(t)
	worker.WaitFor(t, "worker started")
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
}

func TestRedisForgetsEverything(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 50))
	worker := s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-12")
	held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-06", "2025-11-12")})
	j := s.submit(t, days)
	proctest.Await(t, "a download stalls", held.Reached())
	eventually(t, "windows are stored", func() bool { return s.show(t, j.ID).WindowsDone > 0 })
	if err := s.redis.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	worker.WaitFor(t, "the queue has lost its data and this job with it")
	held.Remove()
	s.checkWholeDays(t, defaultDatabase, days)
	s.enqueue(t, "jobs", "show", j.ID).mustFail(t, 4, "no such job")
	s.fetch(t, days)
	if worker.HasEnded() {
		t.Error("the worker has ended")
	}
	s.checkEvents(t, days)
}
