package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/jobs"
)

func TestJobTable(t *testing.T) {
	t.Parallel()
	found := []jobs.Record{
		running(),
		inState(jobs.StateCancelled, func(r *jobs.Record) {
			r.ID, r.Fetch.Database, r.Fetch.Table = "01KAMG2M7E6Y4T0Q0N8Z5R3V9B", "eu/データ.db", "signups"
			r.Fetch.Days = day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 1)}
		}),
	}
	const want = `
ID                          STATE      DAYS                    DATABASE      TABLE
01KAMG2M7E6Y4T0Q0N8Z5R3V9C  running    2026-10-24..2026-11-21  12345.db      events
01KAMG2M7E6Y4T0Q0N8Z5R3V9B  cancelled  2025-01-01              eu/データ.db  signups
`
	if diff := cmp.Diff(want[1:], jobTable(found, 0)); diff != "" {
		t.Errorf("jobTable (-want +got):\n%s", diff)
	}
	const cut = `
ID                          STATE      DAYS                    DATABASE      TAB…
01KAMG2M7E6Y4T0Q0N8Z5R3V9C  running    2026-10-24..2026-11-21  12345.db      eve…
01KAMG2M7E6Y4T0Q0N8Z5R3V9B  cancelled  2025-01-01              eu/データ.db  sig…
`
	if diff := cmp.Diff(cut[1:], jobTable(found, 81)); diff != "" {
		t.Errorf("jobTable of 81 columns (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(jobTable(found, 80)) {
		if n := columns(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("line %q has %d columns", line, n)
		}
	}
}
