package e2e

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// versions are the rows that a table with history should have: of each key, its contents in order. Only the last one
// can be open.
type versions map[string][]version

type version struct {
	content string
	open    bool
}

// see adds what a refresh finds: the content of each key.
func (v versions) see(now map[string]string) {
	for key, all := range v {
		last := &all[len(all)-1]
		if content, ok := now[key]; last.open && (!ok || content != last.content) {
			last.open = false
		}
	}
	for key, content := range now {
		if all := v[key]; len(all) == 0 || !all[len(all)-1].open {
			v[key] = append(all, version{content, true})
		}
	}
}

// check compares the rows of a query, which returns key, content and whether the row is open, with the wanted ones.
func (v versions) check(tb testing.TB, s *site, query string) {
	tb.Helper()
	var want, got []string
	for _, key := range slices.Sorted(maps.Keys(v)) {
		for _, one := range v[key] {
			want = append(want, fmt.Sprint(key, " ", one.content, " ", one.open))
		}
	}
	s.read(tb, defaultDatabase, func(db *sql.DB) {
		rows, err := db.QueryContext(tb.Context(), query)
		if err != nil {
			tb.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			var one version
			if err := rows.Scan(&key, &one.content, &one.open); err != nil {
				tb.Fatal(err)
			}
			got = append(got, fmt.Sprint(key, " ", one.content, " ", one.open))
		}
		if err := rows.Err(); err != nil {
			tb.Fatal(err)
		}
	})
	if !slices.Equal(want, got) {
		tb.Fatalf("%s returns %d rows instead of %d (-want +got):\n%s", query, len(got), len(want), cmp.Diff(want, got))
	}
}

// The rows of the tables with history.
const (
	profileVersions = `SELECT distinct_id, properties::VARCHAR, valid_to IS NULL FROM versions ORDER BY distinct_id, valid_from`
	memberVersions  = `SELECT cohort_id || ' ' || distinct_id AS key, '', "left" IS NULL FROM cohort_members ORDER BY key, joined`
)

// seeProfiles adds the stand-in's profiles to versions.
func (s *site) seeProfiles(tb testing.TB, v versions) {
	tb.Helper()
	truth, err := s.mixpanel.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
	s.change(tb, err)
	now := make(map[string]string, len(truth.Rows))
	for _, row := range truth.Rows {
		now[row.DistinctID] = row.Properties
	}
	v.see(now)
}

// seeMembers adds the stand-in's members of cohorts to versions.
func (s *site) seeMembers(tb testing.TB, v versions) {
	tb.Helper()
	now := make(map[string]string)
	for _, cohort := range []int64{7, 8} {
		ids, err := s.mixpanel.Members(projectID, cohort)
		s.change(tb, err)
		for _, id := range ids {
			now[strconv.FormatInt(cohort, 10)+" "+id] = ""
		}
	}
	v.see(now)
}

// If a worker is killed at random moments of refreshes, then after a restart each table is what the stand-in holds, row
// by row: profiles, their versions, and present and former members of cohorts.
func TestKeyedTablesSurviveKills(t *testing.T) {
	t.Parallel()
	s := newPeople(t, 1500)
	worker := s.startWorker(t)
	profiles, members := versions{}, versions{}
	random := newKiller(t).random
	truth, err := s.mixpanel.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
	s.change(t, err)
	some := func() string { return truth.Rows[random.IntN(len(truth.Rows))].DistinctID }
	refreshes := [][]string{{"fetch", "profiles"}, {"fetch", "profiles", "versions", "--history"}, {"fetch", "cohort-members"}}
	kills := 6
	if proctest.Soak() {
		kills = 20
	}
	for n := range kills + 1 {
		ids := make([]string, len(refreshes))
		for i, args := range refreshes {
			var queued job
			s.decode(t, &queued, args...)
			ids[i] = queued.ID
		}
		if n > 0 { // the first refresh fills the tables
			if !worker.KillAfter(time.Duration(random.Int64N(int64(1500 * time.Millisecond)))) {
				t.Fatal("the worker ended")
			}
			worker = s.startWorker(t)
		}
		for _, id := range ids {
			s.wait(t, id)
		}
		s.checkProfiles(t, "profiles", "")
		s.seeProfiles(t, profiles)
		profiles.check(t, s, profileVersions)
		s.seeMembers(t, members)
		members.check(t, s, memberVersions)

		back := truth.Rows[max(0, n-1)] // was deleted in the last round
		_, err := s.mixpanel.ChangeProfiles(projectID, "", 1+random.IntN(50))
		s.change(t, err,
			s.mixpanel.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: back.DistinctID, Properties: back.Properties}),
			s.mixpanel.DeleteProfile(projectID, "", truth.Rows[n].DistinctID),
			s.mixpanel.PutMember(projectID, 8, some()),
			s.mixpanel.PutMember(projectID, 7, []string{"x", "y", "z"}[n%3]),
		)
		if n%2 == 0 {
			s.change(t, s.mixpanel.DeleteMember(projectID, 8, "x"), s.mixpanel.DeleteMember(projectID, 7, "x"))
		} else {
			s.change(t, s.mixpanel.PutMember(projectID, 8, "x"), s.mixpanel.PutMember(projectID, 7, "x"))
		}
	}
}
