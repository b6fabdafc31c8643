package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/cmd/internal/console"
	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	"mixduck/jobs"
	"mixduck/jobs/queue"
)

func TestCoverageComesFromTheQueue(t *testing.T) {
	t.Parallel()
	q, err := queue.New(proctest.NewRedis(t).Client(t), queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	first := day.New(2026, 10, 30)
	days := jobs.NewDays([]jobs.StoredDay{
		{Day: first, State: jobs.DayUnavailable}, {Day: first + 1, State: jobs.DayComplete, Rows: 5}, {Day: first + 4, State: jobs.DayPartial, Rows: 1},
	})
	a := &jobs.Attempt{Fence: 1, Record: jobs.Record{Kind: jobs.KindEdit, Database: "main/1.db"}}
	report := jobs.TableReport{Tables: []jobs.TableState{{Table: "events"}, {Table: "people", Type: "profiles"}}, Days: map[string]jobs.Days{"events": days}}
	if err := q.ReportTables(t.Context(), a, report); err != nil {
		t.Fatal(err)
	}
	found, err := coverageOf(t.Context(), q, "main/1.db", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []coverageObject{{"main/1.db", "events", []dayObject{
		{first, "unavailable", 0}, {first + 1, "complete", 5}, {first + 2, "missing", 0}, {first + 3, "missing", 0}, {first + 4, "partial", 1},
	}}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	if _, err := coverageOf(t.Context(), q, "", "people"); fault.CodeOf(err) != fault.CodeNotFound {
		t.Errorf("coverage of a table without days: %v", err)
	}
	var out bytes.Buffer
	if err := console.Calendars(&out, nil); err != nil || out.Len() > 0 {
		t.Errorf("no calendars are drawn as %q, %v", out.String(), err)
	}
}
