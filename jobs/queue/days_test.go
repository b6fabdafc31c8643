package queue_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
)

// some returns a day map of complete days from the first of January 2025.
func some(rows ...int64) (days jobs.Days) {
	for i, n := range rows {
		days = append(days, jobs.StoredDay{Day: day.New(2025, 1, 1) + day.Day(i), State: jobs.DayComplete, Rows: n})
	}
	return days
}

func wantDays(t jobstest.Rig, what string, want map[string]jobs.Days) {
	t.Helper()
	all, err := t.Q.AllDays(t.Context(), []string{"main/x.db"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]map[string]jobs.Days{"main/x.db": want}, all); diff != "" {
		t.Errorf("day maps %s (-want +got):\n%s", what, diff)
	}
}

func TestTheLatestReportOfDaysCounts(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		write := func(a *jobs.Attempt, r jobs.DayReport) {
			t.Helper()
			if err := t.Q.Engine().WriteDays(t.Context(), a.Record.Database, a.Fence, r); err != nil {
				t.Fatal(err)
			}
		}
		report := func(a *jobs.Attempt, days map[string]jobs.Days) {
			t.Helper()
			jobstest.Report(t, a, jobs.TableReport{Tables: jobstest.Holds(1, "events"), Days: days})
		}
		wantDays(t, "before the first report", map[string]jobs.Days{})
		if mapped, err := t.Q.Mapped(t.Context()); err != nil || len(mapped) != 0 {
			t.Errorf("Mapped() = %v, %v before the first report", mapped, err)
		}
		first := jobstest.Attempt(1, "events")
		report(first, map[string]jobs.Days{"events": some(1), "other": some(5)})
		wantDays(t, "at the end of an attempt", map[string]jobs.Days{"events": some(1), "other": some(5)})

		second := jobstest.Attempt(2, "events")
		second.ReportDays("events", some(1, 2))
		window := second.UnwrittenDays()
		write(second, window)
		wantDays(t, "after a window", map[string]jobs.Days{"events": some(1, 2), "other": some(5)})
		report(second, map[string]jobs.Days{"events": some(1, 2, 3)})
		write(second, window) // that was held up
		report(first, map[string]jobs.Days{"events": some(9)})
		jobstest.Report(t, jobstest.Attempt(3, "events"), jobs.TableReport{Unread: true, Err: errors.New("locked")})
		wantDays(t, "after late reports", map[string]jobs.Days{"events": some(1, 2, 3)})
		if mapped, err := t.Q.Mapped(t.Context()); err != nil || !mapped["main/x.db"] {
			t.Errorf("Mapped() = %v, %v; want the database", mapped, err)
		}

		report(jobstest.Attempt(4, "events"), nil)
		wantDays(t, "after all tables were dropped", map[string]jobs.Days{})
		if days, err := t.Q.Days(t.Context(), "main/x.db", "events"); err != nil || len(days) != 0 {
			t.Errorf("Days() = %v, %v; want none", days, err)
		}
	})
}
