package jobstest

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mixduck/internal/day"
	"mixduck/jobs"
)

// Attempt returns an attempt of a fetch of January 2025 into a table of database x.
func Attempt(fence int64, table string) *jobs.Attempt {
	return &jobs.Attempt{Fence: fence, Record: jobs.Record{
		ID: fmt.Sprintf("job-%d", fence), Kind: jobs.KindFetch, Project: "demo", Database: "main/x.db", Fetch: Fetch("x", table),
	}}
}

// Holds returns the content of a database: tables with the given number of rows.
func Holds(rows int64, names ...string) (all []jobs.TableState) {
	for _, name := range names {
		all = append(all, jobs.TableState{Project: "12345", Table: name, Rows: rows})
	}
	return all
}

// Failing returns failed days of January 2025.
func Failing(from, to int, message string) jobs.FailingDays {
	return jobs.FailingDays{Days: day.Range{From: day.New(2025, 1, from), To: day.New(2025, 1, to)}, Message: message}
}

// Report reports tables.
func Report(t Rig, a *jobs.Attempt, r jobs.TableReport) {
	t.Helper()
	if err := t.Q.ReportTables(t.Context(), a, r); err != nil {
		t.Fatal(err)
	}
}

// WantTables compares the known tables. It ignores times except whether they are set.
func WantTables(t Rig, want ...string) {
	t.Helper()
	all, err := t.Q.Tables(t.Context())
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
