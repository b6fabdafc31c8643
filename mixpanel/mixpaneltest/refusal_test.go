package mixpaneltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := project(3)
	p.MaxPastDays = 60
	other := project(3)
	other.ID, other.Username = 8, "other"
	s := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{p, other},
		Now:      func() time.Time { return now },
		Limits:   mixpaneltest.Limits{Off: true},
	})
	set := func(key, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Set(key, value)
			r.URL.RawQuery = q.Encode()
		}
	}
	drop := func(key string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Del(key)
			r.URL.RawQuery = q.Encode()
		}
	}
	tests := []struct {
		name   string
		edit   func(*http.Request)
		status int
		body   string
	}{
		{"good request", func(*http.Request) {}, 200, `{"event":`},
		{"no credentials", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "Unable to authenticate request"},
		{"wrong secret", func(r *http.Request) { r.SetBasicAuth("sa", "x") }, 401, "Invalid service account credentials"},
		{"wrong user", func(r *http.Request) { r.SetBasicAuth("x", "s3cret") }, 401, "Invalid service account credentials"},
		{"bearer token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "Unable to authenticate"},
		{"project of another account", set("project_id", "8"), 400, "Unable to authenticate request"},
		{"unknown project", set("project_id", "9"), 400, "Unable to authenticate request"},
		{"no project", drop("project_id"), 400, "project_id"},
		{"project is no number", set("project_id", "seven"), 400, "project_id"},
		{"post", func(r *http.Request) { r.Method = http.MethodPost }, 405, "POST"},
		{"head", func(r *http.Request) { r.Method = http.MethodHead }, 405, ""},
		{"other path", func(r *http.Request) { r.URL.Path = "/api/2.0/exports" }, 404, "exports"},
		{"no from_date", drop("from_date"), 400, "from_date"},
		{"no to_date", drop("to_date"), 400, "to_date"},
		{"no such date", set("from_date", "2025-02-30"), 400, "2025-02-30"},
		{"short date", set("from_date", "2025-2-3"), 400, "2025-2-3"},
		{"date with time", set("from_date", "2025-02-03T00:00:00"), 400, "from_date"},
		{"from after to", set("from_date", "2025-03-02"), 400, "after"},
		{"to_date tomorrow", set("to_date", "2025-03-11"), 400, "to_date cannot be later than today"},
		{"to_date today", set("to_date", "2025-03-10"), 200, `{"event":`},
		{"too far back", set("from_date", "2025-01-08"), 403, "Date range exceeds 60 days into the past"},
		{"just not too far back", set("from_date", "2025-01-09"), 200, `{"event":`},
		{"limit too high", set("limit", "100001"), 400, "limit"},
		{"limit zero", set("limit", "0"), 400, "limit"},
		{"limit is no number", set("limit", "many"), 400, "limit"},
		{"limit", set("limit", "100000"), 200, `{"event":`},
		{"event is no JSON", set("event", "Purchase"), 400, "event"},
		{"event is a text", set("event", `"Purchase"`), 400, "event"},
		{"event has a number", set("event", `["Purchase",1]`), 400, "event"},
		{"event has a null", set("event", `[null]`), 400, "event"},
		{"event is empty", set("event", `[]`), 400, "event"},
		{"unknown where", set("where", `properties["price"] > 3`), 400, "does not know"},
		{"where with more to it", set("where", `properties["a"] == "b" or true`), 400, "does not know"},
		{"time_in_ms is no boolean", set("time_in_ms", "1"), 400, "time_in_ms"},
		{"unknown parameter", set("page", "1"), 400, "unsupported parameter page"},
		{"known parameter twice", func(r *http.Request) { r.URL.RawQuery += "&to_date=2025-03-01" }, 400, "2 times"},
		{"malformed query", func(r *http.Request) { r.URL.RawQuery += "&x=%zz" }, 400, "malformed"},
		{"host of its region", func(r *http.Request) { r.Host = "data.mixpanel.com" }, 200, `{"event":`},
		{"host of another region", func(r *http.Request) { r.Host = "data-eu.mixpanel.com" }, 200, "terminated early"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ask(t.Context(), s, params(march1, march1), tt.edit)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != tt.status || !strings.Contains(got.text, tt.body) {
				t.Errorf("status %d, body %.200q, want %d with %q", got.status, got.text, tt.status, tt.body)
			}
		})
	}
}

func TestRegionOfServer(t *testing.T) {
	t.Parallel()
	s := mixpaneltest.Start(t, mixpaneltest.Config{Projects: []mixpaneltest.Project{project(3)}, Region: "eu"})
	if got := get(t, s, march1, march1); got.status != 200 || got.text != "terminated early\n" {
		t.Errorf("status %d, body %q, want 200 with terminated early", got.status, got.text)
	}
}

func TestTodayIsThatOfTheZone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone   string
		status int
	}{{"Asia/Tokyo", 200}, {"UTC", 400}, {"America/Los_Angeles", 400}} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		p := project(1)
		p.Location = zone
		s := mixpaneltest.Start(t, mixpaneltest.Config{
			Projects: []mixpaneltest.Project{p},
			Now:      func() time.Time { return time.Date(2025, 3, 10, 20, 0, 0, 0, time.UTC) },
		})
		if got := get(t, s, march1, day.New(2025, 3, 11)); got.status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.zone, got.status, tt.status)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	with := func(change func(*mixpaneltest.Project)) mixpaneltest.Config {
		p := project(1)
		change(&p)
		return mixpaneltest.Config{Projects: []mixpaneltest.Project{p}}
	}
	tests := []struct {
		name string
		cfg  mixpaneltest.Config
	}{
		{"no id", with(func(p *mixpaneltest.Project) { p.ID = 0 })},
		{"no region", with(func(p *mixpaneltest.Project) { p.Region = "" })},
		{"no secret", with(func(p *mixpaneltest.Project) { p.Secret = "" })},
		{"no data", with(func(p *mixpaneltest.Project) { p.Data = nil })},
		{"negative past", with(func(p *mixpaneltest.Project) { p.MaxPastDays = -1 })},
		{"funnel without steps", with(func(p *mixpaneltest.Project) { p.Funnels = []mixpaneltest.Funnel{{ID: 1, Name: "a"}} })},
		{"project twice", mixpaneltest.Config{Projects: []mixpaneltest.Project{project(1), project(2)}}},
		{"negative limit", mixpaneltest.Config{Limits: mixpaneltest.Limits{PerHour: -1}}},
		{"negative limit of queries", mixpaneltest.Config{QueryLimits: mixpaneltest.Limits{AtOnce: -1}}},
		{"unknown region", mixpaneltest.Config{Region: "mars"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := mixpaneltest.New(tt.cfg); err == nil {
				t.Error("New accepts it")
			}
		})
	}
}

func TestRequestsAreLogged(t *testing.T) {
	t.Parallel()
	s := start(t, project(3))
	get(t, s, march1, march3, "event", `["Purchase","Search"]`, "limit", "5", "time_in_ms", "true")
	if _, err := ask(t.Context(), s, url.Values{}, nil); err != nil {
		t.Fatal(err)
	}
	log := s.Requests()
	if len(log) != 2 {
		t.Fatalf("%d requests in the log, want 2", len(log))
	}
	first := log[0]
	if first.Days != (day.Range{From: march1, To: march3}) || len(first.Events) != 2 || first.Limit != 5 ||
		!first.TimeInMS || !first.Gzip || first.Status != 200 || !first.Done || !first.At.Equal(now) || first.Project != 7 {
		t.Errorf("first request is logged as %+v", first)
	}
	if log[1].Status != 400 || log[1].Done {
		t.Errorf("second request is logged as %+v", log[1])
	}
}
