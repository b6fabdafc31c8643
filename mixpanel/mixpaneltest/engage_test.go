package mixpaneltest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/openapitest"
	"mixduck/mixpanel/mixpaneltest"
)

// peopled returns the project with n users on pages of 10, a group and a cohort.
func peopled(n int) mixpaneltest.Project {
	p := project(20)
	p.Profiles, p.PageSize = mixpaneltest.People{Seed: 1, Count: n}, 10
	p.Groups = []mixpaneltest.Group{{Key: "company", ID: "77", Profiles: mixpaneltest.Profiles{{DistinctID: "4", Properties: `{"n":1}`}}}}
	p.Cohorts = []mixpaneltest.Cohort{{ID: 5, Name: "Five", Every: 5}}
	return p
}

// sentPage is a page as a client sees it.
type sentPage struct {
	Page      int
	PageSize  int    `json:"page_size"`
	SessionID string `json:"session_id"`
	Status    string
	Total     *int
	Error     string
	Results   []struct {
		ID         json.RawMessage `json:"$distinct_id"`
		Properties json.RawMessage `json:"$properties"`
	}
}

// engage requests a page; form contains keys and values.
func engage(t *testing.T, s *mixpaneltest.Server, edit func(*http.Request), form ...string) (answer, sentPage) {
	t.Helper()
	values := make(url.Values)
	for i := 0; i < len(form); i += 2 {
		values.Add(form[i], form[i+1])
	}
	a := call(t, s, "engage", url.Values{"project_id": {"7"}}, func(r *http.Request) {
		r.Method = http.MethodPost
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if edit != nil {
			edit(r)
		}
	})
	var page sentPage
	if err := json.Unmarshal([]byte(a.text), &page); err != nil {
		t.Errorf("%d %s: %v", a.status, a.text, err)
	}
	return a, page
}

func TestEngageRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, peopled(25))
	_, first := engage(t, s, nil)
	tests := []struct {
		name   string
		edit   func(*http.Request)
		form   []string
		status int
		text   string
	}{
		{"good request", nil, nil, 200, `{"page":0,"page_size":10,"results":[`},
		{"get", func(r *http.Request) { r.Method, r.Body = http.MethodGet, nil }, nil, 405, "GET"},
		{"wrong secret", func(r *http.Request) { r.SetBasicAuth("sa", "x") }, nil, 401, "Invalid service account"},
		{"another region", func(r *http.Request) { r.Host = "eu.mixpanel.com" }, nil, 400, "Unable to authenticate"},
		{"no project", func(r *http.Request) { r.URL.RawQuery = "" }, nil, 400, "project_id"},
		{"no form", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, nil, 415, "form"},
		{"a parameter in the URL", func(r *http.Request) { r.URL.RawQuery += "&page=0" }, nil, 400, "page"},
		{"an unknown parameter", nil, []string{"limit", "3"}, 400, "limit"},
		{"a parameter twice", nil, []string{"page", "0", "page", "0"}, 400, "2 times"},
		{"one id and several", nil, []string{"distinct_id", "a", "distinct_ids", `["a"]`}, 400, "mutually exclusive"},
		{"a cohort and behaviors", nil, []string{"filter_by_cohort", `{"id":5}`, "behaviors", "[]"}, 400, "mutually exclusive"},
		{"all users, no cohort", nil, []string{"include_all_users", "false"}, 400, "filter_by_cohort"},
		{"a moment, no behaviors", nil, []string{"as_of_timestamp", "1"}, 400, "behaviors"},
		{"where without its behavior", nil, []string{"where", `behaviors["x"] > 0`}, 400, "x"},
		{"unknown where", nil, []string{"where", "true"}, 400, "does not know"},
		{"unknown where within", nil, []string{"where", `(properties["a"] == "b") or (true)`}, 400, "does not know"},
		{"a cohort as a number", nil, []string{"filter_by_cohort", "5"}, 400, "filter_by_cohort"},
		{"a cohort with more", nil, []string{"filter_by_cohort", `{"id":5,"x":1}`}, 400, "filter_by_cohort"},
		{"an unknown cohort", nil, []string{"filter_by_cohort", `{"id":6}`}, 400, "cohort 6"},
		{"a cohort of users for a group", nil, []string{"filter_by_cohort", `{"id":5}`, "data_group_id", "77"}, 400, "cohort 5"},
		{"an unknown group", nil, []string{"data_group_id", "78"}, 400, "group 78"},
		{"a group key", nil, []string{"data_group_id", "company"}, 400, "data_group_id"},
		{"ids that are no list", nil, []string{"distinct_ids", "a,b"}, 400, "distinct_ids"},
		{"properties that are no list", nil, []string{"output_properties", "plan"}, 400, "output_properties"},
		{"a negative page", nil, []string{"page", "-1", "session_id", first.SessionID}, 400, "page"},
		{"a page without a session", nil, []string{"page", "1"}, 400, "session_id"},
		{"an unknown session", nil, []string{"page", "1", "session_id", "x"}, 400, "uncached query"},
		{"the session of another query", nil, []string{"page", "1", "session_id", first.SessionID, "where", `defined(properties["plan"])`}, 400, "uncached query"},
		{"the next page", nil, []string{"page", "1", "session_id", first.SessionID}, 200, `{"page":1,`},
		{"a page behind the last one", nil, []string{"page", "9", "session_id", first.SessionID}, 200, `"results":[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := engage(t, s, tt.edit, tt.form...)
			if got.status != tt.status || !strings.Contains(got.text, tt.text) {
				t.Errorf("status %d, body %.200q, want %d with %q", got.status, got.text, tt.status, tt.text)
			}
		})
	}
}

func TestEngageTakesThePublishedFields(t *testing.T) {
	t.Parallel()
	s := start(t, peopled(25))
	_, first := engage(t, s, nil)
	good := map[string][]string{
		"distinct_id": {"distinct_id", "a"}, "distinct_ids": {"distinct_ids", `["a"]`}, "data_group_id": {"data_group_id", "77"},
		"where": {"where", `defined(properties["plan"])`}, "output_properties": {"output_properties", `["plan"]`},
		"session_id": {"session_id", first.SessionID}, "page": {"page", "1", "session_id", first.SessionID},
		"behaviors":       {"behaviors", `[{"window":"3d","name":"x","event_selectors":[{"event":"Search"}]}]`},
		"as_of_timestamp": {"as_of_timestamp", "1741000000", "behaviors", "[]"}, "filter_by_cohort": {"filter_by_cohort", `{"id":5}`},
		"include_all_users": {"include_all_users", "true", "filter_by_cohort", `{"id":5}`},
	}
	doc := openapitest.Load(t, "query.openapi.yaml")
	body := doc.Paths.Value("/engage").Post.RequestBody.Value.Content["application/x-www-form-urlencoded"]
	for field := range body.Schema.Value.Properties {
		if got, _ := engage(t, s, nil, good[field]...); got.status != 200 || good[field] == nil {
			t.Errorf("%s: status %d: %s", field, got.status, got.text)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	at := now
	s := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{peopled(25)}, Now: func() time.Time { return at },
		QueryLimits: mixpaneltest.Limits{Off: true}, SessionTTL: time.Minute,
	})
	_, first := engage(t, s, nil)
	next := func() int {
		a, _ := engage(t, s, nil, "page", "2", "session_id", first.SessionID)
		return a.status
	}
	if got := next(); got != 200 {
		t.Errorf("at once: %d", got)
	}
	at = at.Add(time.Minute)
	if got := next(); got != 400 {
		t.Errorf("after a minute: %d", got)
	}
	_, first = engage(t, s, nil)
	if n, got := s.EndSessions(), next(); n == 0 || got != 400 {
		t.Errorf("%d sessions ended; then %d", n, got)
	}
}

// Pages of a session do not count against the hour, but their number at once is limited.
func TestLimitsOfPages(t *testing.T) {
	t.Parallel()
	s := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{peopled(25)}, Now: func() time.Time { return now },
		QueryLimits: mixpaneltest.Limits{PerHour: 2, AtOnce: 1},
	})
	_, first := engage(t, s, nil)
	for page := range 5 {
		if a, _ := engage(t, s, nil, "page", string(rune('1'+page)), "session_id", first.SessionID); a.status != 200 {
			t.Errorf("page %d: %d %s", page+1, a.status, a.text)
		}
	}
	if a, _ := engage(t, s, nil); a.status != 200 {
		t.Errorf("the second query: %d %s", a.status, a.text)
	}
	if a, _ := engage(t, s, nil); a.status != 429 || a.header.Get("Retry-After") != "3600" || !strings.Contains(a.header.Get("RateLimit"), `"project";r=0;t=3600`) {
		t.Errorf("the third query: %d %v", a.status, a.header)
	}
	held, err := s.Inject(mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Call: "engage", MinPage: 2, Times: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() {
		a, _ := engage(t, s, nil, "page", "2", "session_id", first.SessionID)
		done <- a.status
	}()
	<-held.Reached()
	if a, _ := engage(t, s, nil, "page", "1", "session_id", first.SessionID); a.status != 429 || !strings.Contains(a.header.Get("RateLimit"), `"project-concurrency";r=0`) {
		t.Errorf("two at once: %d %v", a.status, a.header)
	}
	held.Release()
	if got := <-done; got != 200 {
		t.Errorf("the one that was held: %d", got)
	}
}

func TestPeopleHaveOneIDEach(t *testing.T) {
	t.Parallel()
	people := mixpaneltest.People{Seed: 3, Count: 3000}
	i := 0
	for id, properties := range people.Range(0, 3000) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(properties, &fields); err != nil || len(fields) != 25 {
			t.Fatalf("%s: %d properties, %v", id, len(fields), err)
		}
		if at, ok := people.Find(id); !ok || at != i {
			t.Fatalf("Find(%s) = %d, %t, want %d", id, at, ok, i)
		}
		for again, same := range people.Range(i, i+1) {
			if again != id || !bytes.Equal(same, properties) {
				t.Fatalf("%s is not the same again", id)
			}
		}
		i++
	}
	for _, id := range []string{"", "user-", "user-00", "user-zzzzzzz", "person-0", "user--1"} {
		if at, ok := people.Find(id); ok {
			t.Errorf("Find(%q) = %d", id, at)
		}
	}
}

func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	s := start(t, peopled(12))
	members := func() string {
		ids, err := s.Members(7, 5)
		if err != nil {
			t.Fatal(err)
		}
		_, page := engage(t, s, nil, "filter_by_cohort", `{"id":5}`)
		sent := make(map[string]bool)
		for _, one := range page.Results {
			sent[strings.Trim(string(one.ID), `"`)] = true
		}
		if len(sent) != len(ids) || len(page.Results) != len(ids) {
			t.Errorf("%d members are sent, want %q", len(page.Results), ids)
		}
		for _, id := range ids {
			if !sent[id] {
				t.Errorf("%s is not sent", id)
			}
		}
		return strings.Join(ids, " ")
	}
	begun := members()
	first := strings.Fields(begun)[0]
	check := func(err error, want string) {
		t.Helper()
		if got := members(); err != nil || got != want {
			t.Errorf("%v, members %q, want %q", err, got, want)
		}
	}
	check(s.PutMember(7, 5, "aaa"), "aaa "+begun)
	check(s.PutMember(7, 5, "aaa"), "aaa "+begun)
	check(s.DeleteMember(7, 5, first), "aaa"+strings.TrimPrefix(begun, first))
	check(s.PutMember(7, 5, first), "aaa "+begun)
	check(s.DeleteMember(7, 5, "aaa"), begun)
	check(s.DeleteProfile(7, "", first), begun)
	if err := s.DeleteMember(7, 5, "aaa"); err == nil {
		t.Error("a membership ends twice")
	}
}

func TestProfilesAreChangedOverHTTP(t *testing.T) {
	t.Parallel()
	s, err := mixpaneltest.New(mixpaneltest.Config{Projects: []mixpaneltest.Project{peopled(12)}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Controls())
	t.Cleanup(web.Close)
	do := func(method, path, body string) (status int, text string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, web.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, strings.TrimSpace(string(got))
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		text               string // part of the response
	}{
		{"PUT", "/_profiles/7/a%2Fb?group=77", `{"n":9007199254740993}`, 200, "put"},
		{"DELETE", "/_profiles/7/4?group=77", "", 200, "deleted"},
		{"DELETE", "/_profiles/7/4?group=77", "", 400, "no profile"},
		{"PUT", "/_profiles/7/x?group=78", "{}", 400, "no group"},
		{"PUT", "/_profiles/8/x", "{}", 400, "not known"},
		{"GET", "/_profiles/7?group=77", "", 200, `{"Rows":[{"DistinctID":"a/b","Properties":"{\"n\":9007199254740993}","LastSeen":""}],"Quarantined":null}`},
		{"POST", "/_profiles/7?every=5", "", 200, `{"changed":3}`},
		{"POST", "/_profiles/7?every=0", "", 400, "positive"},
		{"GET", "/_profiles/7?where=defined(properties[%22~edit%22])", "", 200, `{\"~edit\":\"1\",`},
		{"PUT", "/_members/7/5/ghost", "", 200, "put"},
		{"GET", "/_members/7/5", "", 200, `["ghost",`},
		{"DELETE", "/_members/7/5/ghost", "", 200, "deleted"},
		{"DELETE", "/_members/7/6/ghost", "", 400, "no cohort 6"},
		{"GET", "/_profiles/7?session=none", "", 400, "no session"},
		{"DELETE", "/_sessions", "", 200, `{"ended":0}`},
	} {
		if status, text := do(tt.method, tt.path, tt.body); status != tt.status || !strings.Contains(text, tt.text) {
			t.Errorf("%s %s = %d %.300s, want %d with %s", tt.method, tt.path, status, text, tt.status, tt.text)
		}
	}
	truth, err := s.Profiles(mixpaneltest.ProfileAsk{Project: 7, Group: "77"})
	if err != nil {
		t.Fatal(err)
	}
	want := mixpaneltest.ProfileTruth{Rows: []mixpaneltest.ProfileRow{{DistinctID: "a/b", Properties: `{"n":9007199254740993}`}}}
	if diff := cmp.Diff(want, truth); diff != "" {
		t.Errorf("profiles (-want +got):\n%s", diff)
	}
}
