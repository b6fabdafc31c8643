package workspace_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/mounttest"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// In a project from before 2023, days and times are those of its zone, also at clock changes.
func TestShiftedProject(t *testing.T) {
	t.Parallel()
	loc := location(t, "America/Los_Angeles")
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 400}, func(p *mixpaneltest.Project, c *workspace.Config) {
		p.Location, p.ShiftedTimes = loc, true
		c.Project.Location, c.Project.Shifted = loc, true
	})
	for _, r := range []day.Range{days(t, "2026-03-06", "2026-03-10"), days(t, "2026-10-30", "2026-11-03")} {
		f.must(t, workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Replace})
		f.check(t, r)
	}
	// 15:00 UTC is 7:00 there: today has begun, and has not ended.
	f.must(t, workspace.FetchRequest{Table: "events", Days: days(t, "2026-11-21", "2026-11-22")})
	if states := f.text(t, "SELECT string_agg(state, ' ' ORDER BY day) FROM mixduck.coverage WHERE day >= '2026-11-21'"); states != "complete partial" {
		t.Errorf("states = %s, want complete partial", states)
	}
}

func location(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	spool := t.TempDir()
	mounttest.Small(t, spool, "64k")
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 3000}, func(_ *mixpaneltest.Project, c *workspace.Config) { c.SpoolDir = spool })
	r := days(t, "2026-11-01", "2026-11-03")
	_, err := f.fetch(t, r)
	if !errors.Is(err, syscall.ENOSPC) || !workspace.Permanent(err) {
		t.Fatalf("error = %v, want %v", err, syscall.ENOSPC)
	}
	f.wantEmptySpool(t)
	f.checkWhole(t)
	mounttest.Resize(t, spool, "64m")
	f.must(t, workspace.FetchRequest{Table: "events", Days: r, Job: "job-" + r.String()})
	f.check(t, r)
}
