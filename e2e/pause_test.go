package e2e

import (
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

func TestQuotaPausesTheJob(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 50))
			s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-04")
			full := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, RetryAfter: 2 * time.Second})
			id := s.submit(t, days, "--max-attempts", "1").ID
			paused := s.waitForState(t, id, "paused")
			if paused.Attempts != 0 || paused.Note == "" {
				t.Errorf("job = %+v, want no attempt used, and a note", paused)
			}
			full.Remove()
			before := s.mixpanel.Requests()
			if len(before) > days.Len() {
				t.Errorf("Mixpanel was asked %d times for %d days, though it said that it is enough", len(before), days.Len())
			}
			if j := s.wait(t, id); j.Attempts != 1 || j.State != "done" {
				t.Errorf("job = %+v, want one attempt", j)
			}
			next := s.mixpanel.Requests()[len(before)]
			if pause := next.At.Sub(before[0].At); pause < 2*time.Second || pause > 30*time.Second {
				t.Errorf("Mixpanel was asked again after %s, want little more than 2s", pause)
			}
			s.checkEvents(t, days)
		})
	}
}
