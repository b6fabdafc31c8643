package mixpaneltest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/mixpanel/mixpaneltest"
)

// library returns the project with saved data of each kind.
func library() mixpaneltest.Project {
	p := peopled(12)
	p.Annotations = []mixpaneltest.Annotation{
		{ID: 2, Date: "2025-03-02 10:00:00", Description: "Launch 🚀", User: &mixpaneltest.AnnotationUser{ID: 1, FirstName: "Ann", LastName: "Lee"}, Tags: []mixpaneltest.AnnotationTag{{ID: 5, Name: "release"}}},
		{ID: 1, Date: "2025-03-01 10:00:00", Description: "Before"},
	}
	p.Lexicon = []mixpaneltest.LexiconEntry{
		{Kind: "event", Name: "Search", Schema: []byte(`{"description":"A search","properties":{"q":{"type":"string"}},"metadata":{"com.mixpanel":{"tags":["core"],"hidden":false}}}`)},
		{Kind: "profile", Name: "$user", Schema: []byte(`{"properties":{}}`)},
	}
	p.LookupTables = []mixpaneltest.LookupTable{{ID: "5e-1", Name: "SKUs"}}
	return p
}

// list requests saved data of a project.
func list(t *testing.T, s *mixpaneltest.Server, method, target string, edit func(*http.Request)) answer {
	t.Helper()
	a, err := ask(t.Context(), s, nil, func(r *http.Request) {
		path, query, _ := strings.Cut(target, "?")
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		if edit != nil {
			edit(r)
		}
	})
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return a
}

func TestListsOfAProject(t *testing.T) {
	t.Parallel()
	s := start(t, library())
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	tests := []struct {
		name, method, target string
		edit                 func(*http.Request)
		status               int
		text                 string // part of the response, without white space
	}{
		{"cohorts", "POST", "/api/query/cohorts/list?project_id=7", nil, 200, `[{"id":5,"name":"Five","description":"","created":"","count":3,"is_visible":1,"project_id":7}]`},
		{"cohorts with get", "GET", "/api/query/cohorts/list?project_id=7", nil, 405, "GET"},
		{"cohorts with more", "POST", "/api/query/cohorts/list?project_id=7&limit=1", nil, 400, "limit"},
		{"annotations", "GET", "/api/app/projects/7/annotations", nil, 200, `"results":[{"id":2,"date":"2025-03-02 10:00:00","description":"Launch 🚀","user":{"id":1,"first_name":"Ann","last_name":"Lee"},"tags":[{"id":5,"name":"release"}]},{"id":1,`},
		{"annotations of days", "GET", "/api/app/projects/7/annotations?fromDate=2025-03-01&toDate=2025-03-01", nil, 200, `{"results":[{"id":1,"date":"2025-03-01 10:00:00","description":"Before"}],"status":"ok"}`},
		{"annotations of no days", "GET", "/api/app/projects/7/annotations?fromDate=2030-03-01&toDate=2030-03-02", nil, 200, `"results":[]`},
		{"annotations with a bad date", "GET", "/api/app/projects/7/annotations?fromDate=2025-02-30", nil, 400, "fromDate"},
		{"annotations with other dates", "GET", "/api/app/projects/7/annotations?from_date=2025-03-01", nil, 400, "from_date"},
		{"annotations, the project as a parameter", "GET", "/api/app/projects/7/annotations?project_id=7", nil, 400, "project_id"},
		{"annotations of another project", "GET", "/api/app/projects/8/annotations", nil, 400, "Unable to authenticate"},
		{"annotations of no project", "GET", "/api/app/projects/x/annotations", nil, 400, "integer"},
		{"annotations at another host", "GET", "/api/app/projects/7/annotations", host("data.mixpanel.com"), 400, "Unable to authenticate"},
		{"annotations below queries", "GET", "/api/query/annotations?project_id=7", nil, 404, "there is no"},
		{"lexicon", "GET", "/api/app/projects/7/schemas", nil, 200, `{"results":[{"entityType":"event","name":"Search","schemaJson":{"description":"A search",`},
		{"lexicon, wrong secret", "GET", "/api/app/projects/7/schemas", func(r *http.Request) { r.SetBasicAuth("sa", "x") }, 401, "Invalid service account"},
		{"bookmarks", "GET", "/api/app/projects/7/bookmarks?v=2", nil, 200, `{"results":[{"created":"2025-01-02T03:04:05","id":3,"name":"Searches",`},
		{"bookmarks of a type", "GET", "/api/app/projects/7/bookmarks?v=2&type=flows", nil, 200, `{"results":[]}`},
		{"bookmarks, version 1", "GET", "/api/app/projects/7/bookmarks?v=1", nil, 400, "version 2"},
		{"bookmarks, no version", "GET", "/api/app/projects/7/bookmarks", nil, 400, "v is a required"},
		{"lookup tables", "GET", "/lookup-tables?project_id=7", nil, 200, `"results":[{"id":"5e-1","name":"SKUs"}]`},
		{"lookup tables at their host", "GET", "/lookup-tables?project_id=7", host("api.mixpanel.com"), 200, "SKUs"},
		{"lookup tables at another host", "GET", "/lookup-tables?project_id=7", host("mixpanel.com"), 400, "Unable to authenticate"},
		{"a report", "GET", "/api/query/insights?project_id=7&bookmark_id=3", nil, 200, `"series":{"Search":{"2025-03-01T00:00:00+00:00":9007199254740993}}`},
		{"a report of another kind", "GET", "/api/query/insights?project_id=7&bookmark_id=4", nil, 400, "no report 4"},
		{"retention, compounded", "GET", "/api/query/retention?project_id=7&from_date=2025-03-01&to_date=2025-03-03&retention_type=compounded", nil, 400, "birth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := list(t, s, tt.method, tt.target, tt.edit)
			if got.status != tt.status || !strings.Contains(got.text, tt.text) {
				t.Errorf("status %d, body %.400s, want %d with %s", got.status, got.text, tt.status, tt.text)
			}
		})
	}
}

func TestLexiconHasFiveRequestsAMinute(t *testing.T) {
	t.Parallel()
	at := now
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{library()}, Now: func() time.Time { return at }})
	ask := func() answer { return list(t, s, "GET", "/api/app/projects/7/schemas", nil) }
	for i := range 5 {
		if got := ask(); got.status != 200 {
			t.Errorf("request %d: %d", i+1, got.status)
		}
		at = at.Add(time.Second)
	}
	if got := ask(); got.status != 429 || got.header.Get("Retry-After") != "55" {
		t.Errorf("request 6: %d, Retry-After %s, want 429 and 55", got.status, got.header.Get("Retry-After"))
	}
	if got := list(t, s, "GET", "/api/app/projects/7/annotations", nil); got.status != 200 {
		t.Errorf("annotations meanwhile: %d", got.status)
	}
	at = at.Add(55 * time.Second)
	if got := ask(); got.status != 200 {
		t.Errorf("55 seconds later: %d", got.status)
	}
}

// The number of members in the list of cohorts is correct.
func TestCohortsAreCounted(t *testing.T) {
	t.Parallel()
	p := peopled(50)
	p.Cohorts[0].Members = []string{"ghost"}
	s := start(t, p)
	members, err := s.Members(7, 5)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		all, err := s.Cohorts(7)
		now, err2 := s.Members(7, 5)
		if err != nil || err2 != nil || all[0].Count != len(now) {
			t.Errorf("%s: %d members are counted of %d; %v, %v", what, all[0].Count, len(now), err, err2)
		}
	}
	check("at first")
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"one left", func() error { return s.DeleteMember(7, 5, members[3]) }},
		{"one joined", func() error { return s.PutMember(7, 5, "new") }},
		{"one joined again", func() error { return s.PutMember(7, 5, members[3]) }},
		{"another left", func() error { return s.DeleteMember(7, 5, "ghost") }},
		{"the profile of one is deleted", func() error { return s.DeleteProfile(7, "", members[4]) }},
		{"every fourth is in it", func() error { return s.PutCohort(7, mixpaneltest.Cohort{ID: 5, Name: "Four", Every: 4}) }},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		check(step.what)
	}
}

func TestWhatIsSavedIsChangedOverHTTP(t *testing.T) {
	t.Parallel()
	s, err := mixpaneltest.New(mixpaneltest.Config{Projects: []mixpaneltest.Project{library()}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Controls())
	t.Cleanup(web.Close)
	for _, tt := range []struct {
		method, path, body string
		status             int
		text               string // part of the response
	}{
		{"PUT", "/_annotations/7", `{"id":9,"date":"2025-03-03 00:00:00","description":"New"}`, 200, "put"},
		{"PUT", "/_annotations/7", `{"id":1,"date":"2025-03-01 10:00:00","description":"Changed"}`, 200, "put"},
		{"PUT", "/_annotations/7", `{"description":"no id"}`, 400, "positive id"},
		{"PUT", "/_annotations/7", `{"id":3,"colour":"red"}`, 400, "colour"},
		{"PUT", "/_annotations/8", `{"id":3}`, 400, "not known"},
		{"DELETE", "/_annotations/7/2", "", 200, "deleted"},
		{"DELETE", "/_annotations/7/2", "", 400, "no annotation 2"},
		{"GET", "/_annotations/7", "", 200, `[{"id":1,"date":"2025-03-01 10:00:00","description":"Changed"},{"id":9,"date":"2025-03-03 00:00:00","description":"New"}]`},
		{"PUT", "/_lexicon/7", `{"entityType":"event","name":"New","schemaJson":{}}`, 200, "put"},
		{"DELETE", "/_lexicon/7/profile/$user", "", 200, "deleted"},
		{"GET", "/_lexicon/7", "", 200, `[{"entityType":"event","name":"New","schemaJson":{}},{"entityType":"event","name":"Search",`},
		{"PUT", "/_cohorts/7", `{"ID":6,"Name":"Six","Members":["a"]}`, 200, "put"},
		{"DELETE", "/_cohorts/7/5", "", 200, "deleted"},
		{"GET", "/_cohorts/7", "", 200, `[{"id":6,"name":"Six","description":"","created":"","count":1,"is_visible":1,"project_id":7}]`},
		{"PUT", "/_funnels/7", `{"ID":2,"Name":"Two","Steps":["Search"]}`, 200, "put"},
		{"DELETE", "/_funnels/7/1", "", 200, "deleted"},
		{"GET", "/_funnels/7", "", 200, `[{"ID":2,"Name":"Two","Steps":["Search"]}]`},
		{"GET", "/_bookmarks/7", "", 200, `"Searches"`},
		{"GET", "/_lookups/7", "", 200, `[{"id":"5e-1","name":"SKUs"}]`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, web.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != tt.status || !strings.Contains(string(text), tt.text) {
			t.Errorf("%s %s = %d %.300s, want %d with %s", tt.method, tt.path, resp.StatusCode, text, tt.status, tt.text)
		}
	}
	funnels, err := s.Funnels(7)
	if diff := cmp.Diff([]mixpaneltest.Funnel{{ID: 2, Name: "Two", Steps: []string{"Search"}}}, funnels); err != nil || diff != "" {
		t.Errorf("funnels: %v (-want +got):\n%s", err, diff)
	}
}

// TestRetentionOfWhatIsKnown compares retention with counts by hand.
func TestRetentionOfWhatIsKnown(t *testing.T) {
	t.Parallel()
	line := func(event, person string, hour int) string {
		at := march1.Start(time.UTC).Add(time.Duration(hour) * time.Hour).Unix()
		text, err := json.Marshal(map[string]any{"event": event, "properties": map[string]any{"time": at, "distinct_id": person, "$insert_id": event + person + time.Duration(hour).String()}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	p := project(0)
	p.Data = mixpaneltest.Lines{
		march1:     {line("in", "a", 1), line("back", "a", 2), line("in", "b", 3), line("back", "c", 4)},
		march1 + 1: {line("back", "a", 25), line("in", "c", 26), line("back", "b", 27), line("in", "a", 28)},
		march1 + 2: {line("back", "c", 50), line("back", "a", 51)},
	}
	s := start(t, p)
	got := call(t, s, "retention", params(march1, march1+1, "born_event", "in", "event", "back", "interval_count", "3"), nil)
	const want = `{"2025-03-01":{"first":2,"counts":[1,2,1]},"2025-03-02":{"first":1,"counts":[0,1,0]}}`
	if got.text != want {
		t.Errorf("retention = %s, want %s", got.text, want)
	}
}

func TestSamplesAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	sample := func(seed uint64) []string {
		s := start(t, mixpaneltest.Sample(project(20), seed, 40))
		var all []string
		for _, target := range []string{
			"POST /api/query/cohorts/list?project_id=7", "GET /api/app/projects/7/annotations", "GET /api/app/projects/7/schemas",
			"GET /api/app/projects/7/bookmarks?v=2", "GET /lookup-tables?project_id=7", "GET /api/query/funnels/list?project_id=7",
			"GET /api/query/insights?project_id=7&bookmark_id=301&",
		} {
			method, target, _ := strings.Cut(target, " ")
			a := list(t, s, method, target, nil)
			if a.status != 200 || len(a.text) < 60 {
				t.Errorf("%s: %d %s", target, a.status, a.text)
			}
			all = append(all, a.text)
		}
		for _, group := range []string{"", mixpaneltest.SampleGroup} {
			truth, err := s.Profiles(mixpaneltest.ProfileAsk{Project: 7, Group: group})
			if err != nil || len(truth.Rows) == 0 {
				t.Errorf("group %q: %d profiles, %v", group, len(truth.Rows), err)
			}
			for _, row := range truth.Rows {
				all = append(all, row.DistinctID+row.Properties)
			}
		}
		return all
	}
	first := sample(1)
	if diff := cmp.Diff(first, sample(1)); diff != "" {
		t.Errorf("again (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, sample(2)) {
		t.Error("another seed makes the same")
	}
}
