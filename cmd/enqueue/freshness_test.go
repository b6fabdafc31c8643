package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/budget"
	"mixduck/jobs/schedule"
)

// surveyed is noon in Berlin, on a day on which tables are judged.
var surveyed = time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)

func dayOf(n int) *day.Day {
	d := day.New(2026, 11, n)
	return &d
}

// everyMorning fills a table of main/1.db since a moment.
func everyMorning(table string, since time.Time) schedule.State {
	return schedule.State{CreatedAt: since, Schedule: jobs.Schedule{
		Name: "morning-" + table, Project: "web", ProjectZone: "UTC", Zone: "UTC", Cron: "15 6 * * *", Database: "main/1.db", Table: table,
	}}
}

func TestFreshness(t *testing.T) {
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
		want      verdict
	}{
		{"yesterday is complete", web, jobs.TableState{LastComplete: dayOf(24)}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, isFresh},
		{"yesterday is missing until noon of the next day", web, jobs.TableState{LastComplete: dayOf(23)}, []schedule.State{everyMorning("events", weekAgo)}, false, 35 * time.Hour, isFresh},
		{"two days are missing", web, jobs.TableState{LastComplete: dayOf(22)}, []schedule.State{everyMorning("events", weekAgo)}, false, 59 * time.Hour, isStale},
		{"days of old projects end in their zone", old, jobs.TableState{LastComplete: dayOf(23)}, []schedule.State{everyMorning("events", weekAgo)}, false, 27 * time.Hour, isFresh},
		{"a day cannot be had", web, jobs.TableState{LastComplete: dayOf(24), Failing: failing}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, isFailing},
		{"a day cannot be had yet", web, jobs.TableState{LastComplete: dayOf(24), Failing: young}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, isFresh},
		{"a new schedule", web, jobs.TableState{}, []schedule.State{everyMorning("events", surveyed.Add(-time.Hour))}, false, time.Hour, isNew},
		{"a schedule that never came to anything", web, jobs.TableState{}, []schedule.State{everyMorning("events", weekAgo)}, false, 7 * 24 * time.Hour, isStale},
		{"nobody promised anything", web, jobs.TableState{LastComplete: dayOf(1)}, nil, false, 563 * time.Hour, unscheduled},
		{"nobody promised anything, but it is asked for", web, jobs.TableState{LastComplete: dayOf(1)}, nil, true, 563 * time.Hour, isStale},
		{"a project that no worker knows", jobs.ProjectInfo{Name: "shop"}, jobs.TableState{LastComplete: dayOf(24)}, []schedule.State{everyMorning("events", weekAgo)}, false, 11 * time.Hour, isFresh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.state.Project, tt.state.Database, tt.state.Table = "web", "main/1.db", "events"
			s := survey{projects: []jobs.ProjectInfo{tt.project}, tables: []jobs.TableState{tt.state}, schedules: tt.schedules, maxLag: 36 * time.Hour, all: tt.all, now: surveyed}
			got := s.judge()
			if len(got) != 1 || got[0].verdict != tt.want || got[0].behind != tt.behind {
				t.Errorf("judge() = %+v, want one table that is %s, behind %s", got, tt.want, tt.behind)
			}
		})
	}
}

func TestStatusScreen(t *testing.T) {
	t.Parallel()
	paused := everyMorning("signups", surveyed.AddDate(0, 0, -1))
	paused.Paused = true
	s := survey{
		projects: []jobs.ProjectInfo{{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}},
		tables: []jobs.TableState{
			{
				Project: "web", Database: "main/1.db", Table: "events", Rows: 12_345_678, LastComplete: dayOf(24), Missing: 3, Partial: 1,
				Quarantined: 2, Failing: []jobs.FailingDays{{Days: day.Range{From: *dayOf(20), To: *dayOf(21)}, Message: "the export ends within a line"}},
			},
			{Project: "2", Database: "eu/x.db", Table: "events", Rows: 5, LastComplete: dayOf(1), Job: "J", Failure: &jobs.Failure{Message: "no"}},
		},
		schedules: []schedule.State{everyMorning("events", surveyed.AddDate(0, -1, 0)), paused},
		maxLag:    36 * time.Hour, now: surveyed,
	}
	tables := s.judge()
	budgets := map[int64]budget.State{1: {Left: 50, Limit: 54}}
	want := strings.Join([]string{
		"PROJECT  TABLE           STATE        LAST DAY    BEHIND  ROWS        NEXT RUN",
		"2        eu/x.db events  unscheduled  2026-11-01  563h    5           not scheduled",
		"web      events          failing      2026-11-24  11h     12,345,678  2026-11-26 06:15:00 (19h15m)",
		"web      signups         new          never       24h     0           paused",
		"2 eu/x.db events: job J failed: no",
		"web events: 3 days missing, 1 day partial, 2 lines in quarantine",
		"web events 2026-11-20..2026-11-21: the export ends within a line",
		"web: 50 of 54 requests left this hour",
		"",
	}, "\n")
	if diff := cmp.Diff(want, statusText(tables, budgets, surveyed, 0)); diff != "" {
		t.Errorf("the screen (-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(statusText(tables, budgets, surveyed, 60), "\n") {
		if len(line) > 62 { // … has three bytes
			t.Errorf("a line of %d bytes on 60 columns: %s", len(line), line)
		}
	}
	if err := alarm(tables); fault.CodeOf(err) != fault.CodeFailed || err.Error() != "events of 1.db is failing" {
		t.Errorf("alarm() = %v", err)
	}
	if err := alarm(tables[:1]); fault.CodeOf(err) != fault.CodeFailed {
		t.Errorf("alarm() where nothing is scheduled = %v, want an error", err)
	}
	if err := alarm(tables[2:]); err != nil {
		t.Errorf("alarm() where all is well = %v", err)
	}
	b, err := json.Marshal(newStatusObjects(tables, budgets)[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"state":"failing"`, `"last_complete_day":"2026-11-24"`, `"behind_seconds":39600`, `"requests_left":50`, `"from":"2026-11-20","to":"2026-11-21"`} {
		if !strings.Contains(string(b), field) {
			t.Errorf("no %s in %s", field, b)
		}
	}
}
