package workspace_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

func TestIncrementalRefreshes(t *testing.T) {
	t.Parallel()
	clock := now
	f := newPeople(t, 45, func(_ *mixpaneltest.Project, c *workspace.Config) { c.Now = func() time.Time { return clock } })
	incremental := workspace.StreamRequest{Incremental: true, FullEvery: 7 * 24 * time.Hour}
	if p := f.mustRefresh(t, incremental); changesOf(p) != (changes{Rows: 45, Added: 45}) {
		t.Fatalf("the first one is full: %+v", p)
	}
	clock = clock.Add(48 * time.Hour)
	f.put(t, person(4), `{"$last_seen":"2026-11-24T10:00:00","plan":"pro"}`)
	f.put(t, "new", `{"$last_seen":"2026-11-22T01:00:00"}`) // within the overlap
	f.remove(t, person(9))
	p := f.mustRefresh(t, incremental)
	if want := (changes{Rows: 2, Added: 1, Updated: 1}); changesOf(p) != want || p.Requests != 1 {
		t.Fatalf("%+v", p)
	}
	if n := len(f.storedProfiles(t, "profiles")); n != 46 {
		t.Fatalf("%d rows: an incremental refresh removes none", n)
	}
	if p := f.mustRefresh(t, workspace.StreamRequest{Since: clock.Add(-time.Hour)}); changesOf(p) != (changes{Rows: 1, Unchanged: 1}) {
		t.Fatalf("since an hour ago, with the overlap: %+v", p)
	}
	clock = clock.Add(6 * 24 * time.Hour)
	if p := f.mustRefresh(t, incremental); p.Removed != 1 {
		t.Fatalf("the last full refresh is too long ago: %+v", p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
}

func TestHistoryKeepsEachVersion(t *testing.T) {
	t.Parallel()
	clock := now
	f := newPeople(t, 15, func(_ *mixpaneltest.Project, c *workspace.Config) { c.Now = func() time.Time { return clock } })
	const present = "profiles WHERE valid_to IS NULL"
	f.mustRefresh(t, workspace.StreamRequest{History: true})
	f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})

	clock = clock.Add(time.Hour)
	f.put(t, person(1), `{"v":2}`)
	f.put(t, "new", `{"v":1}`)
	f.remove(t, person(2))
	if p := f.mustRefresh(t, workspace.StreamRequest{}); changesOf(p) != (changes{Rows: 15, Added: 1, Updated: 1, Removed: 1, Unchanged: 13}) {
		t.Fatalf("the table keeps its history: %+v", p)
	}
	f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})

	clock = clock.Add(-2 * time.Hour) // the clock was set back
	f.put(t, person(1), `{"v":3}`)
	f.put(t, person(2), `{"v":9}`)
	f.mustRefresh(t, workspace.StreamRequest{History: true})
	f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})

	db := f.open(t)
	defer db.Close()
	var versions, wrong int
	err := db.QueryRowContext(t.Context(), `SELECT count(*), count(*) FILTER (valid_to <= valid_from OR valid_to > next) FROM (
		SELECT *, lead(valid_from) OVER (PARTITION BY distinct_id ORDER BY valid_from) AS next FROM profiles)`).Scan(&versions, &wrong)
	if err != nil || versions != 19 || wrong != 0 {
		t.Errorf("%d versions, %d of them wrong (%v), want 15 + new + 2 of person 1 + 1 of person 2", versions, wrong, err)
	}
}

func TestHistoryIsASettingOfTheTable(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 5, nil)
	f.mustRefresh(t, workspace.StreamRequest{})
	if _, err := f.refresh(t, workspace.StreamRequest{History: true}); fault.CodeOf(err) != fault.CodeExists {
		t.Fatal(err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	const group = "12345678901234567890"
	people := func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Cohorts = []mixpaneltest.Cohort{{ID: 7, Name: "seven", Every: 3, Members: []string{"ghost"}}}
		p.Groups = []mixpaneltest.Group{{Key: "company", ID: group, Profiles: mixpaneltest.People{Seed: 2, Count: 23, Prefix: "acme-"}}}
	}
	ids := []string{person(1), person(8), "nobody"}
	for _, test := range []struct {
		name   string
		filter workspace.ProfileFilter
		ask    mixpaneltest.ProfileAsk
	}{
		{"where", workspace.ProfileFilter{Where: `properties["$city"] >= "M"`}, mixpaneltest.ProfileAsk{Where: `properties["$city"] >= "M"`}},
		{"cohort", workspace.ProfileFilter{Cohort: 7}, mixpaneltest.ProfileAsk{Cohort: 7}},
		{"cohort, with a profile", workspace.ProfileFilter{Cohort: 7, OmitUsersWithoutProfile: true}, mixpaneltest.ProfileAsk{Cohort: 7, OnlyWithProfile: true}},
		{"ids", workspace.ProfileFilter{DistinctIDs: ids}, mixpaneltest.ProfileAsk{DistinctIDs: ids}},
		{"properties", workspace.ProfileFilter{OutputProperties: []string{"$email", "note"}}, mixpaneltest.ProfileAsk{OutputProperties: []string{"$email", "note"}}},
		{"group", workspace.ProfileFilter{Group: group}, mixpaneltest.ProfileAsk{Group: group}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newPeople(t, 40, people)
			f.mustRefresh(t, workspace.StreamRequest{Table: "part", Profiles: test.filter})
			f.checkProfiles(t, "part", test.ask)
			f.remove(t, person(3))
			f.put(t, person(6), `{"$city":"Nice","$email":"x"}`)
			f.mustRefresh(t, workspace.StreamRequest{Table: "part", Profiles: test.filter})
			f.checkProfiles(t, "part", test.ask)
			if _, err := f.refresh(t, workspace.StreamRequest{Table: "part"}); fault.CodeOf(err) != fault.CodeExists {
				t.Fatalf("all profiles into a table of some: %v", err)
			}
		})
	}
}

func TestGroupsHaveTablesOfTheirOwn(t *testing.T) {
	t.Parallel()
	const group = "12345678901234567890"
	f := newPeople(t, 5, func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Groups = []mixpaneltest.Group{{Key: "company", ID: group, Profiles: mixpaneltest.People{Seed: 2, Count: 23}}}
	})
	f.mustRefresh(t, workspace.StreamRequest{Profiles: workspace.ProfileFilter{Group: group}})
	f.checkProfiles(t, "group_"+group, mixpaneltest.ProfileAsk{Group: group})
}

func TestStreamRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 5, nil)
	people := func(filter workspace.ProfileFilter) workspace.StreamRequest {
		return workspace.StreamRequest{Stream: "profiles", Profiles: filter}
	}
	for i, r := range []workspace.StreamRequest{
		{},
		{Stream: "people"},
		{Stream: "profiles", Table: "a b"},
		{Stream: "profiles", Days: days(t, "2026-11-01", "2026-11-02")},
		{Stream: "profiles", Since: now, Incremental: true},
		{Stream: "profiles", FullEvery: time.Hour},
		{Stream: "cohorts", Since: now},
		{Stream: "cohorts", History: true},
		{Stream: "cohorts", Profiles: workspace.ProfileFilter{Where: "true"}},
		{Stream: "funnels", Days: days(t, "2026-11-01", "2027-11-02")},
		people(workspace.ProfileFilter{Group: "company"}),
		people(workspace.ProfileFilter{Cohort: -1}),
		people(workspace.ProfileFilter{Cohort: 1, DistinctIDs: []string{"a"}}),
		people(workspace.ProfileFilter{Cohort: 1, Behaviors: "[]"}),
		people(workspace.ProfileFilter{OmitUsersWithoutProfile: true}),
		people(workspace.ProfileFilter{AsOf: now}),
		people(workspace.ProfileFilter{Behaviors: "{"}),
	} {
		p, err := f.FetchStream(t.Context(), r, func(workspace.Progress) {})
		if fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" || p.Requests != 0 {
			t.Errorf("%d: %v, %d requests", i, err, p.Requests)
		}
	}
}

func TestBehaviors(t *testing.T) {
	t.Parallel()
	const behaviors = `[{"window":"5d","name":"b","event_selectors":[{"event":"Sign up"}]}]`
	f := newPeople(t, 35, func(p *mixpaneltest.Project, _ *workspace.Config) {
		var lines []string
		for n := range 25 {
			lines = append(lines, fmt.Sprintf(`{"event":"Sign up","properties":{"time":%d,"distinct_id":%q,"$insert_id":"%d"}}`,
				now.Add(-24*time.Hour).Unix(), person(n), n))
		}
		p.Data = mixpaneltest.Lines{date(t, "2026-11-21"): lines}
	})
	filter := workspace.ProfileFilter{Behaviors: behaviors, Where: `behaviors["b"] > 0`}
	f.mustRefresh(t, workspace.StreamRequest{Profiles: filter})
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{Behaviors: behaviors, Where: filter.Where, AsOf: now})
	if n := len(f.storedProfiles(t, "profiles")); n != 25 {
		t.Fatal(n)
	}
	db := f.open(t)
	defer db.Close()
	var kept string
	if err := db.QueryRowContext(t.Context(), "SELECT filter FROM mixduck.tables").Scan(&kept); err != nil || !strings.Contains(kept, "Sign up") || strings.Contains(kept, "as_of") {
		t.Fatal(kept, err)
	}
}

// texts returns the rows of a query, each as one text.
func (f *fixture) texts(tb testing.TB, query string) (all []string) {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	rs, err := db.QueryContext(tb.Context(), "SELECT concat_ws('|', *COLUMNS(*)) FROM ("+query+")")
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var row string
		if err := rs.Scan(&row); err != nil {
			tb.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

func (f *fixture) wantTexts(tb testing.TB, query string, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, f.texts(tb, query)); diff != "" {
		tb.Fatalf("%s (-want +got):\n%s", query, diff)
	}
}

// Profiles change while a page is held. Mixpanel can page through a snapshot of the query's result, or through the
// current profiles. The table then has all profiles as they were at one moment, before or after the changes.
func TestProfilesThatChangeDuringARefresh(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		for _, history := range []bool{false, true} {
			t.Run(fmt.Sprintf("live %t history %t", live, history), func(t *testing.T) {
				t.Parallel()
				f := newPeople(t, 45, nil)
				present := "profiles"
				if history {
					present += " WHERE valid_to IS NULL"
				}
				f.mustRefresh(t, workspace.StreamRequest{History: history})
				before, err := f.fake.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
				noError(t, err)
				held := f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Call: "engage", MinPage: 2, Times: 1})[0] // the first fault counts
				if live {
					f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.LiveSet, Call: "engage"})
				}
				ended := make(chan error, 1)
				go func() {
					_, err := f.refresh(t, workspace.StreamRequest{})
					ended <- err
				}()
				select {
				case <-held.Reached():
				case err := <-ended:
					t.Fatalf("no page was held: %v", err)
				}
				f.put(t, person(2), `{"v":2}`)
				f.put(t, person(41), `{"v":2}`)
				f.remove(t, person(5))
				f.remove(t, person(30))
				f.put(t, "new", `{"v":1}`)
				held.Remove()
				noError(t, <-ended)
				diff := cmp.Diff(before.Rows, f.storedProfiles(t, present))
				switch {
				case diff != "" && live: // some pages were sent after the changes
					f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})
				case diff != "":
					t.Fatalf("the snapshot is not stored (-want +got):\n%.2000s", diff)
				}
				f.mustRefresh(t, workspace.StreamRequest{})
				f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})
			})
		}
	}
}

func TestEmptyIncrementalRefreshIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	clock := now
	f := newPeople(t, 5, func(_ *mixpaneltest.Project, c *workspace.Config) { c.Now = func() time.Time { return clock } })
	f.mustRefresh(t, workspace.StreamRequest{})
	clock = clock.Add(1000 * time.Hour)
	if p := f.mustRefresh(t, workspace.StreamRequest{Since: clock.Add(-time.Hour)}); p.Requests != 1 || p.Rows != 0 {
		t.Fatalf("%+v", p)
	}
	for i := range 5 {
		f.remove(t, person(i))
	}
	if p := f.mustRefresh(t, workspace.StreamRequest{}); p.Requests != 2 || p.Removed != 5 {
		t.Fatalf("%+v", p)
	}
}
