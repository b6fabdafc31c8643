package e2e

import (
	"net/http"
	"slices"
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
			if j := s.wait(t, id); j.Attempts != 1 || j.State != "done" {
				t.Errorf("job = %+v, want one attempt", j)
			}
			log := s.mixpanel.Requests()
			good := slices.IndexFunc(log, func(r mixpaneltest.Request) bool { return r.Status == http.StatusOK })
			if pause := log[good].At.Sub(log[0].At); pause < 2*time.Second || pause > patience {
				t.Errorf("Mixpanel was asked again after %s, want little more than 2s", pause)
			}
			s.checkEvents(t, days)
		})
	}
}
