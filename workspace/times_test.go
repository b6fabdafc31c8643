package workspace_test

import (
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// timeWarning returns the database's warning about the times of the table events.
func (f *fixture) timeWarning(tb testing.TB) string {
	tb.Helper()
	held, err := storage.ReadTableStates(tb.Context(), storage.Config{Path: f.path, LockWait: patience})
	if err != nil || len(held.Tables) != 1 {
		tb.Fatalf("%d tables (%v)", len(held.Tables), err)
	}
	return held.Tables[0].TimeWarning
}

// A fetch with a wrong time encoding warns, and the database stores the warning.
func TestTimesReadInTheWrongZone(t *testing.T) {
	t.Parallel()
	kolkata := location(t, "Asia/Kolkata")
	tests := []struct {
		name    string
		shifted bool // the project's real setting; the fetch has the opposite
		want    []string
	}{
		{"a project from before 2023", true, []string{"time_encoding: shifted", "UTC+05:30"}},
		{"a newer project", false, []string{"time_encoding: utc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 100}, func(p *mixpaneltest.Project, c *workspace.Config) {
				p.Location, p.ShiftedTimes = kolkata, tt.shifted
				c.Project.Location, c.Project.Shifted = kolkata, !tt.shifted
			})
			r := days(t, "2026-11-01", "2026-11-09")
			p := f.must(t, workspace.FetchRequest{Table: "events", Days: r})
			for _, want := range tt.want {
				if !strings.Contains(p.Warnings, want) || !strings.Contains(f.timeWarning(t), want) {
					t.Errorf("warnings = %q and in the database %q, want %q", p.Warnings, f.timeWarning(t), want)
				}
			}
		})
	}
}
