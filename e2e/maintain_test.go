package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// worker runs a worker command to its end.
func (s *site) worker(tb testing.TB, args ...string) result {
	tb.Helper()
	return command(tb, s.env, "worker", append(args, s.where()...)...)
}

// A backup waits for its turn between two fetches, and can replace a lost database; what came after it is fetched
// again.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 50))
			backups := filepath.Join(t.TempDir(), "backups")
			s.set("MIXDUCK_VOLUMES=main=" + s.dir + ",backup=" + backups)
			w := s.startWorker(t)
			days, later := dates(t, "2025-11-01", "2025-11-03"), dates(t, "2025-11-04", "2025-11-05")
			s.fetch(t, days)
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Project: projectID})
			next := s.submit(t, later)
			proctest.Await(t, "the next fetch asks", held.Reached())
			copying := proctest.Start(t, s.env, "worker", append([]string{"backup", "12345.db", filepath.Join(backups, "monday", "x.db")}, s.where()...)...)
			copying.WaitFor(t, "waiting")
			held.Remove()
			if code := copying.ExitCode(t); code != 0 {
				t.Fatalf("backup: exit code %d", code)
			}
			copying.WaitFor(t, "main/12345.db copied to backup/monday/x.db")
			s.wait(t, next.ID)
			s.worker(t, "backup", "12345.db", "backup/monday/x.db").mustFail(t, 1, "exists", "use another file name")

			if q == realRedis {
				w.Kill()
				s.write(t, "12345.db", "PRAGMA disable_checkpoint_on_shutdown; CREATE TABLE in_the_wal AS SELECT 1 AS a") // like one killed during a load
			} else {
				w.Signal(t, syscall.SIGTERM)
				w.ExitCode(t)
			}
			if err := os.Remove(filepath.Join(s.dir, "12345.db.wal")); (err == nil) != (q == realRedis) {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(backups, "monday", "x.db"), filepath.Join(s.dir, "12345.db")); err != nil {
				t.Fatal(err)
			}
			s.startWorker(t)
			s.fetch(t, dates(t, "2025-11-04", "2025-11-06"))
			s.checkEvents(t, dates(t, "2025-11-01", "2025-11-06"))
		})
	}
}

func TestCompact(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 2000)
	days := dates(t, "2025-11-01", "2025-11-04")
	for range 3 {
		s.fetch(t, days)
	}
	res := s.worker(t, "compact", "12345.db")
	if res.code != 0 || !strings.Contains(res.stdout, "main/12345.db compacted: ") {
		t.Fatalf("compact: exit code %d, %q, %q", res.code, res.stdout, res.stderr)
	}
	s.checkEvents(t, days)
	s.fetch(t, days)
	s.checkEvents(t, days)
}

func TestMaintenanceOfNothing(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	s.worker(t, "compact", "no.db").mustFail(t, 4, "no data yet")
	s.worker(t, "backup", "no.db", "copy.db").mustFail(t, 4, "no data yet")
	s.worker(t, "backup", "no.db", "/nowhere/copy.db").mustFail(t, 3, "/nowhere/copy.db is not in a volume")
	s.worker(t, "backup", "no.db", "no.db").mustFail(t, 3, "its own backup")
	s.worker(t, "backup", "no.db").mustFail(t, 3, "worker backup")
}
