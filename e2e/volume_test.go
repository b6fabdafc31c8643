package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/proctest"
)

// startVolume starts a worker with that volume as its data directory, and waits until it works.
func (s *site) startVolume(tb testing.TB, name, dir string) *proctest.Process {
	tb.Helper()
	p := proctest.Start(tb, s.env, "worker", "run", "--data-dir", dir, "--volumes", name+"="+dir, "--redis-url", s.redis.URL())
	p.WaitFor(tb, "worker started")
	return p
}

func TestWorkersRunTheJobsOfTheirVolumes(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 20))
	s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-02")
	if j := s.submit(t, days, "--database", "eu/x.db"); j.Database != "main/eu/x.db" {
		t.Errorf("eu/x.db is %s, though no worker has ever served a volume eu", j.Database)
	}

	other := *s
	other.dir = filepath.Join(t.TempDir(), "eu")
	eu := s.startVolume(t, "eu", other.dir)
	here, there := s.submit(t, days), s.submit(t, days, "--database", "eu/x.db")
	if there.Database != "eu/x.db" {
		t.Errorf("eu/x.db is %s, though a worker serves volume eu", there.Database)
	}
	s.wait(t, here.ID)
	s.wait(t, there.ID)
	s.checkEvents(t, days)
	compare(t, rowsOf(s.truth(t, projectID, days)), other.rows(t, "x.db", "events"))

	eu.Signal(t, syscall.SIGTERM)
	eu.ExitCode(t)
	lonely := s.submit(t, days, "--database", "eu/x.db")
	if shown := s.enqueue(t, "jobs", "show", lonely.ID); !strings.Contains(shown.stdout, "no worker serves volume eu") {
		t.Errorf("jobs show does not say that nobody serves the volume:\n%s", shown.stdout)
	}
	s.startVolume(t, "eu", other.dir)
	s.wait(t, lonely.ID)
}

func TestTwoDirectoriesUnderOneNameAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, realRedis, newMixpanel(t, 20))
	s.startWorker(t)
	second := command(t, s.env, "worker", "run", "--data-dir", t.TempDir(), "--redis-url", s.redis.URL())
	second.mustFail(t, 3, "volume main", "--volumes")
}
