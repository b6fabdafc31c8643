package e2e

import (
	"syscall"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestTermSignalEndsTheWorkerButNotTheJob(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 100))
			worker := s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-12")
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-03", "2025-11-12")})
			j := s.submit(t, days)
			proctest.Await(t, "a download stalls", held.Reached())
			eventually(t, "a window is stored", func() bool { return s.show(t, j.ID).WindowsDone > 0 })

			began := time.Now()
			worker.Signal(t, syscall.SIGTERM)
			if code := worker.ExitCode(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the end took %s, more than the drain timeout", took)
			}

			held.Remove()
			s.startWorker(t)
			if j := s.wait(t, j.ID); j.Attempts != 1 {
				t.Errorf("it took %d attempts; a shutdown should cost none", j.Attempts)
			}
			s.checkEvents(t, days)
			s.checkNothingIsLeft(t)
		})
	}
}

func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 100))
	s.set("MIXDUCK_WORKER_LOCK_WAIT=1h")
	worker := s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-02")
	s.fetch(t, days)
	release := s.hold(t, defaultDatabase) // the drain waits for a load, which waits for the file
	j := s.submit(t, days)
	s.waitForState(t, j.ID, "running")
	worker.Signal(t, syscall.SIGTERM)
	worker.WaitFor(t, "worker drains")
	began := time.Now()
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.ExitCode(t); code == 0 {
		t.Error("exit code 0 after a second signal")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s after the second signal", took)
	}
	release()
	s.startWorker(t)
	s.wait(t, j.ID)
	s.checkEvents(t, days)
}

func TestDrainTimeoutEndsWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 100))
	s.set("MIXDUCK_WORKER_LOCK_WAIT=1h", "MIXDUCK_WORKER_DRAIN_TIMEOUT=1s")
	worker := s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-02")
	s.fetch(t, days)
	release := s.hold(t, defaultDatabase)
	j := s.submit(t, days)
	s.waitForState(t, j.ID, "running")
	began := time.Now()
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.ExitCode(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("the end took %s, want little more than 1s", took)
	}
	release()
	s.startWorker(t)
	if j := s.wait(t, j.ID); j.Attempts != 1 {
		t.Errorf("it took %d attempts; a shutdown should cost none", j.Attempts)
	}
	s.checkEvents(t, days)
}
