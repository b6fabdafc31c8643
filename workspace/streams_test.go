package workspace_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// fetchStream fetches a stream with a separate job and fails the test if that fails.
func (f *fixture) fetchStream(tb testing.TB, name string) workspace.Progress {
	tb.Helper()
	p, err := f.FetchStream(tb.Context(), workspace.StreamRequest{Stream: name}, func(workspace.Progress) {})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func noError(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestCohortsEqualMixpanel(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 30, func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Cohorts = []mixpaneltest.Cohort{
			{ID: 1, Name: "one", Description: "d", Created: "2026-10-01 10:00:00", Every: 2},
			{ID: 2, Name: "two", Created: "2026-10-02 10:00:00", Hidden: true},
			{ID: 3, Name: "three", Created: "2026-10-03 10:00:00", Every: 7},
		}
	})
	check := func() {
		t.Helper()
		all, err := f.fake.Cohorts(projectID)
		noError(t, err)
		var want []string
		for _, c := range all {
			want = append(want, fmt.Sprintf("%d|%s|%s|%s|%d|%t", c.ID, c.Name, c.Description, c.Created, c.Count, c.Visible == 1))
		}
		f.wantTexts(t, "SELECT id, name, coalesce(description, ''), created, count, is_visible FROM cohorts ORDER BY id", want...)
	}
	if p := f.fetchStream(t, "cohorts"); p.Added != 3 || p.Requests != 1 {
		t.Fatalf("%+v", p)
	}
	check()
	noError(t, f.fake.DeleteCohort(projectID, 2))
	noError(t, f.fake.PutCohort(projectID, mixpaneltest.Cohort{ID: 1, Name: "one!", Created: "2026-10-01 10:00:00", Every: 3}))
	noError(t, f.fake.PutCohort(projectID, mixpaneltest.Cohort{ID: 4, Name: "four", Created: "2026-10-04 10:00:00"}))
	if p := f.fetchStream(t, "cohorts"); changesOf(p) != (changes{Rows: 3, Added: 1, Updated: 1, Removed: 1, Unchanged: 1}) {
		t.Fatalf("%+v", p)
	}
	check()
	for _, id := range []int64{1, 3, 4} {
		noError(t, f.fake.DeleteCohort(projectID, id))
	}
	f.fetchStream(t, "cohorts")
	check()
}

func TestMembersJoinAndLeave(t *testing.T) {
	t.Parallel()
	clock := now
	f := newPeople(t, 30, func(p *mixpaneltest.Project, c *workspace.Config) {
		c.Now = func() time.Time { return clock }
		p.Groups = []mixpaneltest.Group{{Key: "company", ID: "9999999999999999999", Profiles: mixpaneltest.People{Seed: 2, Count: 5, Prefix: "acme-"}}}
		p.Cohorts = []mixpaneltest.Cohort{
			{ID: 1, Name: "one", Every: 2, Members: []string{"ghost"}},
			{ID: 2, Name: "two", Members: []string{"a", "b"}},
			{ID: 3, Name: "companies", Group: "9999999999999999999", Every: 2},
		}
	})
	check := func(cohorts ...int64) {
		t.Helper()
		var want []string
		for _, c := range cohorts {
			ids, err := f.fake.Members(projectID, c)
			noError(t, err)
			for _, id := range ids {
				want = append(want, fmt.Sprintf("%d|%s", c, id))
			}
		}
		f.wantTexts(t, `SELECT cohort_id, distinct_id FROM cohort_members WHERE "left" IS NULL ORDER BY ALL`, want...)
	}
	p := f.fetchStream(t, "cohort-members")
	if p.Added != 16+2+3 || p.Requests != 1+2+1+1 {
		t.Fatalf("%+v", p)
	}
	check(1, 2, 3)
	clock = clock.Add(time.Hour)
	noError(t, f.fake.DeleteMember(projectID, 1, "ghost"))
	noError(t, f.fake.PutMember(projectID, 1, "joined"))
	noError(t, f.fake.DeleteCohort(projectID, 2))
	if p := f.fetchStream(t, "cohort_members"); changesOf(p) != (changes{Rows: 19, Added: 1, Removed: 3, Unchanged: 18}) {
		t.Fatalf("%+v", p)
	}
	check(1, 3)
	f.wantTexts(t, `SELECT cohort_id, distinct_id, joined, "left" FROM cohort_members WHERE "left" IS NOT NULL ORDER BY ALL`,
		"1|ghost|2026-11-22 15:00:00|2026-11-22 16:00:00", "2|a|2026-11-22 15:00:00|2026-11-22 16:00:00", "2|b|2026-11-22 15:00:00|2026-11-22 16:00:00")
	clock = clock.Add(time.Hour)
	noError(t, f.fake.PutMember(projectID, 1, "ghost"))
	f.fetchStream(t, "cohort_members")
	check(1, 3)
	f.wantTexts(t, `SELECT joined, "left" FROM cohort_members WHERE distinct_id = 'ghost' AND "left" IS NULL`, "2026-11-22 17:00:00")
}

func TestMembersGoOnAfterAPause(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 30, func(p *mixpaneltest.Project, _ *workspace.Config) {
		for id := range int64(4) {
			p.Cohorts = append(p.Cohorts, mixpaneltest.Cohort{ID: id + 1, Name: "c", Every: 2})
		}
	})
	request := workspace.StreamRequest{Stream: "cohort_members", Job: "job"}
	requests := 0
	for attempt := 0; ; attempt++ {
		for _, i := range f.fake.Injections() {
			i.Remove()
		}
		if attempt < 3 { // one cohort per attempt
			f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Call: "engage", Times: 1})
		}
		p, err := f.FetchStream(t.Context(), request, func(workspace.Progress) {})
		requests += p.Requests
		if err == nil {
			if p.Added != 4*15 {
				t.Fatalf("%+v", p)
			}
			break
		}
	}
	f.wantTexts(t, "SELECT cohort_id, count(*) FROM cohort_members GROUP BY ALL ORDER BY ALL", "1|15", "2|15", "3|15", "4|15")
}

func TestAnnotationsEqualMixpanel(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 0, func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Annotations = []mixpaneltest.Annotation{
			{ID: 1, Date: "2026-10-01 10:00:00", Description: "ü", User: &mixpaneltest.AnnotationUser{ID: 9, FirstName: "Ada", LastName: "L"}, Tags: []mixpaneltest.AnnotationTag{{ID: 1, Name: "t"}}},
			{ID: 2, Date: "2026-10-01 10:00:00", Description: "x"},
		}
	})
	const all = "SELECT id, date, description, user_name, tags FROM annotations ORDER BY id"
	f.fetchStream(t, "annotations")
	f.wantTexts(t, all, `1|2026-10-01 10:00:00|ü|Ada L|["t"]`, `2|2026-10-01 10:00:00|x|[]`)
	noError(t, f.fake.DeleteAnnotation(projectID, 1))
	noError(t, f.fake.PutAnnotation(projectID, mixpaneltest.Annotation{ID: 2, Date: "2026-10-01 10:00:00", Description: "y"}))
	if p := f.fetchStream(t, "annotations"); p.Updated != 1 || p.Removed != 1 {
		t.Fatalf("%+v", p)
	}
	f.wantTexts(t, all, `2|2026-10-01 10:00:00|y|[]`)
}

func TestLexiconEqualsMixpanel(t *testing.T) {
	t.Parallel()
	const schema = `{"description":"d","properties":{"plan":{"type":"string","description":"p"},"n":{"type":["number","null"]}},"metadata":{"com.mixpanel":{"tags":["a"],"hidden":true,"dropped":false,"displayName":"Sign-up"}}}`
	f := newPeople(t, 0, func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Lexicon = []mixpaneltest.LexiconEntry{
			{Kind: "event", Name: "Sign up", Schema: json.RawMessage(schema)},
			{Kind: "profile", Name: "", Schema: json.RawMessage(`{"properties":{"plan":{"type":"string"}}}`)},
		}
	})
	f.fetchStream(t, "lexicon")
	f.wantTexts(t, "SELECT kind, name, display_name, description, tags, hidden FROM lexicon ORDER BY kind",
		`event|Sign up|Sign-up|d|["a"]|true`, `profile||[]|false`)
	const properties = "SELECT kind, entity, name, type, description FROM lexicon_properties ORDER BY ALL"
	f.wantTexts(t, properties, `event|Sign up|n|["number","null"]`, `event|Sign up|plan|string|p`, `profile||plan|string`)
	noError(t, f.fake.DeleteLexicon(projectID, "event", "Sign up"))
	if p := f.fetchStream(t, "lexicon"); p.Removed != 3 {
		t.Fatalf("%+v", p)
	}
	f.wantTexts(t, properties, `profile||plan|string`)
}

func TestFunnelsDayByDay(t *testing.T) {
	t.Parallel()
	f := newPeople(t, 0, func(p *mixpaneltest.Project, _ *workspace.Config) {
		p.Funnels = []mixpaneltest.Funnel{{ID: 5, Name: "buy", Steps: []string{"a", "b"}}, {ID: 6, Name: "other", Steps: []string{"a"}}}
		lines := mixpaneltest.Lines{}
		for back := range 3 {
			at := now.Add(-time.Duration(back) * 24 * time.Hour)
			var day []string
			for n, event := range []string{"a", "a", "b"} {
				day = append(day, fmt.Sprintf(`{"event":%q,"properties":{"time":%d,"distinct_id":"u%d","$insert_id":"%d-%d"}}`,
					event, at.Add(time.Duration(n)*time.Minute).Unix(), n%2, back, n))
			}
			lines[date(t, at.Format(time.DateOnly))] = day
		}
		p.Data = lines
	})
	p := f.fetchStream(t, "funnels")
	if p.Requests != 3 {
		t.Fatalf("%+v", p)
	}
	f.wantTexts(t, "SELECT id, name FROM funnels ORDER BY id", "5|buy", "6|other")
	got := f.texts(t, "SELECT funnel_id, day, entered, completed FROM funnels_daily WHERE entered > 0 ORDER BY ALL")
	want := []string{"5|2026-11-20|2|1", "5|2026-11-21|2|1", "5|2026-11-22|2|1", "6|2026-11-20|2|2", "6|2026-11-21|2|2", "6|2026-11-22|2|2"}
	if !slices.Equal(got, want) {
		t.Fatal(got)
	}
	noError(t, f.fake.DeleteFunnel(projectID, 6))
	f.fetchStream(t, "funnels")
	f.wantTexts(t, "SELECT id FROM funnels", "5")
	if again := f.texts(t, "SELECT funnel_id, day, entered, completed FROM funnels_daily WHERE entered > 0 ORDER BY ALL"); !slices.Equal(again, want) {
		t.Fatal("days of a funnel that is gone stay: " + strings.Join(again, "; "))
	}
	if kinds := f.texts(t, "SELECT table_name, type FROM _metadata ORDER BY ALL"); !slices.Equal(kinds, []string{"funnels|funnels", "funnels_daily|funnels_daily"}) {
		t.Fatal(kinds)
	}
}
