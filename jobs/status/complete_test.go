package status_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// november returns the day map of days of November 2026, one letter each from the 10th on.
func november(states string) (days jobs.Days) {
	for i, state := range states {
		days = append(days, jobs.StoredDay{Day: *dayOf(10 + i), State: jobs.DayState(state)})
	}
	return days
}

func span(from, to int) day.Range { return day.Range{From: *dayOf(from), To: *dayOf(to)} }

func TestCompleteness(t *testing.T) {
	t.Parallel()
	since := everyMorning("events", surveyed)
	since.Start = *dayOf(8)
	disabled := since
	disabled.Disabled = true
	dated := jobs.TableState{LastComplete: dayOf(13)}
	tests := []struct {
		name      string
		state     jobs.TableState
		days      jobs.Days
		schedules []schedule.State
		want      status.Completeness
		gaps      status.Gaps
	}{
		{"nothing was fetched", jobs.TableState{}, nil, nil, status.Unknown, status.Gaps{}},
		{"all days", dated, november("CCCC"), nil, status.Complete, status.Gaps{}},
		{"a day that nobody can have", dated, november("CCUC"), nil, status.Complete, status.Gaps{}},
		{"today", dated, november("CCCCP"), nil, status.Complete, status.Gaps{}},
		{"a gap", dated, november("CMMC"), nil, status.Incomplete, status.Gaps{Missing: []day.Range{span(11, 12)}}},
		{"a day that ended after its fetch", dated, november("CPCCP"), nil, status.Incomplete, status.Gaps{Partial: []day.Range{span(11, 11)}}},
		{"days before the first", dated, november("CCCC"), []schedule.State{since}, status.Incomplete, status.Gaps{Missing: []day.Range{span(8, 9)}}},
		{"days that nobody wants any more", dated, november("CCCC"), []schedule.State{disabled}, status.Complete, status.Gaps{}},
		{"a day failed", jobs.TableState{LastComplete: dayOf(13), Failing: []jobs.FailingDays{{Days: span(14, 14)}}}, november("CCCC"), nil, status.Incomplete, status.Gaps{}},
		{"a gap, from an older worker", jobs.TableState{LastComplete: dayOf(13), Missing: 2}, nil, nil, status.Incomplete, status.Gaps{}},
		{"a table without days", jobs.TableState{Type: "profiles", FetchedAt: surveyed}, nil, nil, status.Complete, status.Gaps{}},
		{"a table without days or rows", jobs.TableState{Type: "profiles"}, nil, nil, status.Unknown, status.Gaps{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.state.Project, tt.state.Database, tt.state.Table = "web", "main/1.db", "events"
			got := status.Survey{
				Tables: []jobs.TableState{tt.state}, Schedules: tt.schedules, Now: surveyed,
				Days: map[string]map[string]jobs.Days{"main/1.db": {"events": tt.days}},
			}.Judge()[0]
			if got.Completeness != tt.want {
				t.Errorf("the table is %s, want %s", got.Completeness, tt.want)
			}
			if diff := cmp.Diff(tt.gaps, got.Gaps, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}
