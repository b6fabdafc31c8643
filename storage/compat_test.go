package storage_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/storage"
)

const compatNames = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'compat' ORDER BY ALL"

var eventViews = []string{"event", "mp_master_event", "original_events"}

// hotEvents returns an ordinary event, one of a hot shard, and one that moved to another ID.
func hotEvents() string {
	plain := event(first, 1, "a", `,"$device_id":"d","$user_id":"u1","$city":"Köln","$screen_width":1024,"$browser_version":"x","$wifi":true`)
	hot := strings.ReplaceAll(event(first, 2, "b", `,"mp_original_event_name":"Buy","mp_original_distinct_id":"busy"`), `"event":"e"`, `"event":"$hotshard_events"`)
	hot = strings.ReplaceAll(hot, `"distinct_id":"u"`, `"distinct_id":""`)
	moved := event(first, 3, "c", `,"$distinct_id_before_identity":"anonymous"`)
	return plain + hot + moved
}

func TestCompatibleViewsOfEvents(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), hotEvents()))
	closeEngine(t, e)
	want(t, "original events", query(t, path, "SELECT event_name, distinct_id, distinct_id_before_identity, insert_id, hot_shard FROM compat.original_events ORDER BY insert_id"),
		[]string{"e|u|NULL|a|false", "Buy|busy|NULL|b|true", "e|u|anonymous|c|false"})
	want(t, "columns of mp_master_event", query(t, path, "SELECT column_name FROM (DESCRIBE compat.mp_master_event)"),
		[]string{"device_id", "distinct_id", "event_name", "insert_id", "properties", "time", "user_id"})
	want(t, "mp_master_event", query(t, path, "SELECT * EXCLUDE (properties, time) FROM compat.mp_master_event ORDER BY insert_id"),
		[]string{"d|u|e|a|u1", "NULL|busy|Buy|b|NULL", "NULL|u|e|c|NULL"})
	want(t, "event", query(t, path, `SELECT name, distinct_id, city, screen_width, browser_version, wifi, _fivetran_synced IS NOT NULL FROM compat.event ORDER BY insert_id`),
		[]string{"e|u|Köln|1024|NULL|true|true", "Buy|busy|NULL|NULL|NULL|NULL|true", "e|u|NULL|NULL|NULL|NULL|true"})
	want(t, "ids", query(t, path, "SELECT count(DISTINCT _fivetran_id), count(*) FROM compat.event"), []string{"3|3"})
	want(t, "same content", query(t, path, "SELECT properties, event_time FROM events EXCEPT SELECT properties, time FROM compat.mp_master_event"), nil)
}

// A table with history has all versions of a profile; the views have the current one.
func TestCompatibleViewsOfProfiles(t *testing.T) {
	t.Parallel()
	for _, history := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "x.db")
		e := open(t, storage.Config{Path: path})
		for i, name := range []string{"Ada", "Eve"} {
			refreshProfiles(t, e, history, now.Add(time.Duration(i)*time.Hour), `{"$name":"`+name+`","mp_country_code":"DE"}`)
		}
		closeEngine(t, e)
		want(t, "mp_people_data", query(t, path, "SELECT * FROM compat.mp_people_data"), []string{`u|{"$name":"Eve","mp_country_code":"DE"}`})
		want(t, "people", query(t, path, "SELECT distinct_id, name, country_code, _fivetran_synced FROM compat.people"), []string{"u|Eve|DE|2027-01-01 13:00:00"})
		want(t, "views", query(t, path, compatNames), []string{"mp_people_data", "people"})
	}
}

func TestCompatibleViewsFollowTheTables(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), hotEvents()))
	promote(t, e, plan)
	replace := storage.Table{Name: "events", Project: "1", Replace: true, Job: "job-2", Days: span(0, 1)}
	target := prepare(t, e, replace).Table
	w := window(span(0, 1), events(first, 5, "new"))
	w.Table, w.Job = target, "job-2"
	load(t, e, w)
	if err := e.Swap(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	const rows = "SELECT count(*) FROM compat.event"
	want(t, "after a swap", query(t, path, rows), []string{"5"})
	if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path, LockWait: lockWait}, 0); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := storage.Backup(t.Context(), storage.Config{Path: path, LockWait: lockWait}, copied, "job-3"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, copied} {
		want(t, "rows in "+file, query(t, file, rows), []string{"5"})
		want(t, "views in "+file, query(t, file, compatNames), eventViews)
	}
	e = open(t, storage.Config{Path: copied})
	if err := e.Drop(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	closeEngine(t, e)
	want(t, "views after drop", query(t, copied, compatNames), nil)
}

// The log of a killed process contains the views too.
func TestCompatibleViewsAfterAKill(t *testing.T) {
	t.Parallel()
	e, path := newFile(t)
	load(t, e, window(span(0, 1), events(first, 5, "a")))
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", ".wal"} {
		content, err := os.ReadFile(path + end)
		if err != nil {
			t.Skip("the log is empty")
		}
		if err := os.WriteFile(copied+end, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeEngine(t, open(t, storage.Config{Path: copied}))
	want(t, "rows", query(t, copied, "SELECT count(*) FROM compat.mp_master_event"), []string{"5"})
}

// A user's objects in the schema stay; only the view of the same name is missing.
func TestCompatibleViewsLeaveTablesOfUsersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	edit(t, path, "CREATE SCHEMA compat", "CREATE TABLE compat.event AS SELECT 42 AS answer", "CREATE VIEW compat.original_events AS SELECT 43 AS answer",
		"CREATE TABLE mp_master_event AS SELECT 44 AS answer")
	e := open(t, storage.Config{Path: path})
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-0"})
	load(t, e, window(span(0, 1), hotEvents()))
	prepare(t, e, storage.Table{Name: "people", Project: "1", Job: "job-0"}) // the name is free in main
	if err := e.Drop(t.Context(), "events", 0); err != nil {
		t.Fatal(err)
	}
	prepare(t, e, storage.Table{Name: "events", Project: "1", Job: "job-1"})
	closeEngine(t, e)
	want(t, "of the user", query(t, path, "SELECT e.answer, o.answer, m.answer FROM compat.event AS e, compat.original_events AS o, main.mp_master_event AS m"), []string{"42|43|44"})
	want(t, "views", query(t, path, compatNames), []string{"mp_master_event", "original_events"})
}

// A file of an earlier version, and one in which DuckDB dropped or changed the table, get matching views.
func TestCompatibleViewsOfOtherFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	unpack(t, "testdata/version1.db.gz", path)
	closeEngine(t, open(t, storage.Config{Path: path, ReadOnly: true}))
	want(t, "views after reading", query(t, path, compatNames), nil)
	e := open(t, storage.Config{Path: path})
	load(t, e, window(span(2, 1), events(first+2, 5, "new")))
	closeEngine(t, e)
	want(t, "rows", query(t, path, "SELECT count(*) FROM compat.event"), query(t, path, "SELECT count(*) FROM events"))
	for _, change := range []string{"DROP VIEW compat.event", "CREATE OR REPLACE VIEW compat.event AS SELECT 42", "COMMENT ON VIEW compat.event IS 'created by Mixduck, long ago'"} {
		edit(t, path, change)
	}
	e = open(t, storage.Config{Path: path})
	load(t, e, window(span(2, 1), events(first+2, 5, "newer")))
	closeEngine(t, e)
	want(t, "columns", query(t, path, "SELECT count(*) > 40 FROM (DESCRIBE compat.event)"), []string{"true"})
	for _, change := range []string{"ALTER TABLE events ALTER day TYPE VARCHAR", "DROP TABLE events"} {
		edit(t, path, change)
		if _, _, err := storage.Compact(t.Context(), storage.Config{Path: path, LockWait: lockWait}, 0); err != nil {
			t.Fatalf("after %s: %v", change, err)
		}
		want(t, "views after "+change, query(t, path, compatNames), nil)
	}
}

// refreshProfiles makes the table profiles contain a single profile.
func refreshProfiles(tb testing.TB, e *storage.Engine, history bool, at time.Time, properties string) {
	tb.Helper()
	table := people("profiles")
	table.History = history
	_, err := e.Refresh(tb.Context(), storage.Refresh{
		Table: table, Parts: []storage.Part{persons{"u", properties}}, Full: true, Job: at.String(), FetchedAt: at, Bytes: 10, Requests: 1,
	})
	if err != nil {
		tb.Fatal(err)
	}
}
