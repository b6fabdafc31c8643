package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// attempt is one of a fetch of January 2025 into a table of database x.
func attempt(fence int64, table string) *jobs.Attempt {
	return &jobs.Attempt{Fence: fence, Record: jobs.Record{
		ID: fmt.Sprintf("job-%d", fence), Kind: jobs.KindFetch, Project: "demo", Database: "main/x.db", Fetch: fetch("x", table),
	}}
}

// editing is an attempt of an edit of database x.
func editing(fence int64, action jobs.Action, table string) *jobs.Attempt {
	return &jobs.Attempt{Fence: fence, Record: jobs.Record{
		Kind: jobs.KindEdit, Database: "main/x.db", Edit: jobs.Edit{Database: "main/x.db", Action: action, Table: table},
	}}
}

// holds is what a database holds: tables of that many rows.
func holds(rows int64, names ...string) (all []jobs.TableState) {
	for _, name := range names {
		all = append(all, jobs.TableState{Project: "12345", Table: name, Rows: rows})
	}
	return all
}

func failing(from, to int, message string) jobs.FailingDays {
	return jobs.FailingDays{Days: day.Range{From: day.New(2025, 1, from), To: day.New(2025, 1, to)}, Message: message}
}

func report(t rig, a *jobs.Attempt, r jobs.TableReport) {
	t.Helper()
	if err := t.q.ReportTables(t.Context(), a, r); err != nil {
		t.Fatal(err)
	}
}

// wantTables compares what is known, but for times, which are told by whether they are there.
func wantTables(t rig, want ...string) {
	t.Helper()
	all, err := t.q.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		parts := []string{fmt.Sprintf("%s %s %s: %d rows", s.Project, s.Database, s.Table, s.Rows)}
		if s.ReadAt.IsZero() {
			parts = append(parts, "unread")
		}
		if !s.SucceededAt.IsZero() {
			parts = append(parts, "succeeded")
		}
		if s.Failure != nil {
			parts = append(parts, "failed: "+s.Failure.Message)
		}
		for _, f := range s.Failing {
			parts = append(parts, fmt.Sprintf("%s %s", f.Days, f.Message))
		}
		got = append(got, strings.Join(parts, ", "))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		wantTables(t)
		report(t, attempt(1, "events"), jobs.TableReport{Tables: holds(10, "events")})
		wantTables(t, "demo main/x.db events: 10 rows, succeeded")

		lost := errors.New("2 of 31 days could not be fetched")
		report(t, attempt(2, "events"), jobs.TableReport{Tables: holds(20, "events"), Err: lost, Failing: []jobs.FailingDays{
			failing(9, 9, "503\n"+strings.Repeat("x", 500)), failing(4, 5, "shrunk"),
		}})
		long := "503 " + strings.Repeat("x", 293) + "…"
		wantTables(t, "demo main/x.db events: 20 rows, succeeded, failed: "+lost.Error()+", 2025-01-04..2025-01-05 shrunk, 2025-01-09 "+long)

		report(t, attempt(1, "events"), jobs.TableReport{Tables: holds(999, "events")}) // of a turn that is over
		report(t, attempt(3, "events"), jobs.TableReport{Unread: true, Err: jobs.PauseUntil(time.Now(), errors.New("budget"))})
		report(t, attempt(3, "events"), jobs.TableReport{Tables: holds(20, "events"), Err: fmt.Errorf("%w: x", jobs.ErrShutdown)})
		report(t, attempt(3, "events"), jobs.TableReport{Tables: holds(20, "events"), Err: fmt.Errorf("%w: x", jobs.ErrCancelled)})
		wantTables(t, "demo main/x.db events: 20 rows, succeeded, failed: "+lost.Error()+", 2025-01-04..2025-01-05 shrunk, 2025-01-09 "+long)

		one := attempt(4, "events") // brings one of the days
		one.Record.Fetch.Days = day.Range{From: day.New(2025, 1, 9), To: day.New(2025, 1, 9)}
		report(t, one, jobs.TableReport{Tables: holds(30, "events")})
		wantTables(t, "demo main/x.db events: 30 rows, succeeded, 2025-01-04..2025-01-05 shrunk")
		report(t, attempt(5, "events"), jobs.TableReport{Tables: holds(40, "events"), Err: errors.New("no such account")})
		wantTables(t, "demo main/x.db events: 40 rows, succeeded, failed: no such account, 2025-01-04..2025-01-05 shrunk")
		report(t, attempt(6, "events"), jobs.TableReport{Tables: holds(50, "events")})
		wantTables(t, "demo main/x.db events: 50 rows, succeeded")
	})
}

// A fetch that chooses among its days settles those that it has brought, and no others.
func TestAFetchOfSomeDaysKeepsWhatFails(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		january := func(d int) day.Day { return day.New(2025, 1, d) }
		lost := errors.New("days could not be fetched")
		report(t, attempt(1, "events"), jobs.TableReport{Tables: holds(1, "events"), Err: lost, Failing: []jobs.FailingDays{
			failing(4, 5, "old"), failing(9, 9, "old"), failing(20, 21, "old"),
		}})
		due, late := attempt(2, "events"), attempt(3, "events")
		due.Record.Fetch.Due = &jobs.Due{Lookback: 5}
		late.Record.Fetch.LateSince = time.Now()
		report(t, due, jobs.TableReport{Tables: holds(2, "events"), Brought: []day.Day{january(4), january(9)}})
		wantTables(t, "demo main/x.db events: 2 rows, succeeded, 2025-01-04..2025-01-05 old, 2025-01-20..2025-01-21 old")
		report(t, late, jobs.TableReport{Tables: holds(3, "events"), Brought: []day.Day{january(4), january(5)}})
		wantTables(t, "demo main/x.db events: 3 rows, succeeded, 2025-01-20..2025-01-21 old")
		again := attempt(4, "events")
		again.Record.Fetch = due.Record.Fetch
		report(t, again, jobs.TableReport{Tables: holds(4, "events"), Err: lost, Brought: []day.Day{january(21)}, Failing: []jobs.FailingDays{failing(20, 20, "new")}})
		wantTables(t, "demo main/x.db events: 4 rows, succeeded, failed: "+lost.Error()+", 2025-01-20 new")
	})
}

func TestTablesThatComeAndGo(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		no := errors.New("no such account")
		report(t, attempt(1, "never"), jobs.TableReport{Err: no})
		report(t, attempt(2, "b"), jobs.TableReport{Tables: holds(1, "b")})
		report(t, attempt(3, "a"), jobs.TableReport{Tables: holds(2, "a", "b")})
		wantTables(t, "demo main/x.db a: 2 rows, succeeded", "demo main/x.db b: 2 rows, succeeded", "demo main/x.db never: 0 rows, unread, failed: no such account")
		report(t, editing(4, jobs.ActionPromote, "a"), jobs.TableReport{Tables: holds(3, "a", "b"), Err: no})
		wantTables(t, "demo main/x.db a: 3 rows, succeeded", "demo main/x.db b: 3 rows, succeeded", "demo main/x.db never: 0 rows, unread, failed: no such account")
		report(t, editing(5, jobs.ActionDrop, "never"), jobs.TableReport{Tables: holds(3, "a", "b"), Err: no})
		report(t, editing(6, jobs.ActionDrop, "a"), jobs.TableReport{Tables: holds(3, "a", "b"), Err: no})
		wantTables(t, "demo main/x.db a: 3 rows, succeeded", "demo main/x.db b: 3 rows, succeeded")
		report(t, editing(7, jobs.ActionDrop, "a"), jobs.TableReport{Tables: holds(4, "b")})
		wantTables(t, "demo main/x.db b: 4 rows, succeeded")
		report(t, editing(8, jobs.ActionDropAll, ""), jobs.TableReport{Unread: true, Err: no})
		wantTables(t, "demo main/x.db b: 4 rows, succeeded")
		report(t, editing(9, jobs.ActionDropAll, ""), jobs.TableReport{Unread: true})
		wantTables(t)
		report(t, editing(10, jobs.ActionPromote, "c"), jobs.TableReport{Tables: holds(4, "c")}) // filled before there were reports
		wantTables(t, "12345 main/x.db c: 4 rows")
	})
}

// What is kept of a table is bounded, however much fails.
func TestFailingDaysAreBounded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t rig) {
		var many []jobs.FailingDays
		for d := range day.Day(100) {
			many = append(many, jobs.FailingDays{Days: day.Range{From: d, To: d}, Message: "x"})
		}
		report(t, attempt(1, "events"), jobs.TableReport{Err: errors.New("no"), Failing: many})
		all, err := t.q.Tables(context.Background())
		if err != nil || len(all) != 1 || len(all[0].Failing) != 20 || all[0].Failing[19].Days.To != 99 {
			t.Errorf("Tables() = %+v, %v; want the newest 20 days that fail", all, err)
		}
	})
}
