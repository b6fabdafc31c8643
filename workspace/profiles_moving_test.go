package workspace_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mixduck/internal/proctest"
	"mixduck/internal/rapidtest"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// editing lets edit change the profiles before each page but the first is sent. The pages come from the profiles as they
// are then, not from a snapshot.
func (f *fixture) editing(tb testing.TB, edit func(page int)) *workspace.Workspace {
	tb.Helper()
	f.inject(tb, mixpaneltest.Fault{Kind: mixpaneltest.LiveSet, Call: "engage"})
	var mu sync.Mutex
	page := 0
	return workspaceAt(tb, f.through(tb, func(*http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if page++; page > 1 {
			edit(page)
		}
	}), f.cfg, patience)
}

// through returns the address of a proxy for the fake. It calls before with each request.
func (f *fixture) through(tb testing.TB, before func(*http.Request)) (address string) {
	tb.Helper()
	target, err := url.Parse(f.fake.URL)
	noError(tb, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(r)
		proxy.ServeHTTP(w, r)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

// movable returns a fixture with profiles on pages of ten and a cohort of half of them.
func movable(tb testing.TB, n int) *fixture {
	tb.Helper()
	var ticks atomic.Int64
	return newPeople(tb, n, func(p *mixpaneltest.Project, c *workspace.Config) {
		p.Cohorts = []mixpaneltest.Cohort{{ID: 1, Name: "half", Every: 2}}
		c.Now = func() time.Time { return now.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
	})
}

// While the pages are sent, a profile is deleted and another one is added: all totals are equal, and a profile falls
// through between two pages. It must not be removed.
func TestAProfileThatFallsBetweenPagesStays(t *testing.T) {
	t.Parallel()
	f := movable(t, 45)
	f.mustRefresh(t, workspace.StreamRequest{})
	f.remove(t, person(44))
	ws := f.editing(t, func(page int) {
		if page == 2 {
			f.remove(t, person(0))
			f.put(t, "added at the end", `{"v":1}`)
		}
	})
	p, err := ws.FetchProfiles(t.Context(), workspace.StreamRequest{}, func(workspace.Progress) {})
	noError(t, err)
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
	if p.Warnings != "" || p.Removed != 2 {
		t.Errorf("%+v", p)
	}
}

// The profiles never stop moving: after some tries, what is known to exist stays, and a warning says so.
func TestProfilesThatAlwaysMove(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		filter workspace.ProfileFilter
		ask    mixpaneltest.ProfileAsk
	}{
		{"asked by id", workspace.ProfileFilter{}, mixpaneltest.ProfileAsk{}},
		{"asked a second time", workspace.ProfileFilter{Cohort: 1}, mixpaneltest.ProfileAsk{Cohort: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := movable(t, 90)
			request := workspace.StreamRequest{Profiles: test.filter}
			f.mustRefresh(t, request)
			n := 0
			ws := f.editing(t, func(int) {
				n += 2
				gone, added := person(n), fmt.Sprintf("added %d", n)
				if n >= 80 {
					gone = fmt.Sprintf("added %d", n-40)
				}
				_ = f.fake.DeleteProfile(projectID, "", gone)
				_ = f.fake.DeleteMember(projectID, 1, gone)
				_ = f.fake.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: added, Properties: "{}"})
				_ = f.fake.PutMember(projectID, 1, added)
			})
			p, err := ws.FetchProfiles(t.Context(), request, func(workspace.Progress) {})
			noError(t, err)
			if p.Warnings == "" && test.filter.Cohort != 0 { // by id, a try can happen to confirm all that is missing
				t.Error("there is no warning")
			}
			f.mustHave(t, "profiles", test.ask, person)
			f.mustRefresh(t, request)
			f.checkProfiles(t, "profiles", test.ask)
		})
	}
}

// mustHave fails the test if the table lacks a profile that Mixpanel has and that has been there from the beginning.
func (f *fixture) mustHave(tb testing.TB, table string, ask mixpaneltest.ProfileAsk, id func(int) string) {
	tb.Helper()
	ask.Project = projectID
	truth, err := f.fake.Profiles(ask)
	noError(tb, err)
	have := map[string]bool{}
	for _, p := range f.storedProfiles(tb, table) {
		have[p.DistinctID] = true
	}
	first := map[string]bool{}
	for n := range 200 {
		first[id(n)] = true
	}
	for _, p := range truth.Rows {
		if first[p.DistinctID] && !have[p.DistinctID] {
			tb.Fatalf("%s has been removed, although Mixpanel has it", p.DistinctID)
		}
	}
}

// More profiles are gone than can be asked for by id: they are removed after a second answer without them.
func TestManyDeletedProfilesAreConfirmedByASecondAnswer(t *testing.T) {
	t.Parallel()
	f := movable(t, 190)
	f.mustRefresh(t, workspace.StreamRequest{})
	for n := range 150 {
		f.remove(t, person(n))
	}
	p := f.mustRefresh(t, workspace.StreamRequest{})
	if p.Removed != 150 || p.Requests != 4+4 || p.Warnings != "" {
		t.Errorf("%+v", p)
	}
	f.checkProfiles(t, "profiles", mixpaneltest.ProfileAsk{})
}

// Members that left are closed after a second answer without them, and those that fall between pages are not.
func TestMembersThatFallBetweenPagesStay(t *testing.T) {
	t.Parallel()
	f := movable(t, 90)
	f.fetchStream(t, "cohort-members")
	f.change(t, f.fake.DeleteMember(projectID, 1, person(88)))
	ws := f.editing(t, func(page int) {
		if page == 3 { // page 1 of the cohort
			f.change(t, f.fake.DeleteMember(projectID, 1, person(0)), f.fake.PutMember(projectID, 1, "added"))
		}
	})
	_, err := ws.FetchStream(t.Context(), workspace.StreamRequest{Stream: "cohort-members"}, func(workspace.Progress) {})
	noError(t, err)
	members, err := f.fake.Members(projectID, 1)
	noError(t, err)
	f.wantTexts(t, `SELECT distinct_id FROM cohort_members WHERE "left" IS NULL ORDER BY ALL`, members...)
}

// change fails the test if one of the edits has failed.
func (f *fixture) change(tb testing.TB, errs ...error) {
	tb.Helper()
	for _, err := range errs {
		noError(tb, err)
	}
}

// At random, profiles are added, changed and deleted between pages. What exists all the time is never removed, and a quiet
// refresh makes the table equal to Mixpanel.
func TestProfilesThatMoveAtRandom(t *testing.T) {
	t.Parallel()
	checks := 5
	if proctest.Soak() {
		checks = 1000
	}
	rapid.Check(t, rapidtest.Few(checks, func(rt *rapid.T) {
		t := rapidtest.Wrap(t, rt)
		f := movable(t, rapid.IntRange(20, 120).Draw(rt, "profiles"))
		request := workspace.StreamRequest{History: rapid.Bool().Draw(rt, "history")}
		present := "profiles"
		if request.History {
			present += " WHERE valid_to IS NULL"
		}
		f.mustRefresh(t, request)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		every := rapid.IntRange(1, 6).Draw(rt, "edits on every n-th page")
		added := 0
		ws := f.editing(t, func(page int) {
			if page%every != 0 {
				return
			}
			for range 1 + random.IntN(3) {
				_ = f.fake.DeleteProfile(projectID, "", person(random.IntN(120)))
				added++
				_ = f.fake.PutProfile(projectID, "", mixpaneltest.Profile{DistinctID: fmt.Sprintf("added %d", added), Properties: `{}`})
			}
		})
		_, err := ws.FetchProfiles(t.Context(), request, func(workspace.Progress) {})
		noError(t, err)
		f.mustHave(t, present, mixpaneltest.ProfileAsk{}, person)
		for _, i := range f.fake.Injections() {
			i.Remove()
		}
		f.mustRefresh(t, request)
		f.checkProfiles(t, present, mixpaneltest.ProfileAsk{})
	}))
}
