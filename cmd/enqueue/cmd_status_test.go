package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/budget"
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

func TestStatusScreen(t *testing.T) {
	t.Parallel()
	paused := everyMorning("signups", surveyed.AddDate(0, 0, -1))
	paused.Paused = true
	s := status.Survey{
		Projects: []jobs.ProjectInfo{{Name: "web", ID: 1, Zone: "UTC", Database: "main/1.db"}},
		Tables: []jobs.TableState{
			{
				Project: "web", Database: "main/1.db", Table: "events", Rows: 12_345_678, LastComplete: dayOf(24), Complete: 5, Missing: 3, Partial: 1,
				Quarantined: 2, Failing: []jobs.FailingDays{{Days: day.Range{From: *dayOf(20), To: *dayOf(21)}, Message: "the export ends within a line"}},
			},
			{Project: "2", Database: "eu/x.db", Table: "events", Rows: 5, LastComplete: dayOf(1), Job: "J", Failure: &jobs.Failure{Message: "no"}},
		},
		Schedules: []schedule.State{everyMorning("events", surveyed.AddDate(0, -1, 0)), paused},
		Days: map[string]map[string]jobs.Days{"main/1.db": {"events": jobs.NewDays([]jobs.StoredDay{
			{Day: *dayOf(15), State: jobs.DayComplete},
			{Day: *dayOf(17), State: jobs.DayUnavailable},
			{Day: *dayOf(20), State: jobs.DayComplete},
			{Day: *dayOf(21), State: jobs.DayComplete},
			{Day: *dayOf(22), State: jobs.DayComplete},
			{Day: *dayOf(23), State: jobs.DayPartial},
			{Day: *dayOf(24), State: jobs.DayComplete},
			{Day: *dayOf(25), State: jobs.DayPartial},
		})}},
		MaxLag: 36 * time.Hour, Now: surveyed,
	}
	tables := s.Judge()
	budgets := map[int64]budget.State{1: {Left: 50, Limit: 54}}
	want := strings.Join([]string{
		"PROJECT  TABLE           STATE        COMPLETE  LAST DAY    BEHIND  ROWS        NEXT RUN",
		"2        eu/x.db events  unscheduled  yes       2026-11-01  23d11h  5           not scheduled",
		"web      events          failing      no        2026-11-24  11h     12,345,678  2026-11-26 06:15:00 (19h15m)",
		"web      signups         new          unknown   never       24h     0           paused",
		"2 eu/x.db events: job J failed: no",
		"web events: 3 days missing (2026-11-16, 2026-11-18..2026-11-19), 1 day partial (2026-11-23), 2 lines in quarantine",
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
	if err := alarm(tables, false); fault.CodeOf(err) != fault.CodeFailed || err.Error() != "events of 1.db is failing" {
		t.Errorf("alarm() = %v", err)
	}
	if err := alarm(tables[:1], false); fault.CodeOf(err) != fault.CodeFailed {
		t.Errorf("alarm() where nothing is scheduled = %v, want an error", err)
	}
	if err := alarm(tables[2:], false); err != nil {
		t.Errorf("alarm() where all is well = %v", err)
	}
	fresh := slices.Clone(tables[1:])
	fresh[0].Verdict = status.Fresh // with gaps
	if err := alarm(fresh, false); err != nil {
		t.Errorf("alarm() about gaps, without --complete, = %v", err)
	}
	if err := alarm(fresh, true); err == nil || err.Error() != "events of 1.db has gaps" {
		t.Errorf("alarm() with --complete = %v", err)
	}
	b, err := json.Marshal(newStatusObjects(tables, budgets, nil, surveyed)[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{
		`"state":"failing"`, `"last_complete_day":"2026-11-24"`, `"behind_seconds":39600`, `"requests_left":50`, `"from":"2026-11-20","to":"2026-11-21"`,
		`"completeness":"incomplete","missing":[{"from":"2026-11-16","to":"2026-11-16"},{"from":"2026-11-18","to":"2026-11-19"}],"old_partial":[{"from":"2026-11-23","to":"2026-11-23"}]`,
	} {
		if !strings.Contains(string(b), field) {
			t.Errorf("no %s in %s", field, b)
		}
	}
}
