package e2e

import (
	"syscall"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// newTeam makes a site whose first worker is held up in a job by a fault that strikes once, and has a second worker.
func newTeam(t *testing.T, f mixpaneltest.Fault) (s *site, first, second *process, id string) {
	t.Helper()
	t.Helper()
	s = newSite(t, realRedis, newMixpanel(t, 50))
	first = s.startWorker(t)
	f.Times = 1
	held := s.inject(t, f)
	id = s.submit(t, dates(t, "2025-11-01", "2025-11-10")).ID
	await(t, "a request is held", held.Reached())
	eventually(t, "a window is stored", func() bool { return s.show(t, id).WindowsDone > 0 })
	second = s.startWorker(t)
	return s, first, second, id
}

func TestAWorkerTakesOverFromAKilledOne(t *testing.T) {
	t.Parallel()
	s, first, second, id := newTeam(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-05", "2025-11-05")})
	first.kill()
	if j := s.wait(t, id); j.Attempts != 1 {
		t.Errorf("it took %d attempts", j.Attempts)
	}
	second.waitFor(t, "status=done")
	s.checkEvents(t, dates(t, "2025-11-01", "2025-11-10"))
}

// A machine that was suspended does not know that the others took it for dead.
func TestAWorkerThatWasFrozenDoesNoHarm(t *testing.T) {
	t.Parallel()
	s, first, second, id := newTeam(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-05", "2025-11-05")})
	first.signal(t, syscall.SIGSTOP)
	s.wait(t, id)
	second.waitFor(t, "status=done")
	days := dates(t, "2025-11-01", "2025-11-10")
	s.checkEvents(t, days)

	for _, held := range s.mixpanel.Injections() {
		held.Remove() // so that it could go on
	}
	first.signal(t, syscall.SIGCONT)
	first.waitFor(t, "attempt was too late")
	s.checkEvents(t, days)
	if j := s.show(t, id); j.State != "done" || j.Attempts != 1 {
		t.Errorf("job = %+v, want it done as before", j)
	}
	s.fetch(t, days)
	s.checkEvents(t, days)
}
