package e2e

import (
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestTwoDatabasesAreFetchedAtOnce(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 100))
			s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-03")
			one := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Project: projectID})
			other := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Project: otherProjectID})
			a := s.submit(t, days)
			b := s.submit(t, days, "--project", "67890")
			proctest.Await(t, "the first project is asked", one.Reached())
			proctest.Await(t, "the second one is asked while the first is held", other.Reached())
			one.Remove()
			other.Remove()
			s.wait(t, a.ID)
			s.wait(t, b.ID)
			s.checkEvents(t, days)
			compare(t, rowsOf(s.truth(t, otherProjectID, days)), s.rows(t, "67890.db", "events"))
		})
	}
}

func TestOneDatabaseIsFetchedIntoByOneJobAfterTheOther(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 100))
			s.startWorker(t)
			first, second := dates(t, "2025-11-01", "2025-11-03"), dates(t, "2025-11-04", "2025-11-06")
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: first})
			a := s.submit(t, first)
			proctest.Await(t, "the first job asks", held.Reached())
			b := s.submit(t, second)
			refused := s.enqueue(t, fetchArgs(second, "--if-busy", "fail")...)
			refused.mustFail(t, 1, a.ID)
			if now := s.show(t, b.ID); now.State != "waiting" || now.StartedAt != nil {
				t.Errorf("the second job is %s while the first runs, want waiting", now.State)
			}
			if asked := s.askedDays(0); asked[second.From] > 0 {
				t.Error("the second job asks Mixpanel while the first one runs")
			}
			held.Remove()
			a, b = s.wait(t, a.ID), s.wait(t, b.ID)
			if b.StartedAt.Before(*a.FinishedAt) {
				t.Errorf("the second job started at %s, before the end of the first at %s", b.StartedAt, a.FinishedAt)
			}
			s.checkEvents(t, dates(t, "2025-11-01", "2025-11-06"))
		})
	}
}
