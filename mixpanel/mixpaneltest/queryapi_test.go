package mixpaneltest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

// goodQueries returns all accepted parameters for each call of the Query API.
func goodQueries() map[string]url.Values {
	const pro = `properties["plan"] == "pro"`
	return map[string]url.Values{
		"events/names":             {"project_id": {"7"}, "type": {"general"}, "limit": {"3"}},
		"events/top":               {"project_id": {"7"}, "type": {"unique"}, "limit": {"3"}},
		"events/properties/top":    {"project_id": {"7"}, "event": {"Search"}, "limit": {"3"}},
		"events/properties/values": {"project_id": {"7"}, "event": {"Search"}, "name": {"plan"}, "limit": {"3"}},
		"segmentation": {
			"project_id": {"7"}, "event": {"Search"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
			"on": {`properties["$os"]`}, "where": {pro}, "unit": {"day"}, "type": {"average"}, "limit": {"3"},
		},
		"funnels/list": {"project_id": {"7"}},
		"insights":     {"project_id": {"7"}, "bookmark_id": {"3"}},
		"events": {
			"project_id": {"7"}, "event": {`["Search"]`}, "type": {"general"}, "unit": {"day"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
		},
		"events/properties": {
			"project_id": {"7"}, "event": {"Search"}, "name": {"plan"}, "values": {`["pro","free"]`}, "type": {"general"}, "unit": {"day"},
			"from_date": {"2025-03-01"}, "to_date": {"2025-03-03"}, "limit": {"3"},
		},
		"segmentation/numeric": {
			"project_id": {"7"}, "event": {"Search"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
			"on": {`properties["price"]`}, "where": {pro}, "unit": {"day"}, "type": {"unique"},
		},
		"segmentation/sum": {
			"project_id": {"7"}, "event": {"Search"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
			"on": {`properties["price"]`}, "where": {pro}, "unit": {"hour"},
		},
		"segmentation/average": {
			"project_id": {"7"}, "event": {"Search"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
			"on": {`properties["price"]`}, "where": {pro}, "unit": {"day"},
		},
		"retention": {
			"project_id": {"7"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"}, "born_event": {"Page Viewed"}, "event": {"Search"},
			"born_where": {pro}, "where": {pro}, "interval": {"1"}, "interval_count": {"3"}, "unit": {"day"},
		},
		"funnels": {
			"project_id": {"7"}, "funnel_id": {"1"}, "from_date": {"2025-03-01"}, "to_date": {"2025-03-03"},
			"where": {pro}, "unit": {"week"},
		},
	}
}

func with(v url.Values, key, value string) url.Values {
	v = maps.Clone(v)
	v.Set(key, value)
	return v
}

func without(v url.Values, key string) url.Values {
	v = maps.Clone(v)
	v.Del(key)
	return v
}

// call sends a request to the call of that name. edit may change it first.
func call(t *testing.T, s *mixpaneltest.Server, name string, params url.Values, edit func(*http.Request)) answer {
	t.Helper()
	a, err := ask(t.Context(), s, params, func(r *http.Request) {
		r.URL.Path = mixpaneltest.QueryPath + name
		if edit != nil {
			edit(r)
		}
	})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return a
}

func wantStatus(t *testing.T, s *mixpaneltest.Server, name string, params url.Values, status int) {
	t.Helper()
	if got := call(t, s, name, params, nil); got.status != status {
		t.Errorf("%s?%s: status %d, want %d: %s", name, params.Encode(), got.status, status, got.text)
	}
}

func TestQueryRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	segmentation, funnels := goodQueries()["segmentation"], goodQueries()["funnels"]
	tests := []struct {
		name   string
		call   string
		params url.Values
		edit   func(*http.Request)
		status int
		body   string
	}{
		{"good request", "segmentation", segmentation, nil, 200, `{"data":`},
		{"no credentials", "segmentation", segmentation, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "Unable to authenticate"},
		{"wrong secret", "segmentation", segmentation, func(r *http.Request) { r.SetBasicAuth("sa", "x") }, 401, "Invalid service account"},
		{"no project", "segmentation", without(segmentation, "project_id"), nil, 400, "project_id"},
		{"unknown project", "segmentation", with(segmentation, "project_id", "9"), nil, 400, "Unable to authenticate"},
		{"post", "segmentation", segmentation, func(r *http.Request) { r.Method = http.MethodPost }, 405, "POST"},
		{"no such call", "segmentations", segmentation, nil, 404, "segmentations"},
		{"no call", "", segmentation, nil, 404, "there is no"},
		{"empty event", "segmentation", with(segmentation, "event", ""), nil, 400, "event"},
		{"no such date", "segmentation", with(segmentation, "from_date", "2025-02-30"), nil, 400, "2025-02-30"},
		{"from after to", "segmentation", with(segmentation, "from_date", "2025-03-04"), nil, 400, "after"},
		{"tomorrow", "segmentation", with(segmentation, "to_date", "2025-03-11"), nil, 400, "later than today"},
		{"weeks", "segmentation", with(segmentation, "unit", "week"), nil, 400, "unit"},
		{"unknown type", "segmentation", with(segmentation, "type", "median"), nil, 400, "type"},
		{"unknown where", "segmentation", with(segmentation, "where", "true"), nil, 400, "does not know"},
		{"unknown on", "segmentation", with(segmentation, "on", "$os"), nil, 400, "does not know"},
		{"limit too high", "segmentation", with(segmentation, "limit", "10001"), nil, 400, "limit"},
		{"limit zero", "segmentation", with(segmentation, "limit", "0"), nil, 400, "limit"},
		{"unknown parameter", "segmentation", with(segmentation, "page", "1"), nil, 400, "unsupported parameter page"},
		{"parameter of another call", "funnels/list", with(url.Values{"project_id": {"7"}}, "limit", "1"), nil, 400, "unsupported"},
		{"parameter twice", "segmentation", segmentation, func(r *http.Request) { r.URL.RawQuery += "&unit=day" }, 400, "2 times"},
		{"malformed query", "segmentation", segmentation, func(r *http.Request) { r.URL.RawQuery += "&x=%zz" }, 400, "malformed"},
		{"unknown funnel", "funnels", with(funnels, "funnel_id", "2"), nil, 400, "funnel 2"},
		{"host of its region", "segmentation", segmentation, host("mixpanel.com"), 200, `{"data":`},
		{"host of another region", "segmentation", segmentation, host("eu.mixpanel.com"), 400, "Unable to authenticate"},
		{"host of exports", "segmentation", segmentation, host("data.mixpanel.com"), 400, "Unable to authenticate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, s, tt.call, tt.params, tt.edit)
			if got.status != tt.status || !strings.Contains(got.text, tt.body) {
				t.Errorf("status %d, body %.200q, want %d with %q", got.status, got.text, tt.status, tt.body)
			}
		})
	}
}

func TestQueriesHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := &clock{at: now}
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{project(1)}, Now: c.now})
	list := goodQueries()["funnels/list"]
	for range 60 {
		wantStatus(t, s, "funnels/list", list, 200)
	}
	wantRefused(t, call(t, s, "funnels/list", list, nil), "3600", `"project";r=0;t=3600, "project-concurrency";r=5`)
	if got := get(t, s, march1, march1); got.status != 200 {
		t.Errorf("export: status %d", got.status)
	}
	c.advance(time.Hour)
	wantStatus(t, s, "funnels/list", list, 200)
}

func TestFiveQueriesAtOnce(t *testing.T) {
	t.Parallel()
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{project(1)}})
	held := inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Call: "funnels/list"})
	var running sync.WaitGroup
	for range 5 {
		running.Go(func() { wantStatus(t, s, "funnels/list", goodQueries()["funnels/list"], 200) })
	}
	<-held.Reached()
	for held.Hits() < 5 {
		wantStatus(t, s, "funnels/list", url.Values{}, 400) // rejected; only passes the time
	}
	got := call(t, s, "events/names", goodQueries()["events/names"], nil)
	if got.status != http.StatusTooManyRequests || !strings.Contains(got.text, "too many query requests in progress") {
		t.Errorf("sixth: status %d, body %q", got.status, got.text)
	}
	held.Release()
	running.Wait()
}

func TestQueriesHaveALogOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	get(t, s, march1, march1)
	call(t, s, "segmentation", goodQueries()["segmentation"], nil)
	call(t, s, "events/names", url.Values{}, nil)
	if log := s.Requests(); len(log) != 1 || log[0].Call != "" || log[0].Params != nil {
		t.Errorf("requests: %+v", log)
	}
	log := s.Queries()
	if len(log) != 2 {
		t.Fatalf("%d queries in the log, want 2", len(log))
	}
	first := log[0]
	if first.Call != "segmentation" || first.Project != 7 || first.Days != (day.Range{From: march1, To: march3}) || first.Status != 200 ||
		!first.Done || first.Bytes == 0 || first.Params.Get("type") != "average" || first.Events[0] != "Search" {
		t.Errorf("first query is logged as %+v", first)
	}
	if log[1].Call != "events/names" || log[1].Status != 400 || log[1].Done {
		t.Errorf("second query is logged as %+v", log[1])
	}
}

func TestFaultsHitWhatTheyName(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	export := inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.Status500})
	one := inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.Status503, Call: "funnels/list", Times: 1})
	wantStatus(t, s, "events/names", goodQueries()["events/names"], 200)
	wantStatus(t, s, "funnels/list", goodQueries()["funnels/list"], 503)
	wantStatus(t, s, "funnels/list", goodQueries()["funnels/list"], 200)
	inject(t, s, mixpaneltest.Fault{Kind: mixpaneltest.Status502, Call: "*"})
	for name, params := range goodQueries() {
		wantStatus(t, s, name, params, 502)
	}
	if got := get(t, s, march1, march1); got.status != 500 || export.Hits() != 1 || one.Hits() != 1 {
		t.Errorf("export: status %d; hits %d and %d", got.status, export.Hits(), one.Hits())
	}
	for _, f := range []mixpaneltest.Fault{
		{Kind: mixpaneltest.Status500, Call: "segmentations"},
		{Kind: mixpaneltest.TerminatedEarly, Call: "segmentation"},
		{Kind: mixpaneltest.Reordered, Call: "segmentation"},
	} {
		if _, err := s.Inject(f); err == nil {
			t.Errorf("Inject accepts %+v", f)
		}
	}
}

// TestQueriesCountWhatIsTrue compares counts with the truth while the data has faults.
func TestQueriesCountWhatIsTrue(t *testing.T) {
	t.Parallel()
	for _, kind := range []mixpaneltest.Kind{mixpaneltest.ExactDuplicates, mixpaneltest.LateRows, mixpaneltest.NotJSON} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := start(t, project(100))
			inject(t, s, mixpaneltest.Fault{Kind: kind})
			params := url.Values{
				"project_id": {"7"}, "event": {"Page Viewed"}, "from_date": {march1.String()}, "to_date": {march3.String()},
			}
			for range 2 { // the second export finds more of the late rows
				get(t, s, march1, march3)
				truth, err := s.Truth(7, day.Range{From: march1, To: march3})
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]int{}
				for _, row := range truth.Rows {
					if row.Event == "Page Viewed" {
						want[row.Day.String()]++
					}
				}
				var got struct {
					Data struct{ Values map[string]map[string]int }
				}
				text := call(t, s, "segmentation", params, nil).text
				if err := json.Unmarshal([]byte(text), &got); err != nil || !maps.Equal(got.Data.Values["Page Viewed"], want) {
					t.Errorf("segmentation %s, %v, want %v", text, err, want)
				}
			}
		})
	}
}

// TestShiftedProjectsCountInTheirZone counts the hours of a day on which the zone's clock is set forward.
func TestShiftedProjectsCountInTheirZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	p := project(20)
	p.Location, p.ShiftedTimes = zone, true
	s := start(t, p)
	params := with(without(goodQueries()["segmentation"], "where"), "unit", "hour")
	params = with(with(without(params, "on"), "from_date", "2025-03-09"), "to_date", "2025-03-09")
	var got struct{ Data struct{ Series []string } }
	text := call(t, s, "segmentation", with(params, "type", "general"), nil).text
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Data.Series) != 23 ||
		got.Data.Series[0] != "2025-03-09 00:00:00" || got.Data.Series[2] != "2025-03-09 03:00:00" {
		t.Errorf("series %q, %v, want 23 hours", got.Data.Series, err)
	}
}
