package e2e

import (
	"database/sql"
	"os"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/mounttest"
)

func TestDataDirectoryHasOneOwner(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	command(t, s.env, "worker", append([]string{"run"}, s.where()...)...).mustFail(t, 1, "another worker uses", "--data-dir")
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01")) // the owner is not affected
}

func TestReadOnlyDataDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 10))
	makeReadOnly(t, s.dir)
	command(t, s.env, "worker", append([]string{"run"}, s.where()...)...).mustFail(t, 3, s.dir, "--data-dir")
}

// makeReadOnly makes a directory in which nothing can be created.
func makeReadOnly(tb testing.TB, dir string) {
	tb.Helper()
	if os.Geteuid() != 0 { // permissions do not apply to root
		if err := os.Mkdir(dir, 0o500); err != nil {
			tb.Fatal(err)
		}
		return
	}
	mountSmall(tb, dir, "1m")
	mounttest.ReadOnly(tb, dir)
}

// mountSmall makes the directory dir, and mounts a small file system there.
func mountSmall(tb testing.TB, dir, size string) {
	tb.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	mounttest.Small(tb, dir, size)
}

func TestDatabaseInAReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 10))
	makeReadOnly(t, s.path("ro"))
	s.startWorker(t)
	r := s.enqueue(t, append(fetchArgs(dates(t, "2025-11-01", "2025-11-02")), "--wait", "--database", "ro/x.db")...)
	r.mustFail(t, 1, "ro/x.db", "give this user write permission")
	if j := r.job(t); j.Attempts != 1 || len(s.mixpanel.Requests()) > 2 {
		t.Errorf("%d attempts and %d requests, want one attempt", j.Attempts, len(s.mixpanel.Requests()))
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		dir      string // the small one, below the data directory
		size     string
		database string
		queue    queue
	}{
		{"no room for the responses", ".mixduck/spool", "1m", defaultDatabase, embedded},
		{"no room for the database", "small", "4m", "small/x.db", embedded},
		{"no room for anything", ".", "4m", defaultDatabase, realRedis},
		{"no room for the embedded queue either", ".", "4m", defaultDatabase, embedded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.queue, newMixpanel(t, 3000))
			mountSmall(t, s.path(tt.dir), tt.size)
			worker := s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-12")
			res := s.enqueue(t, append(fetchArgs(days), "--wait", "--max-attempts", "2", "--database", tt.database)...)
			res.mustFail(t, 1, "no space left", "free some disk space")
			if worker.HasEnded() {
				t.Error("the worker has ended")
			}
			s.checkWholeDays(t, tt.database, days)
		})
	}
}

// checkWholeDays checks that each day of a database, if it exists, is stored completely or not at all.
func (s *site) checkWholeDays(tb testing.TB, database string, days day.Range) {
	tb.Helper()
	if _, err := os.Stat(s.path(database)); err != nil {
		return
	}
	var counts map[string]int
	s.read(tb, database, func(db *sql.DB) {
		var err error
		if counts, err = dayCounts(db, "events"); err != nil {
			tb.Fatal(err)
		}
	})
	for d := range days.All() {
		n := counts[d.String()]
		if want := len(s.truth(tb, projectID, day.Range{From: d, To: d}).Rows); n != 0 && n != want {
			tb.Errorf("%d rows of %s are stored, want all %d or none", n, d, want)
		}
	}
}
