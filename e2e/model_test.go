package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// The catalogue has the counts of a scan, and the typed views those of the JSON, through the gate of queries and in
// snapshots. With the setting of a project, they follow each fetch.
func TestTypedViews(t *testing.T) {
	t.Parallel()
	s := newAsked(t, embedded)
	const scan = "SELECT count(*) FROM (SELECT DISTINCT event_name, unnest(json_keys(properties)) FROM events)"
	names := strings.TrimSpace(s.ask(t, "query", scan, "--format", "plain"))
	if got := strings.Count(s.ask(t, "inspect", "properties", "--format", "plain"), "\n"); names != strconv.Itoa(got) {
		t.Errorf("the catalogue has %d properties, the table %s", got, names)
	}
	if got := s.ask(t, "inspect", "properties", "Purchase", "--format", "csv"); !strings.Contains(got, "\nevents,Purchase,plan,string,") {
		t.Errorf("inspect properties Purchase:\n%s", got)
	}
	if r := s.enqueue(t, "model"); r.code != 0 || !strings.Contains(r.stderr+r.stdout, " columns added") {
		t.Fatalf("enqueue model: %+v", r)
	}
	const different = `SELECT count(*), count(*) FILTER (plan IS DISTINCT FROM (properties->>'plan') OR city IS DISTINCT FROM json_extract_string(properties, '/$city')
		OR price IS DISTINCT FROM CAST(properties->>'price' AS DOUBLE) OR is_member IS DISTINCT FROM CAST(properties->>'is_member' AS BOOLEAN)) FROM model.page_viewed`
	rows := strings.TrimSpace(s.ask(t, "query", "SELECT count(*) FROM events WHERE event_name = 'Page Viewed'", "--format", "plain"))
	for _, database := range []string{"12345.db", "read/12345.db"} {
		if got := s.ask(t, "query", different, "--format", "plain", "--database", database); got != rows+"\t0\n" {
			t.Errorf("%s: %q, want %s rows without differences", database, got, rows)
		}
	}
}

func TestTypedViewsFollowFetches(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 100))
	s.set("MIXDUCK_MODEL=true")
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
	before := s.ask(t, "query", "SELECT count(*) > 0 FROM model.page_viewed", "--format", "plain")
	s.fetch(t, dates(t, "2025-11-02", "2025-11-02"))
	missing := s.ask(t, "query", `SELECT count(*) FROM mixduck.properties AS p WHERE property NOT IN ('time', 'distinct_id', '$insert_id', 'mp_processing_time_ms')
		AND NOT EXISTS (FROM mixduck.model_columns AS c WHERE c.event_name = p.event_name AND c.property = p.property)`, "--format", "plain")
	if before != "true\n" || missing != "0\n" {
		t.Errorf("after the first fetch %q, properties without a column after the second %q", before, missing)
	}
}
