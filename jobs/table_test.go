package jobs_test

import (
	"testing"
	"time"

	"mixduck/internal/stream"
	"mixduck/jobs"
)

// A fetch of several tables succeeds for each table that it has refreshed, also if it fails for others.
func TestFetchSucceedsForEachRefreshedTable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)
	before := now.Add(-time.Hour)
	read := func(name string, at time.Time) jobs.TableState {
		return jobs.TableState{Table: name, Type: name, FetchedAt: at}
	}
	known := []jobs.TableState{
		{Table: "profiles", Type: "profiles", FetchedAt: before, Job: "old", SucceededAt: before, Failure: &jobs.Failure{Message: "no"}, ReadAt: before},
		{Table: "cohorts", Type: "cohorts", FetchedAt: before, Job: "old", SucceededAt: before, ReadAt: before},
		{Table: "other", Type: "profiles", FetchedAt: before, Job: "old", SucceededAt: before, ReadAt: before},
	}
	report := jobs.TableReport{Tables: []jobs.TableState{
		read("profiles", now), read("cohorts", before), read("funnels", now), read("funnels_daily", now), read("other", now),
	}}
	job := jobs.Record{ID: "new", Kind: jobs.KindFetch, Project: "web", Fetch: jobs.Fetch{Stream: stream.All, Table: "events"}}
	after := jobs.Merge(known, job, report, now)
	for name, want := range map[string]string{
		"events": "new", "profiles": "new", "cohorts": "old", "funnels": "new", "funnels_daily": "new", "other": "old",
	} {
		succeeded := before
		if want == "new" {
			succeeded = now
		}
		found := false
		for _, s := range after {
			if s.Table != name {
				continue
			}
			found = true
			if s.Job != want || !s.SucceededAt.Equal(succeeded) || s.Failure != nil {
				t.Errorf("%s: job %q succeeded at %s (%v), want %q at %s", name, s.Job, s.SucceededAt, s.Failure, want, succeeded)
			}
		}
		if !found {
			t.Errorf("%s is missing", name)
		}
	}
}
