package status_test

import (
	"slices"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/jobs"
	"mixduck/jobs/schedule"
	"mixduck/jobs/status"
)

// surveyed is noon in Berlin, on the day of the survey.
var surveyed = time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)

func dayOf(n int) *day.Day {
	d := day.New(2026, 11, n)
	return &d
}

// everyMorning returns a schedule that has filled a table of main/1.db since a time.
func everyMorning(table string, since time.Time) schedule.State {
	return schedule.State{CreatedAt: since, Schedule: jobs.Schedule{
		Name: "morning-" + table, Project: "web", ProjectZone: "UTC", Zone: "UTC", Cron: "15 6 * * *", Database: "main/1.db", Table: table,
	}}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	weekAgo := surveyed.AddDate(0, 0, -7)
	failing := []jobs.FailingDays{{Days: day.Range{From: *dayOf(20), To: *dayOf(21)}, Message: "half a line"}}
	young := []jobs.FailingDays{{Days: day.Range{From: *dayOf(24), To: *dayOf(24)}, Message: "half a line"}}
	web, old := jobs.ProjectInfo{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}, jobs.ProjectInfo{Name: "web", ID: 1, Zone: "America/Los_Angeles", Shifted: true}
	tests := []struct {
		name      string
		project   jobs.ProjectInfo
		state     jobs.TableState
		schedules []schedule.State
		all       bool
		behind    time.Duration
		want      status.Verdict
	}{
		{"yesterday is complete", web, jobs.TableState{LastComplete: dayOf(24)}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, status.Fresh},
		{"yesterday is missing until noon of the next day", web, jobs.TableState{LastComplete: dayOf(23)}, []schedule.State{everyMorning("events", weekAgo)}, false, 35 * time.Hour, status.Fresh},
		{"two days are missing", web, jobs.TableState{LastComplete: dayOf(22)}, []schedule.State{everyMorning("events", weekAgo)}, false, 59 * time.Hour, status.Stale},
		{"days of old projects end in their zone", old, jobs.TableState{LastComplete: dayOf(23)}, []schedule.State{everyMorning("events", weekAgo)}, false, 27 * time.Hour, status.Fresh},
		{"a day cannot be had", web, jobs.TableState{LastComplete: dayOf(24), Failing: failing}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, status.Failing},
		{"a day cannot be had yet", web, jobs.TableState{LastComplete: dayOf(24), Failing: young}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, status.Fresh},
		{"a new schedule", web, jobs.TableState{}, []schedule.State{everyMorning("events", surveyed.Add(-time.Hour))}, false, time.Hour, status.New},
		{"a schedule that never came to anything", web, jobs.TableState{}, []schedule.State{everyMorning("events", weekAgo)}, false, 7 * 24 * time.Hour, status.Stale},
		{"nobody promised anything", web, jobs.TableState{LastComplete: dayOf(1)}, nil, false, 563 * time.Hour, status.Unscheduled},
		{"nobody promised anything, but it is asked for", web, jobs.TableState{LastComplete: dayOf(1)}, nil, true, 563 * time.Hour, status.Stale},
		{"a project that no worker knows", jobs.ProjectInfo{Name: "shop"}, jobs.TableState{LastComplete: dayOf(24)}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, status.Fresh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.state.Project, tt.state.Database, tt.state.Table = "web", "main/1.db", "events"
			s := status.Survey{Projects: []jobs.ProjectInfo{tt.project}, Tables: []jobs.TableState{tt.state}, Schedules: tt.schedules, MaxLag: 36 * time.Hour, All: tt.all, Now: surveyed}
			got := s.Judge()
			if len(got) != 1 || got[0].Verdict != tt.want || got[0].Behind != tt.behind {
				t.Errorf("judge() = %+v, want one table that is %s, behind %s", got, tt.want, tt.behind)
			}
		})
	}
}

// A schedule also fills the second table of its stream, but the plan may lack streams of a schedule for all.
func TestTablesOfASchedule(t *testing.T) {
	t.Parallel()
	fetched := func(table string) jobs.TableState {
		return jobs.TableState{Project: "web", Database: "main/1.db", Table: table, FetchedAt: surveyed}
	}
	for _, tt := range []struct {
		stream, table string
		want          []string
	}{
		{stream.Funnels, "steps", []string{"steps", "steps_daily"}},
		{stream.All, "events", []string{"events", "lexicon", "lexicon_properties"}},
	} {
		s := everyMorning(tt.table, surveyed)
		s.Stream = tt.stream
		survey := status.Survey{Schedules: []schedule.State{s}, MaxLag: time.Hour, Now: surveyed}
		for _, table := range tt.want[1:] {
			survey.Tables = append(survey.Tables, fetched(table))
		}
		var got []string
		for _, table := range survey.Judge() {
			got = append(got, table.State.Table)
			if table.Verdict == status.Unscheduled {
				t.Errorf("%s: %s is unscheduled", tt.stream, table.State.Table)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: tables %v, want %v", tt.stream, got, tt.want)
		}
	}
}
