package workspace_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// newPeople starts a fake with n profiles on pages of ten, and opens a workspace for it.
func newPeople(tb testing.TB, n int, change func(*mixpaneltest.Project, *workspace.Config)) *fixture {
	tb.Helper()
	return newFixture(tb, mixpaneltest.Lines{}, func(p *mixpaneltest.Project, c *workspace.Config) {
		p.PageSize, p.Profiles = 10, mixpaneltest.People{Seed: 1, Count: n}
		if change != nil {
			change(p, c)
		}
	})
}

// refresh fetches profiles with a separate job.
func (f *fixture) refresh(tb testing.TB, r workspace.StreamRequest) (workspace.Progress, error) {
	tb.Helper()
	return f.FetchProfiles(tb.Context(), r, func(workspace.Progress) {})
}

// mustRefresh fetches profiles and fails the test if that fails.
func (f *fixture) mustRefresh(tb testing.TB, r workspace.StreamRequest) workspace.Progress {
	tb.Helper()
	p, err := f.refresh(tb, r)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// person returns the ID of profile n.
func person(n int) string { return mixpaneltest.People{Seed: 1}.ID(n) }

// put adds or changes a profile.
func (f *fixture) put(tb testing.TB, id, properties string) {
	tb.Helper()
	if err := f.fake.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: id, Properties: properties}); err != nil {
		tb.Fatal(err)
	}
}

// remove deletes a profile.
func (f *fixture) remove(tb testing.TB, id string) {
	tb.Helper()
	if err := f.fake.DeleteProfile(projectID, "", id); err != nil {
		tb.Fatal(err)
	}
}

// storedProfiles reads the current versions of a table of profiles.
func (f *fixture) storedProfiles(tb testing.TB, from string) (all []mixpaneltest.ProfileRow) {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	rs, err := db.QueryContext(tb.Context(), `SELECT distinct_id, properties::VARCHAR, coalesce(strftime(last_seen, '%Y-%m-%dT%H:%M:%S'), '')
		FROM `+from+` ORDER BY distinct_id`)
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var r mixpaneltest.ProfileRow
		if err := rs.Scan(&r.DistinctID, &r.Properties, &r.LastSeen); err != nil {
			tb.Fatal(err)
		}
		all = append(all, r)
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

// checkProfiles compares the table with what a correct copy of ask holds.
func (f *fixture) checkProfiles(tb testing.TB, from string, ask mixpaneltest.ProfileAsk) {
	tb.Helper()
	ask.Project = projectID
	truth, err := f.fake.Profiles(ask)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(truth.Rows, f.storedProfiles(tb, from)); diff != "" {
		tb.Fatalf("profiles differ from Mixpanel's (-want +got):\n%.3000s", diff)
	}
}

// changes are the effects of a refresh on a table.
type changes struct{ Rows, Added, Updated, Removed, Unchanged int64 }

func changesOf(p workspace.Progress) changes {
	return changes{p.Rows, p.Added, p.Updated, p.Removed, p.Unchanged}
}

func TestFullRefreshEqualsMixpanel(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 95, nil)
	p := f.mustRefresh(t, workspace.StreamRequest{})
	if want := (changes{Rows: 95, Added: 95}); changesOf(p) != want || p.Requests != 10 || p.WindowsDone != 10 || p.WindowsTotal != 10 {
		t.Fatalf("first refresh: %+v", p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})

	f.put(t, person(3), `{"n":12345678901234567890,"é":"\u00e9","$last_seen":"2026-11-20T10:00:00"}`)
	f.put(t, "new-1", `{"a":1}`)
	f.put(t, "new-2", `{}`)
	f.remove(t, person(7))
	f.remove(t, person(94))
	p = f.mustRefresh(t, workspace.StreamRequest{})
	if want := (changes{Rows: 95, Added: 2, Updated: 1, Removed: 2, Unchanged: 92}); changesOf(p) != want {
		t.Fatalf("second refresh: %+v", p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})

	if p = f.mustRefresh(t, workspace.StreamRequest{}); changesOf(p) != (changes{Rows: 95, Unchanged: 95}) {
		t.Fatalf("third refresh: %+v", p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
}

func TestRefreshWithTheSameJobSendsNothing(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 25, nil)
	first := f.mustRefresh(t, workspace.StreamRequest{Job: "j"})
	f.remove(t, person(0))
	again := f.mustRefresh(t, workspace.StreamRequest{Job: "j"})
	if again.Requests != 0 || changesOf(again) != changesOf(first) {
		t.Fatalf("the job has left a receipt: %+v, then %+v", first, again)
	}
}

func TestKeysInAnotherOrderAreNoChange(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 0, nil)
	f.put(t, "a", `{"x":{"p":1,"q":[1,2]},"y":"é"}`)
	f.mustRefresh(t, workspace.StreamRequest{})
	f.put(t, "a", `{ "y":"\u00e9", "x":{"q":[1,2],"p":1.0}}`)
	if p := f.mustRefresh(t, workspace.StreamRequest{}); changesOf(p) != (changes{Rows: 1, Unchanged: 1}) {
		t.Fatalf("%+v", p)
	}
	f.put(t, "a", `{ "y":"\u00e9", "x":{"q":[2,1],"p":1.0}}`)
	if p := f.mustRefresh(t, workspace.StreamRequest{}); changesOf(p) != (changes{Rows: 1, Updated: 1}) {
		t.Fatalf("%+v", p)
	}
}

func TestProfilesThatCannotBeStoredAreSetAside(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 12, nil)
	f.put(t, "surrogate", `{"a":"\ud800"}`)
	f.put(t, "utf8", "{\"a\":\"\xff\"}")
	for range 2 {
		if p := f.mustRefresh(t, workspace.StreamRequest{}); p.Quarantined != 2 || p.Rows != 12 {
			t.Fatalf("%+v", p)
		}
		f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
		truth, err := f.fake.Profiles(mixpaneltest.ProfileAsk{Project: projectID})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(truth.Quarantined, f.badProfiles(t)); diff != "" {
			t.Fatalf("quarantine (-want +got):\n%s", diff)
		}
	}
}

func (f *fixture) badProfiles(tb testing.TB) (lines []string) {
	tb.Helper()
	db := f.open(tb)
	defer db.Close()
	rs, err := db.QueryContext(tb.Context(), "SELECT line, line_number FROM mixduck.quarantine WHERE table_name = 'profiles'")
	if err != nil {
		tb.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var line []byte
		var number int64
		if err := rs.Scan(&line, &number); err != nil || number < 1 || number > 14 {
			tb.Fatal(number, err)
		}
		lines = append(lines, string(line))
	}
	if err := rs.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func TestFaultsOfPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault mixpaneltest.Fault
		fails bool // the table stays unchanged
		note  bool
	}{
		{"session ends once", mixpaneltest.Fault{Kind: mixpaneltest.SessionEnded, Times: 1}, false, false},
		{"session always ends", mixpaneltest.Fault{Kind: mixpaneltest.SessionEnded}, true, false},
		{"page cut once", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, Times: 2}, false, false},
		{"page always cut", mixpaneltest.Fault{Kind: mixpaneltest.CutConnection, MinPage: 2}, true, false},
		{"half a page once", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, Times: 1}, false, false},
		{"half a page always", mixpaneltest.Fault{Kind: mixpaneltest.HalfLine, MinPage: 1}, true, false},
		{"a profile is missing once", mixpaneltest.Fault{Kind: mixpaneltest.PageShort, Times: 1}, false, false},
		{"a profile is always missing", mixpaneltest.Fault{Kind: mixpaneltest.PageShort}, true, false},
		{"another page", mixpaneltest.Fault{Kind: mixpaneltest.WrongPage}, true, false},
		{"total moves once", mixpaneltest.Fault{Kind: mixpaneltest.TotalMoves, Times: 1}, false, false},
		{"total moves twice", mixpaneltest.Fault{Kind: mixpaneltest.PageRepeats, Times: 2}, false, false},
		{"total always moves", mixpaneltest.Fault{Kind: mixpaneltest.PageRepeats}, false, true},
		{"live set", mixpaneltest.Fault{Kind: mixpaneltest.LiveSet}, false, false},
		{"time-out once", mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError, Times: 1}, false, false},
		{"time-out always", mixpaneltest.Fault{Kind: mixpaneltest.TimeoutError}, true, false},
		{"server down once", mixpaneltest.Fault{Kind: mixpaneltest.Status503, Times: 2}, false, false},
		{"plan without the API", mixpaneltest.Fault{Kind: mixpaneltest.Status402}, true, false},
		{"page of HTML", mixpaneltest.Fault{Kind: mixpaneltest.PageOnly}, true, false},
		{"damaged gzip once", mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC, Times: 1}, false, false},
		{"damaged gzip", mixpaneltest.Fault{Kind: mixpaneltest.CorruptGzipCRC}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newPeople(t, 35, nil)
			f.mustRefresh(t, workspace.StreamRequest{})
			before := f.storedProfiles(t, "profiles")
			if _, err := f.fake.ChangeProfiles(projectID, "", 3); err != nil {
				t.Fatal(err)
			}
			f.remove(t, person(11))
			test.fault.Call = "engage"
			f.inject(t, test.fault)
			p, err := f.refresh(t, workspace.StreamRequest{})
			if (err != nil) != test.fails || (p.Warnings != "") != test.note {
				t.Fatalf("%v, %+v", err, p)
			}
			if test.fails {
				if diff := cmp.Diff(before, f.storedProfiles(t, "profiles")); diff != "" {
					t.Fatalf("the table has changed:\n%s", diff)
				}
				return
			}
			f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
		})
	}
}

func TestRefreshPausesWhereTheBudgetIsSpent(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 35, nil)
	f.mustRefresh(t, workspace.StreamRequest{})
	f.remove(t, person(11))
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Call: "engage", Times: 1})
	_, err := f.refresh(t, workspace.StreamRequest{Job: "paused"})
	if pause, ok := errors.AsType[*workspace.PauseError](err); !ok || !pause.Until.After(now) {
		t.Fatal(err)
	}
	f.mustRefresh(t, workspace.StreamRequest{Job: "paused"})
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
}
