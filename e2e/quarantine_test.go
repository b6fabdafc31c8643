package e2e

import (
	"database/sql"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestLinesThatAreNoEventsAreSetAside(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 400)
	days := dates(t, "2025-11-01", "2025-11-08")
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.NotJSON, mixpaneltest.NotEvents, mixpaneltest.InvalidUTF8, mixpaneltest.LoneSurrogates,
		mixpaneltest.DeeplyNested, mixpaneltest.ExactDuplicates, mixpaneltest.NewerDuplicates,
	} {
		s.inject(t, mixpaneltest.Fault{Kind: kind, Every: 100})
	}
	j := s.fetch(t, days)
	truth := s.truth(t, projectID, days)
	if len(truth.Quarantined) == 0 || truth.Duplicates == 0 {
		t.Fatal("the stand-in has sent nothing unusual")
	}
	if j.Rows != len(truth.Rows) || j.Duplicates != truth.Duplicates || j.Quarantined != len(truth.Quarantined) {
		t.Errorf("%d rows, %d duplicates, %d quarantined; want %d, %d, %d",
			j.Rows, j.Duplicates, j.Quarantined, len(truth.Rows), truth.Duplicates, len(truth.Quarantined))
	}
	s.checkEvents(t, days)
	s.read(t, defaultDatabase, func(db *sql.DB) {
		var lines, rows, duplicates, quarantined int
		err := db.QueryRowContext(t.Context(), "SELECT sum(lines), sum(row_count), sum(duplicates), sum(quarantined) FROM mixduck.receipts").
			Scan(&lines, &rows, &duplicates, &quarantined)
		if err != nil || lines != truth.Received || lines != rows+duplicates+quarantined {
			t.Errorf("receipts have %d lines = %d + %d + %d (%v), Mixpanel sent %d", lines, rows, duplicates, quarantined, err, truth.Received)
		}
		if diff := cmp.Diff(truth.Quarantined, quarantinedLines(t, s, db)); diff != "" {
			t.Errorf("quarantined lines (-want +got):\n%.2000s", diff)
		}
	})
}

// quarantinedLines returns the quarantined lines, sorted, after checking their details.
func quarantinedLines(tb testing.TB, s *site, db *sql.DB) (lines []string) {
	tb.Helper()
	rs, err := db.QueryContext(tb.Context(), `SELECT from_date::VARCHAR, to_date::VARCHAR, day::VARCHAR, line_number, reason, line
		FROM mixduck.quarantine WHERE table_name = 'events'`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	sent := map[day.Range][]string{}
	for rs.Next() {
		var from, to, reason string
		var on sql.NullString // unknown for a line without information, in a response for several days
		var number int
		var line []byte
		if err := rs.Scan(&from, &to, &on, &number, &reason, &line); err != nil {
			tb.Fatal(err)
		}
		window := dates(tb, from, to)
		if sent[window] == nil {
			sent[window] = s.export(tb, window)
		}
		if response := sent[window]; number < 1 || number > len(response) || response[number-1] != string(line) {
			tb.Errorf("line %d of %s is not the one that is stored", number, window)
		}
		if reason == "" || !on.Valid && window.Len() == 1 || on.Valid && !window.Contains(date(tb, on.String)) {
			tb.Errorf("line %d of %s has reason %q and day %q", number, window, reason, on.String)
		}
		lines = append(lines, string(line))
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}
