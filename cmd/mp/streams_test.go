package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// newPeopleSite is a site with 25 profiles, a cohort of five of them, and an annotation.
func newPeopleSite(tb testing.TB) *site {
	tb.Helper()
	return newSiteOfProject(tb, mixpaneltest.Project{
		Data: mixpaneltest.Lines{}, Profiles: mixpaneltest.People{Seed: 1, Count: 25}, PageSize: 10,
		Cohorts:     []mixpaneltest.Cohort{{ID: 7, Name: "seven", Created: "2026-10-01 10:00:00", Every: 5}},
		Annotations: []mixpaneltest.Annotation{{ID: 1, Date: "2026-10-01 10:00:00", Description: "x"}},
	})
}

// refreshed is the result of a fetch in --format json.
type refreshed struct {
	Stream, Table                            string
	Rows, Added, Updated, Removed, Unchanged int
	Requests                                 int
}

func TestFetchProfiles(t *testing.T) {
	t.Parallel()
	s := newPeopleSite(t)
	r := s.mp(t, "fetch", "profiles", "people")
	if r.code != 0 || !strings.HasPrefix(r.stdout, "done: people: 25 rows, 25 added, 0 updated, 0 removed, 0 unchanged; 3 requests, ") {
		t.Fatalf("%+v", r)
	}
	if err := s.mixpanel.DeleteProfile(12345, "", mixpaneltest.People{Seed: 1}.ID(3)); err != nil {
		t.Fatal(err)
	}
	r = s.mp(t, "fetch", "profiles", "people", "--format", "json")
	var got refreshed
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || got != (refreshed{"profiles", "people", 24, 0, 0, 1, 24, 4}) {
		t.Fatalf("%+v, %v, %s", got, err, r.stderr)
	}
	if r = s.mp(t, "fetch", "profiles", "seven", "--cohort", "7"); r.code != 0 || !strings.Contains(r.stdout, "5 rows") {
		t.Fatalf("%+v", r)
	}
	if r = s.mp(t, "fetch", "profiles", "--table"); r.code != 3 {
		t.Fatalf("%+v", r)
	}
	if r = s.mp(t, "fetch", "events", "people", "--from", "2d"); r.code != 1 || !strings.Contains(r.stderr, "table people holds profiles, not events") {
		t.Fatalf("%+v", r)
	}
	if r = s.mp(t, "inspect", "tables"); r.code != 0 || !strings.Contains(r.stdout, "profiles") {
		t.Fatalf("%+v", r)
	}
}

func TestProfilesToStdout(t *testing.T) {
	t.Parallel()
	s := newPeopleSite(t)
	for _, flags := range [][]string{nil, {"--raw"}} {
		r := s.mp(t, append([]string{"fetch", "profiles", "--stdout"}, flags...)...)
		lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
		if r.code != 0 || len(lines) != 25 || r.stderr != "25 profiles\n" {
			t.Fatalf("%d lines, %+v", len(lines), r)
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || strings.Contains(line, `"$distinct_id"`) != (flags != nil) {
				t.Fatal(line)
			}
		}
	}
}

func TestFetchAllNamesWhatThePlanLacks(t *testing.T) {
	t.Parallel()
	s := newPeopleSite(t)
	if _, err := s.mixpanel.Inject(mixpaneltest.Fault{Kind: mixpaneltest.Status402, Call: "annotations"}); err != nil {
		t.Fatal(err)
	}
	r := s.mp(t, "fetch", "all", "--format", "json")
	var all []refreshed
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || r.code != 0 || len(all) != 6 {
		t.Fatalf("%+v, %v, %+v", all, err, r)
	}
	if !strings.Contains(r.stderr, "annotations: the project's plan lacks it") {
		t.Fatal(r.stderr)
	}
	if all[2].Table != "cohort_members" || all[2].Rows != 5 {
		t.Fatalf("%+v", all)
	}
}
