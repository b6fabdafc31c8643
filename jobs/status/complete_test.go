package status_test

import (
	"testing"
	"time"

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

// Day maps are written after each window, the counts of a table when an attempt ends.
func TestDaysOfARunningFetch(t *testing.T) {
	t.Parallel()
	read := jobs.TableState{ReadAt: surveyed, Job: "J1", Rows: 20, First: dayOf(12), LastComplete: dayOf(13), Complete: 2}
	for _, tt := range []struct {
		name    string
		state   jobs.TableState
		days    string
		since   time.Duration // of the schedule
		want    jobs.TableState
		verdict status.Verdict
		answer  status.Completeness
		loading bool
	}{
		{
			"the first fetch",
			jobs.TableState{},
			"CCMC", time.Hour,
			jobs.TableState{Rows: 30, First: dayOf(10), LastComplete: dayOf(13), Complete: 3, Missing: 1},
			status.New, status.Unknown, true,
		},
		{"a first fetch of today", jobs.TableState{}, "P", time.Hour, jobs.TableState{First: dayOf(10), Partial: 1}, status.New, status.Unknown, true},
		{"no window has ended", jobs.TableState{}, "", time.Hour, jobs.TableState{}, status.New, status.Unknown, false},
		{
			"a first fetch that takes too long",
			jobs.TableState{},
			"CC", 48 * time.Hour,
			jobs.TableState{Rows: 20, First: dayOf(10), LastComplete: dayOf(11), Complete: 2},
			status.Stale, status.Unknown, true,
		},
		{
			"older days of a later fetch", read, "UMCCCP", time.Hour,
			jobs.TableState{Rows: 30, First: dayOf(12), LastComplete: dayOf(14), Complete: 3, Partial: 1, Unavailable: 1},
			status.Stale, status.Incomplete, false,
		},
		{"a map from before an older worker", read, "C", time.Hour, read, status.Stale, status.Complete, false},
		{
			"a first fetch that failed",
			jobs.TableState{Job: "J1", Failure: &jobs.Failure{}},
			"CM", time.Hour,
			jobs.TableState{Rows: 10, First: dayOf(10), LastComplete: dayOf(10), Complete: 1},
			status.Stale, status.Incomplete, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			days := november(tt.days)
			for i := range days {
				if days[i].State == jobs.DayComplete {
					days[i].Rows = 10
				}
			}
			survey := status.Survey{
				Schedules: []schedule.State{everyMorning("events", surveyed.Add(-tt.since))}, MaxLag: status.DefaultMaxLag, Now: surveyed,
				Days: map[string]map[string]jobs.Days{"main/1.db": {"events": days}},
			}
			if tt.state.Job != "" {
				tt.state.Database, tt.state.Table = "main/1.db", "events"
				survey.Tables = []jobs.TableState{tt.state}
			}
			got := survey.Judge()[0]
			if got.Verdict != tt.verdict || got.Completeness != tt.answer || got.Loading != tt.loading {
				t.Errorf("the table is %s, complete: %s, loading: %t; want %s, %s, %t", got.Verdict, got.Completeness, got.Loading, tt.verdict, tt.answer, tt.loading)
			}
			ignored := cmpopts.IgnoreFields(jobs.TableState{}, "Project", "Database", "Table", "Job", "ReadAt", "Failure")
			if diff := cmp.Diff(tt.want, got.State, ignored); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if tt.loading && len(got.Gaps.All()) > 0 {
				t.Errorf("gaps while it loads: %v", got.Gaps)
			}
		})
	}
}
