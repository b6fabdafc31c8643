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
