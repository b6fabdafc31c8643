package e2e

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

// newPeople makes a site with a project that has count profiles, two cohorts, and a few profiles of a group.
func newPeople(tb testing.TB, count int) *site {
	tb.Helper()
	p := newProject(projectID, "us", 20)
	p.Profiles = mixpaneltest.People{Seed: 1, Count: count}
	p.PageSize = 100
	p.Cohorts = []mixpaneltest.Cohort{{ID: 7, Name: "every third", Every: 3}, {ID: 8, Name: "some", Members: []string{"x", "y", "z"}}}
	p.Groups = []mixpaneltest.Group{{Key: "company", ID: "9007199254740993", Profiles: mixpaneltest.People{Seed: 2, Count: 7, Prefix: "company-"}}}
	return newSite(tb, embedded, mixpaneltest.Start(tb, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{p}, Limits: mixpaneltest.Limits{Off: true}, QueryLimits: mixpaneltest.Limits{Off: true},
	}))
}

// refreshed is the part of a job about a fetched stream.
type refreshed struct {
	State     string `json:"state"`
	Stream    string `json:"stream"`
	Added     int    `json:"added"`
	Updated   int    `json:"updated"`
	Removed   int    `json:"removed"`
	Unchanged int    `json:"unchanged"`
	Requests  int    `json:"requests"`
}

// checkProfiles compares a table with the stand-in's data, byte by byte.
func (s *site) checkProfiles(tb testing.TB, table, group string) {
	tb.Helper()
	truth, err := s.mixpanel.Profiles(mixpaneltest.ProfileAsk{Project: projectID, Group: group})
	if err != nil {
		tb.Fatal(err)
	}
	var want []string
	for _, row := range truth.Rows {
		want = append(want, row.DistinctID+"\t"+row.Properties)
	}
	sum := fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(want, "\n"))))
	r := s.enqueue(tb, "query", "--format", "csv",
		"SELECT count(*), md5(string_agg(distinct_id || chr(9) || properties::VARCHAR, chr(10) ORDER BY distinct_id)) FROM "+table)
	if got := strings.TrimSpace(r.stdout); r.code != 0 || !strings.HasSuffix(got, fmt.Sprintf("%d,%s", len(want), sum)) {
		tb.Errorf("%s is not what the stand-in holds (%d profiles):\n%s%s", table, len(want), r.stdout, r.stderr)
	}
}

func (s *site) change(tb testing.TB, errs ...error) {
	tb.Helper()
	for _, err := range errs {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func TestProfilesAreRefreshed(t *testing.T) {
	t.Parallel()
	s := newPeople(t, 150)
	s.startWorker(t)
	var job refreshed
	fetch := func(want refreshed, args ...string) {
		t.Helper()
		job = refreshed{}
		s.decode(t, &job, append([]string{"fetch", "profiles", "--wait"}, args...)...)
		if job != want {
			t.Errorf("fetch profiles %q = %+v, want %+v", args, job, want)
		}
	}
	fetch(refreshed{State: "done", Stream: "profiles", Added: 150, Requests: 2})
	s.checkProfiles(t, "profiles", "")

	first, err := s.mixpanel.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
	s.change(t, err,
		s.mixpanel.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: "new", Properties: `{"n": 9007199254740993, "$last_seen": "2026-11-28T06:00:00"}`}),
		s.mixpanel.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: first.Rows[0].DistinctID, Properties: `{"plan":"gold"}`}),
		s.mixpanel.DeleteProfile(projectID, "", first.Rows[1].DistinctID),
	)
	fetch(refreshed{State: "done", Stream: "profiles", Added: 1, Updated: 1, Removed: 1, Unchanged: 148, Requests: 3})
	s.checkProfiles(t, "profiles", "")

	fetch(refreshed{State: "done", Stream: "profiles", Added: 7, Requests: 1}, "companies", "--group", "9007199254740993")
	s.checkProfiles(t, "companies", "9007199254740993")
	r := s.enqueue(t, "status")
	if r.code != 0 || !strings.Contains(r.stdout, "profiles") || !strings.Contains(r.stdout, "companies") {
		t.Errorf("status (%d) lacks a table:\n%s%s", r.code, r.stdout, r.stderr)
	}
}
