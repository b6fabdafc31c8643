package e2e

import (
	"testing"
	"time"
)

// For any workers and jobs, and any number of restarts, Mixpanel sees no more requests than the setting allows.
func TestBudgetIsSharedAndSurvives(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 20))
			s.set("MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=2")
			worker := s.startWorker(t)
			if q == realRedis {
				s.startWorker(t)
			}
			days := dates(t, "2025-09-01", "2025-10-30") // more than can be fetched with two requests
			one := s.submit(t, days)
			other := s.submit(t, days, "--database", "other.db")
			s.waitForLongPause(t, one.ID)
			s.waitForLongPause(t, other.ID)
			worker.Kill()
			s.startWorker(t)
			third := s.submit(t, days, "--database", "third.db")
			if j := s.waitForLongPause(t, third.ID); j.Attempts != 0 || j.Note == "" {
				t.Errorf("job = %+v, want a note, and no attempt used", j)
			}
			if n := len(s.mixpanel.Requests()); n != 2 {
				t.Errorf("Mixpanel was asked %d times, want what is allowed: 2", n)
			}
			s.fetch(t, dates(t, "2025-09-01", "2025-09-01"), "--project", "67890") // has a separate budget
		})
	}
}

// waitForLongPause waits until a job is paused for a large part of an hour.
func (s *site) waitForLongPause(tb testing.TB, id string) job {
	tb.Helper()
	var j job
	eventually(tb, "job "+id+" is paused for long", func() bool {
		j = s.show(tb, id)
		return j.State == "paused" && j.RunAt != nil && time.Until(*j.RunAt) > 30*time.Minute
	})
	return j
}
