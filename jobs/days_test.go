package jobs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"mixduck/internal/day"
	"mixduck/jobs"
)

func TestDayMapOfDays(t *testing.T) {
	t.Parallel()
	first := day.New(2025, 2, 27)
	days := jobs.NewDays([]jobs.StoredDay{
		{Day: first + 5, State: jobs.DayPartial, Quarantined: true},
		{Day: first, State: jobs.DayComplete, Rows: 60_000, Changed: true},
		{Day: first + 1, State: jobs.DayUnavailable},
		{Day: first + 4, State: jobs.DayComplete, Rows: 12, Changed: true, Quarantined: true},
	})
	if got, want := days.String(), "2025-02-27 Cea60+U0M2Cc+!P0!"; got != want {
		t.Errorf("day map = %q, want %q", got, want)
	}
	want := []day.Range{{From: first + 2, To: first + 3}}
	if diff := cmp.Diff(want, days.Ranges(jobs.DayMissing)); diff != "" {
		t.Errorf("missing days (-want +got):\n%s", diff)
	}
	for _, s := range []string{"2025", "2025-02-27 C", "2025-02-27 x1", "2025-02-27 C1Z", "2025-02-27 C1!+", "2025-02-27 M1+", "2025-02-27 M7fffffffffffffff", "2025-02-27 Cfffffffffffffffff"} {
		if days, err := jobs.ParseDays(s); err == nil {
			t.Errorf("ParseDays(%q) = %v, want an error", s, days)
		}
	}
}

func TestDayMapsAreDecodedAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		known := map[day.Day]jobs.StoredDay{}
		for range rapid.IntRange(0, 30).Draw(t, "days") {
			d := day.New(2025, 1, 1) + day.Day(rapid.IntRange(0, 100).Draw(t, "day"))
			state := rapid.SampledFrom([]jobs.DayState{jobs.DayComplete, jobs.DayPartial, jobs.DayUnavailable}).Draw(t, "state")
			known[d] = jobs.StoredDay{
				Day: d, State: state, Rows: rapid.Int64Min(0).Draw(t, "rows"), Changed: rapid.Bool().Draw(t, "changed"), Quarantined: rapid.Bool().Draw(t, "quarantined"),
			}
		}
		var some []jobs.StoredDay
		for _, d := range known {
			some = append(some, d)
		}
		days := jobs.NewDays(some)
		got, err := jobs.ParseDays(days.String())
		if diff := cmp.Diff(days, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("ParseDays(%q) = %v (-want +got):\n%s", days, err, diff)
		}
		missing := 0
		for i, d := range days {
			if d.Day != days[0].Day+day.Day(i) {
				t.Fatalf("day %d is %s", i, d.Day)
			}
			if stored, ok := known[d.Day]; ok && d != stored {
				t.Fatalf("day %+v, want %+v", d, stored)
			} else if !ok {
				missing++
			}
		}
		for _, r := range days.Ranges(jobs.DayMissing) {
			missing -= r.Len()
		}
		if missing != 0 {
			t.Fatalf("%d missing days are in no range, or in two", missing)
		}
	})
}
