package e2e

import (
	"testing"
)

// Whatever workers and jobs there are, and however often they are started again, Mixpanel sees no more requests than the
// setting allows.
func TestBudgetIsSharedAndSurvives(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			const allowed = 9
			s := newSite(t, q, newMixpanel(t, 20))
			s.set("MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=9")
			worker := s.startWorker(t)
			if q == realRedis {
				s.startWorker(t)
			}
			days := dates(t, "2025-11-01", "2025-11-06")
			one := s.submit(t, days)
			other := s.submit(t, days, "--database", "other.db")
			eventually(t, "one job is done and the other is paused, or both are paused", func() bool {
				a, b := s.show(t, one.ID), s.show(t, other.ID)
				return (a.State == "paused" || a.State == "done") && b.State == "paused" || a.State == "paused" && b.State == "done"
			})
			worker.kill()
			s.startWorker(t)
			third := s.submit(t, days, "--database", "third.db")
			if j := s.waitForState(t, third.ID, "paused"); j.Attempts != 0 || j.Note == "" {
				t.Errorf("job = %+v, want it paused with a note, and no attempt used", j)
			}
			if n := len(s.mixpanel.Requests()); n > allowed {
				t.Errorf("Mixpanel was asked %d times, only %d are allowed", n, allowed)
			}
			elsewhere := s.fetch(t, days, "--project", "67890") // has a budget of its own
			if elsewhere.State != "done" {
				t.Errorf("job = %+v, want it done", elsewhere)
			}
		})
	}
}
