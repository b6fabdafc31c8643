package e2e

import (
	"bytes"
	"os"
	"testing"
)

func TestFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	text := bytes.Repeat([]byte("Dear diary, today I met a duck. "), 1000)
	if err := os.WriteFile(s.path("diary.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.enqueue(t, append(fetchArgs(dates(t, "2025-11-01", "2025-11-02")), "--wait", "--database", "diary.db")...)
	r.mustFail(t, 3, "diary.db is not a DuckDB database", "--database")
	if r.took > atOnce {
		t.Errorf("the answer took %s", r.took)
	}
	if after, err := os.ReadFile(s.path("diary.db")); err != nil || !bytes.Equal(after, text) {
		t.Errorf("the file has changed (%v)", err)
	}
	if n := len(s.mixpanel.Requests()); n > 0 {
		t.Errorf("Mixpanel was asked %d times in vain", n)
	}
}

func TestDatabaseOfANewerVersion(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	days := dates(t, "2025-11-01", "2025-11-02")
	s.fetch(t, days)
	s.write(t, defaultDatabase, "UPDATE mixduck.schema_version SET version = version + 900")
	r := s.enqueue(t, append(fetchArgs(days), "--wait", "--max-attempts", "1")...)
	r.mustFail(t, 1, "newer Mixduck", "schema version 9", "install the newest")
	s.checkEvents(t, days)
	s.write(t, defaultDatabase, "UPDATE mixduck.schema_version SET version = version - 900")
	s.fetch(t, days)
}

func TestTableOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 10)
	s.write(t, defaultDatabase, "CREATE TABLE events AS SELECT 42 AS answer")
	r := s.enqueue(t, append(fetchArgs(dates(t, "2025-11-01", "2025-11-02")), "--wait")...)
	r.mustFail(t, 1, "table events exists and was not created by Mixduck", "another table")
}
