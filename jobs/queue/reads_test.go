package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
)

func TestReadsAreCounted(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		plan, city := jobs.PropertyRead{Table: "events", Property: "plan"}, jobs.PropertyRead{Table: "profiles", Property: "$city: x"}
		today := day.Of(time.Now().UTC())
		for _, reads := range [][]jobs.PropertyRead{{plan}, nil, {plan, city}} {
			if err := t.Q.NoteReads(t.Context(), "main/x.db", reads); err != nil {
				t.Fatal(err)
			}
		}
		got, since, err := t.Q.Reads(t.Context(), "main/x.db")
		if err != nil || since == nil || *since != today {
			t.Fatalf("since %v, %v, want %s", since, err, today)
		}
		want := []jobs.PropertyReads{{PropertyRead: plan, Queries: 2, LastRead: today}, {PropertyRead: city, Queries: 1, LastRead: today}}
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(func(a, b jobs.PropertyReads) bool { return a.Property > b.Property })); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
		if other, since, err := t.Q.Reads(t.Context(), "main/y.db"); err != nil || len(other) > 0 || since != nil {
			t.Errorf("another database: %v, %v, %v", other, since, err)
		}
	})
}

// Statements can name any number of properties; only so many are counted.
func TestReadsAreBounded(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		for i := range 30 {
			reads := []jobs.PropertyRead{{Table: "events", Property: "first"}}
			for n := range 100 {
				reads = append(reads, jobs.PropertyRead{Table: "events", Property: fmt.Sprint(i, "/", n)})
			}
			if err := t.Q.NoteReads(t.Context(), "main/x.db", reads); err != nil {
				t.Fatal(err)
			}
		}
		got, _, err := t.Q.Reads(t.Context(), "main/x.db")
		if err != nil || len(got) > 2200 {
			t.Errorf("%d properties, %v, want about 2000", len(got), err)
		}
		for _, r := range got {
			if r.Property == "first" && r.Queries != 30 {
				t.Errorf("a known property has %d queries, want 30", r.Queries)
			}
		}
	})
}
