package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
)

// editing returns an attempt of an edit of database x.
func editing(fence int64, action jobs.Action, table string) *jobs.Attempt {
	return &jobs.Attempt{Fence: fence, Record: jobs.Record{
		Kind: jobs.KindEdit, Database: "main/x.db", Edit: jobs.Edit{Database: "main/x.db", Action: action, Table: table},
	}}
}

func TestTables(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		jobstest.WantTables(t)
		jobstest.Report(t, jobstest.Attempt(1, "events"), jobs.TableReport{Tables: jobstest.Holds(10, "events")})
		jobstest.WantTables(t, "demo main/x.db events: 10 rows, succeeded")

		lost := errors.New("2 of 31 days could not be fetched")
		jobstest.Report(t, jobstest.Attempt(2, "events"), jobs.TableReport{Tables: jobstest.Holds(20, "events"), Err: lost, Failing: []jobs.FailingDays{
			jobstest.Failing(9, 9, "503\n"+strings.Repeat("x", 500)), jobstest.Failing(4, 5, "shrunk"),
		}})
		long := "503 " + strings.Repeat("x", 293) + "…"
		jobstest.WantTables(t, "demo main/x.db events: 20 rows, succeeded, failed: "+lost.Error()+", 2025-01-04..2025-01-05 shrunk, 2025-01-09 "+long)

		jobstest.Report(t, jobstest.Attempt(1, "events"), jobs.TableReport{Tables: jobstest.Holds(999, "events")}) // of a turn that is over
		jobstest.Report(t, jobstest.Attempt(3, "events"), jobs.TableReport{Unread: true, Err: jobs.PauseUntil(time.Now(), errors.New("budget"))})
		jobstest.Report(t, jobstest.Attempt(3, "events"), jobs.TableReport{Tables: jobstest.Holds(20, "events"), Err: fmt.Errorf("%w: x", jobs.ErrShutdown)})
		jobstest.Report(t, jobstest.Attempt(3, "events"), jobs.TableReport{Tables: jobstest.Holds(20, "events"), Err: fmt.Errorf("%w: x", jobs.ErrCancelled)})
		jobstest.WantTables(t, "demo main/x.db events: 20 rows, succeeded, failed: "+lost.Error()+", 2025-01-04..2025-01-05 shrunk, 2025-01-09 "+long)

		one := jobstest.Attempt(4, "events") // fetches one of the days
		one.Record.Fetch.Days = day.Range{From: day.New(2025, 1, 9), To: day.New(2025, 1, 9)}
		jobstest.Report(t, one, jobs.TableReport{Tables: jobstest.Holds(30, "events")})
		jobstest.WantTables(t, "demo main/x.db events: 30 rows, succeeded, 2025-01-04..2025-01-05 shrunk")
		jobstest.Report(t, jobstest.Attempt(5, "events"), jobs.TableReport{Tables: jobstest.Holds(40, "events"), Err: errors.New("no such account")})
		jobstest.WantTables(t, "demo main/x.db events: 40 rows, succeeded, failed: no such account, 2025-01-04..2025-01-05 shrunk")
		jobstest.Report(t, jobstest.Attempt(6, "events"), jobs.TableReport{Tables: jobstest.Holds(50, "events")})
		jobstest.WantTables(t, "demo main/x.db events: 50 rows, succeeded")
	})
}

// A fetch of selected days settles only those that it has fetched.
func TestAFetchOfSomeDaysKeepsWhatFails(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		january := func(d int) day.Day { return day.New(2025, 1, d) }
		lost := errors.New("days could not be fetched")
		jobstest.Report(t, jobstest.Attempt(1, "events"), jobs.TableReport{Tables: jobstest.Holds(1, "events"), Err: lost, Failing: []jobs.FailingDays{
			jobstest.Failing(4, 5, "old"), jobstest.Failing(9, 9, "old"), jobstest.Failing(20, 21, "old"),
		}})
		due, late := jobstest.Attempt(2, "events"), jobstest.Attempt(3, "events")
		due.Record.Fetch.Due = &jobs.Due{Lookback: 5}
		late.Record.Fetch.LateSince = time.Now()
		jobstest.Report(t, due, jobs.TableReport{Tables: jobstest.Holds(2, "events"), Brought: []day.Day{january(4), january(9)}})
		jobstest.WantTables(t, "demo main/x.db events: 2 rows, succeeded, 2025-01-04..2025-01-05 old, 2025-01-20..2025-01-21 old")
		jobstest.Report(t, late, jobs.TableReport{Tables: jobstest.Holds(3, "events"), Brought: []day.Day{january(4), january(5)}})
		jobstest.WantTables(t, "demo main/x.db events: 3 rows, succeeded, 2025-01-20..2025-01-21 old")
		again := jobstest.Attempt(4, "events")
		again.Record.Fetch = due.Record.Fetch
		jobstest.Report(t, again, jobs.TableReport{Tables: jobstest.Holds(4, "events"), Err: lost, Brought: []day.Day{january(21)}, Failing: []jobs.FailingDays{jobstest.Failing(20, 20, "new")}})
		jobstest.WantTables(t, "demo main/x.db events: 4 rows, succeeded, failed: "+lost.Error()+", 2025-01-20 new")
	})
}

func TestTablesThatComeAndGo(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		no := errors.New("no such account")
		jobstest.Report(t, jobstest.Attempt(1, "never"), jobs.TableReport{Err: no})
		jobstest.Report(t, jobstest.Attempt(2, "b"), jobs.TableReport{Tables: jobstest.Holds(1, "b")})
		jobstest.Report(t, jobstest.Attempt(3, "a"), jobs.TableReport{Tables: jobstest.Holds(2, "a", "b")})
		jobstest.WantTables(t, "demo main/x.db a: 2 rows, succeeded", "demo main/x.db b: 2 rows, succeeded", "demo main/x.db never: 0 rows, unread, failed: no such account")
		jobstest.Report(t, editing(4, jobs.ActionPromote, "a"), jobs.TableReport{Tables: jobstest.Holds(3, "a", "b"), Err: no})
		jobstest.WantTables(t, "demo main/x.db a: 3 rows, succeeded", "demo main/x.db b: 3 rows, succeeded", "demo main/x.db never: 0 rows, unread, failed: no such account")
		jobstest.Report(t, editing(5, jobs.ActionDrop, "never"), jobs.TableReport{Tables: jobstest.Holds(3, "a", "b"), Err: no})
		jobstest.Report(t, editing(6, jobs.ActionDrop, "a"), jobs.TableReport{Tables: jobstest.Holds(3, "a", "b"), Err: no})
		jobstest.WantTables(t, "demo main/x.db a: 3 rows, succeeded", "demo main/x.db b: 3 rows, succeeded")
		jobstest.Report(t, editing(7, jobs.ActionDrop, "a"), jobs.TableReport{Tables: jobstest.Holds(4, "b")})
		jobstest.WantTables(t, "demo main/x.db b: 4 rows, succeeded")
		jobstest.Report(t, editing(8, jobs.ActionDropAll, ""), jobs.TableReport{Unread: true, Err: no})
		jobstest.WantTables(t, "demo main/x.db b: 4 rows, succeeded")
		jobstest.Report(t, editing(9, jobs.ActionDropAll, ""), jobs.TableReport{Unread: true})
		jobstest.WantTables(t)
		jobstest.Report(t, editing(10, jobs.ActionPromote, "c"), jobs.TableReport{Tables: jobstest.Holds(4, "c")}) // filled before there were reports
		jobstest.WantTables(t, "12345 main/x.db c: 4 rows")
	})
}

// The stored state of a table is limited, however much fails.
func TestFailingDaysAreBounded(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		var many []jobs.FailingDays
		for d := range day.Day(100) {
			many = append(many, jobs.FailingDays{Days: day.Range{From: d, To: d}, Message: "x"})
		}
		jobstest.Report(t, jobstest.Attempt(1, "events"), jobs.TableReport{Err: errors.New("no"), Failing: many})
		all, err := t.Q.Tables(context.Background())
		if err != nil || len(all) != 1 || len(all[0].Failing) != 20 || all[0].Failing[19].Days.To != 99 {
			t.Errorf("Tables() = %+v, %v; want the newest 20 days that fail", all, err)
		}
	})
}
