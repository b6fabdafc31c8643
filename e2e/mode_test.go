package e2e

import (
	"database/sql"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestFetchingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 200)
	days := dates(t, "2025-11-01", "2025-11-10")
	s.fetch(t, days)
	first := s.rows(t, defaultDatabase, "events")
	again := s.fetch(t, days)
	compare(t, first, s.rows(t, defaultDatabase, "events"))
	s.checkEvents(t, days)
	if again.Rows != len(first) {
		t.Errorf("the second fetch stored %d rows, want %d", again.Rows, len(first))
	}
}

func TestOverlappingRangesLeaveEachDayOnce(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 200)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-10"))
	s.fetch(t, dates(t, "2025-11-05", "2025-11-15"))
	all := dates(t, "2025-11-01", "2025-11-15")
	s.checkEvents(t, all)
	s.read(t, defaultDatabase, func(db *sql.DB) {
		var days, rows int
		err := db.QueryRowContext(t.Context(), "SELECT count(*), sum(row_count) FROM mixduck.coverage").Scan(&days, &rows)
		if want := len(s.truth(t, projectID, all).Rows); err != nil || days != all.Len() || rows != want {
			t.Errorf("coverage has %d days and %d rows (%v), want %d and %d", days, rows, err, all.Len(), want)
		}
	})
}

func TestAppendDeletesNothing(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 200)
	days := dates(t, "2025-11-01", "2025-11-03")
	late := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LateRows, FromRequest: 2})
	s.fetch(t, days)
	before := s.rows(t, defaultDatabase, "events")
	added := s.fetch(t, days, "--append")
	s.checkEvents(t, days) // the late rows have arrived
	all := s.rows(t, defaultDatabase, "events")
	if len(all) <= len(before) || added.Rows != len(all)-len(before) {
		t.Errorf("append reports %d rows; the table had %d and has %d", added.Rows, len(before), len(all))
	}

	late.Remove()
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.TerminatedEarly, Days: dates(t, "2025-11-04", "2025-11-04"), Times: 1})
	s.fetch(t, dates(t, "2025-11-03", "2025-11-05"), "--append")
	compare(t, append(all, rowsOf(s.truth(t, projectID, dates(t, "2025-11-04", "2025-11-05")))...), s.rows(t, defaultDatabase, "events"))
}

func TestReplaceKeepsTheOldTableUntilTheNewOneIsWhole(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 200)
	old, changed := dates(t, "2025-10-01", "2025-10-05"), dates(t, "2025-11-01", "2025-11-08")
	s.fetch(t, old)
	held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: dates(t, "2025-11-08", "2025-11-08")})
	j := s.submit(t, changed, "--replace")
	proctest.Await(t, "the last day is asked for", held.Reached())
	s.checkEvents(t, old)
	held.Remove()
	s.wait(t, j.ID)
	s.checkEvents(t, changed)
	s.read(t, defaultDatabase, func(db *sql.DB) {
		var tables int
		err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'main'").Scan(&tables)
		if err != nil || tables != 1 {
			t.Errorf("there are %d tables (%v), want 1", tables, err)
		}
	})
}

func TestCreateRefusesATableThatExists(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 200)
	days := dates(t, "2025-11-01", "2025-11-03")
	s.fetch(t, days, "--create")
	requests := len(s.mixpanel.Requests())
	res := s.enqueue(t, fetchArgs(dates(t, "2025-11-02", "2025-11-09"), "--create", "--wait")...)
	res.mustFail(t, 1, "table events exists", "omit --create")
	if j := res.job(t); j.Attempts != 1 || j.Error == nil || j.Error.Code != "already_exists" {
		t.Errorf("job = %+v, want one attempt that ended with already_exists", j)
	}
	if n := len(s.mixpanel.Requests()); n != requests {
		t.Errorf("Mixpanel was asked %d times in vain", n-requests)
	}
	s.checkEvents(t, days)
	s.fetch(t, days, "--create", "--database", "other.db")
	compare(t, rowsOf(s.truth(t, projectID, days)), s.rows(t, "other.db", "events"))
}
