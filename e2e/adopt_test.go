package e2e

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// makePredecessors makes a database like mixpanel_data (with its tables events, profiles and _metadata), with an index
// added by a person, and a table that is not in its list.
func makePredecessors(tb testing.TB, path string) {
	tb.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`CREATE TABLE events (event_name VARCHAR NOT NULL, event_time TIMESTAMP NOT NULL, distinct_id VARCHAR NOT NULL, insert_id VARCHAR PRIMARY KEY, properties JSON)`,
		`CREATE TABLE profiles (distinct_id VARCHAR PRIMARY KEY, properties JSON, last_seen TIMESTAMP)`,
		`CREATE TABLE _metadata (table_name VARCHAR PRIMARY KEY, "type" VARCHAR NOT NULL, fetched_at TIMESTAMP NOT NULL, from_date DATE, to_date DATE, row_count INTEGER NOT NULL)`,
		`INSERT INTO events SELECT 'Old', TIMESTAMP '2025-10-31 10:00:00', 'u' || i, 'i' || i, json_object('a', i) FROM range(1000) AS t(i)`,
		`INSERT INTO profiles VALUES ('u1', '{"$city": "Rome"}', NULL)`,
		`INSERT INTO _metadata VALUES ('events', 'events', '2026-01-02', '2025-10-31', '2025-10-31', 1000), ('profiles', 'profiles', '2026-01-02', NULL, NULL, 1)`,
		`CREATE INDEX by_name ON events (event_name)`,
		`CREATE TABLE notes AS SELECT 'mine' AS text`,
	} {
		if _, err := db.ExecContext(tb.Context(), statement); err != nil {
			tb.Fatal(err)
		}
	}
}

// A database of mixpanel_data in place of Mixduck's: it can be read unchanged, a fetch rejects it and says what to do,
// and with --adopt every row is kept and the message says where.
func TestDatabaseOfThePredecessor(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"mp", "worker"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			s := newEmbeddedSite(t, 10)
			makePredecessors(t, s.path(defaultDatabase))
			days := dates(t, "2025-11-01", "2025-11-02")
			run := func(args ...string) result {
				if program == "mp" {
					return command(t, s.env, "mp", append(args, "--path", s.path(defaultDatabase))...)
				}
				return s.enqueue(t, args...)
			}
			fetch := fetchArgs(days)
			if program == "worker" {
				fetch = append(fetch, "--wait")
			}
			ask := func(sql, want string) {
				t.Helper()
				r := run("query", sql, "--format", "csv")
				if diff := cmp.Diff(want, r.stdout[strings.Index(r.stdout, "\n")+1:]); diff != "" || r.code != 0 {
					t.Errorf("%s: exit code %d, %s(-want +got):\n%s", sql, r.code, r.stderr, diff)
				}
			}
			ask("SELECT count(*), (SELECT count(*) FROM profiles), (SELECT sum(row_count) FROM _metadata) FROM events", "1000,1,1001\n")

			run(fetch...).mustFail(t, 1, "_metadata, events, profiles", "--adopt")
			if n := len(s.mixpanel.Requests()); n > 0 {
				t.Errorf("%d requests for a fetch that cannot be stored", n)
			}
			ask("SELECT count(*) FROM events", "1000\n")

			for i := range 2 { // the second time there is nothing to move
				r := run(append(fetch, "--adopt")...)
				if r.code != 0 {
					t.Fatalf("exit code %d: %s", r.code, r.stderr)
				}
				for _, text := range []string{
					"its table _metadata is now _metadata_before_mixduck", "its table profiles is now profiles_before_mixduck",
					"its table events is now events_before_mixduck, without its indexes by_name",
				} {
					if strings.Contains(r.stdout, text) != (i == 0) {
						t.Errorf("fetch %d: %q is said, or not: %s", i+1, text, r.stdout)
					}
				}
			}
			s.checkEvents(t, days)
			ask("SELECT count(*), min(insert_id), max(event_name) FROM events_before_mixduck", "1000,i0,Old\n")
			ask("SELECT count(*) FROM profiles_before_mixduck", "1\n")
			ask("SELECT text FROM notes", "mine\n")
			ask("SELECT table_name, row_count FROM _metadata", "events,20\n")
		})
	}
}
