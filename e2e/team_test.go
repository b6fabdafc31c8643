package e2e

import (
	"syscall"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// team is a site with two workers. The first has a job with one stored day, and waits for the rest.
type team struct {
	*site
	first, second *proctest.Process
	job           string
	held          *mixpaneltest.Injection // what the first one waits for
}

func newTeam(t *testing.T) *team {
	t.Helper()
	s := newSite(t, realRedis, newMixpanel(t, 50))
	m := &team{site: s, first: s.startWorker(t)}
	m.held = s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-02", "2025-11-10")})
	m.job = s.submit(t, dates(t, "2025-11-01", "2025-11-10")).ID
	proctest.Await(t, "a request is held", m.held.Reached())
	eventually(t, "the first day is stored", func() bool { return s.show(t, m.job).WindowsDone == 1 })
	m.second = s.startWorker(t)
	return m
}

func TestAWorkerTakesOverFromAKilledOne(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.first.Kill()
	m.held.Remove()
	if j := m.wait(t, m.job); j.Attempts != 1 {
		t.Errorf("it took %d attempts", j.Attempts)
	}
	m.second.WaitFor(t, "status=done")
	m.checkEvents(t, dates(t, "2025-11-01", "2025-11-10"))
}

// A suspended machine does not know that the others considered it dead.
func TestAWorkerThatWasFrozenDoesNoHarm(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	m.first.Freeze(t)
	m.held.Remove() // the responses wait for the first one to wake up
	m.wait(t, m.job)
	m.second.WaitFor(t, "status=done")
	days := dates(t, "2025-11-01", "2025-11-10")
	m.checkEvents(t, days)

	m.first.Signal(t, syscall.SIGCONT)
	m.first.WaitFor(t, "attempt was too late")
	m.checkEvents(t, days)
	if j := m.show(t, m.job); j.State != "done" || j.Attempts != 1 {
		t.Errorf("job = %+v, want it done as before", j)
	}
	m.fetch(t, days)
	m.checkEvents(t, days)
}
