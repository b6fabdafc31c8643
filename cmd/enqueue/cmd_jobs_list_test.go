package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/wording"
	"mixduck/jobs"
)

func TestJobTable(t *testing.T) {
	t.Parallel()
	found := []jobs.Record{
		running(),
		inState(jobs.StateCancelled, func(r *jobs.Record) {
			r.ID, r.Database, r.Fetch.Table = "01KAMG2M7E6Y4T0Q0N8Z5R3V9B", "eu/データ.db", "signups"
			r.Fetch.Days = day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 1)}
		}),
	}
	const want = `
ID                          STATE      WHAT                    DATABASE      TABLE
01KAMG2M7E6Y4T0Q0N8Z5R3V9C  running    2026-10-24..2026-11-21  12345.db      events
01KAMG2M7E6Y4T0Q0N8Z5R3V9B  cancelled  2025-01-01              eu/データ.db  signups
`
	if diff := cmp.Diff(want[1:], console.Table(jobRows(found), 0)); diff != "" {
		t.Errorf("console.Table() (-want +got):\n%s", diff)
	}
	const cut = `
ID                          STATE      WHAT                    DATABASE      TAB…
01KAMG2M7E6Y4T0Q0N8Z5R3V9C  running    2026-10-24..2026-11-21  12345.db      eve…
01KAMG2M7E6Y4T0Q0N8Z5R3V9B  cancelled  2025-01-01              eu/データ.db  sig…
`
	if diff := cmp.Diff(cut[1:], console.Table(jobRows(found), 81)); diff != "" {
		t.Errorf("console.Table() of 81 columns (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(console.Table(jobRows(found), 80)) {
		if n := wording.Columns(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("line %q has %d columns", line, n)
		}
	}
}

func TestTheLineOfADatabase(t *testing.T) {
	t.Parallel()
	as := func(id string, change func(*jobs.Record)) jobs.Record {
		return changed(func(r *jobs.Record) {
			r.ID, r.Progress = id, jobs.Progress{}
			change(r)
		})
	}
	found := []jobs.Record{
		as("F", func(r *jobs.Record) { r.State, r.Position, r.Behind = jobs.StateWaiting, 2, "E" }),
		as("E", func(r *jobs.Record) { r.State, r.Position, r.Behind, r.Unserved = jobs.StateWaiting, 1, "D", true }),
		as("D", func(r *jobs.Record) { r.State, r.Unserved = jobs.StateQueued, true }),
		as("C", func(r *jobs.Record) {
			r.State, r.RunAt, r.Progress.Note = jobs.StatePaused, noon.Add(time.Hour), "the hour's requests\nare used up"
		}),
		as("B", func(r *jobs.Record) {
			r.State, r.RunAt, r.Failure, r.Unserved = jobs.StateRetrying, noon.Add(time.Minute), &jobs.Failure{Message: "503"}, true
		}),
		as("A", func(r *jobs.Record) { r.State = jobs.StateDone }),
	}
	const want = `
ID  STATE     WHAT                    DATABASE  TABLE   POSITION  WAITS
F   waiting   2026-10-24..2026-11-21  12345.db  events  2         behind job E
E   waiting   2026-10-24..2026-11-21  12345.db  events  1         behind job D; then for a worker: no worker serves volume main
D   queued    2026-10-24..2026-11-21  12345.db  events  0         for a worker: no worker serves volume main
C   paused    2026-10-24..2026-11-21  12345.db  events            until 13:00:00 (1h): the hour's requests are used up
B   retrying  2026-10-24..2026-11-21  12345.db  events            until 12:01:00 (1m): 503; then for a worker: no worker serves volume main
A   done      2026-10-24..2026-11-21  12345.db  events
`
	if diff := cmp.Diff(want[1:], console.Table(addLine(jobRows(found), found, noon), 0)); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}
