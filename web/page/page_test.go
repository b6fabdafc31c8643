package page_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mixduck/internal/secret"
	"mixduck/jobs"
	"mixduck/web/page"
)

// routes returns the method and an existing path of each route, from the routes themselves.
func (s *site) routes(job, schedule string) map[string]string {
	found := map[string]string{}
	for _, pattern := range s.patterns {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{$}", "", "{id}", job, "{name}", schedule, "{action}", "pause").Replace(path)
		if strings.HasPrefix(path, "/static/") {
			path = "/static/app.css"
		}
		found[pattern] = method + " " + path
	}
	return found
}

func TestEveryRouteNeedsALogin(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	public := map[string]bool{"GET /static/{name}": true, "GET /login": true, "POST /login": true}
	stranger := s.visitor(t)
	stranger.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for pattern, route := range s.routes(job.ID, "morning") {
		if public[pattern] {
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		want := http.StatusUnauthorized
		if method == http.MethodGet {
			want = http.StatusSeeOther
		}
		if got, body := stranger.do(t, method, path, http.NoBody, nil); got != want || strings.Contains(body, "12345") {
			t.Errorf("%s without a login: %d, want %d: %s", route, got, want, body)
		}
		for _, headers := range []map[string]string{
			{"Accept": "application/json"}, {"Accept": "text/event-stream"}, {"Authorization": "Bearer "}, {"Cookie": "mixduck=x; mixduck_" + s.server.URL[strings.LastIndex(s.server.URL, ":")+1:] + "=x"},
		} {
			if got, _ := stranger.do(t, method, path, http.NoBody, headers); got != http.StatusUnauthorized && got != http.StatusSeeOther {
				t.Errorf("%s with %v: %d", route, headers, got)
			}
		}
	}
	if got, err := s.queue.Job(t.Context(), job.ID); err != nil || got.State.Final() {
		t.Errorf("the job is %s, %v", got.State, err)
	}
}

// No link can change anything.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	user := s.user(t)
	before := s.dump(t)
	for _, route := range s.routes(job.ID, "morning") {
		_, path, _ := strings.Cut(route, " ")
		for _, query := range []string{"", "?format=json"} {
			if status, body := user.get(t, path+query); status >= 500 {
				t.Errorf("GET %s: %d, %s", path+query, status, body)
			}
		}
	}
	if after := s.dump(t); after != before {
		t.Errorf("Redis has changed from\n%s\nto\n%s", before, after)
	}
}

// dump returns all keys and values in Redis.
func (s *site) dump(tb testing.TB) string {
	tb.Helper()
	keys, err := s.rdb.Keys(tb.Context(), "*").Result()
	if err != nil {
		tb.Fatal(err)
	}
	var all strings.Builder
	for _, key := range keys {
		kind := s.rdb.Type(tb.Context(), key).Val()
		var value any
		switch kind {
		case "hash":
			value = s.rdb.HGetAll(tb.Context(), key).Val()
		case "zset":
			value = s.rdb.ZRangeWithScores(tb.Context(), key, 0, -1).Val()
		case "set":
			value = len(s.rdb.SMembers(tb.Context(), key).Val())
		case "string":
			value = s.rdb.Get(tb.Context(), key).Val()
		case "list":
			value = s.rdb.LRange(tb.Context(), key, 0, -1).Val()
		}
		fmt.Fprintln(&all, key, kind, value)
	}
	return sorted(all.String())
}

func TestPagesShowTheQueue(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Version: "v9.9"}, false)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	user := s.user(t)
	for path, want := range map[string][]string{
		"/":                  {"No worker is running.", "12345", "events", "v9.9", `aria-current="page">Overview`},
		"/tables":            {"events", "new", `href="/table?database=main%2F12345.db&amp;table=events"`},
		"/jobs":              {job.ID, "2026-11-01..2026-11-04", "queued", `href="/jobs?state=failed"`},
		"/jobs?state=queued": {job.ID},
		"/jobs?state=failed": {"No job matches."},
		"/jobs/" + job.ID:    {"2026-11-01..2026-11-04", "main/12345.db", "enqueue jobs show " + job.ID},
		"/schedules":         {"morning", "15 6 * * *", "Pause"},
		"/schedules/morning": {"It has not run yet.", "Look-back", "5 days"},
		"/settings":          {"mixpanel.secret", "[redacted]", "1 session logged in"},
		"/table?database=main%2F12345.db&table=events":             {"No day has been fetched.", "new", "/jobs?database=main%2F12345.db"},
		"/table?database=main%2F12345.db&table=events&format=json": {`"days": []`},
		"/?format=json":         {`"title": "No worker is running."`},
		"/settings?format=json": {`"sessions": 1`},
	} {
		status, body := user.get(t, path)
		for _, text := range want {
			if status != http.StatusOK || !strings.Contains(body, text) {
				t.Errorf("%s: %d, has no %q:\n%s", path, status, text, body)
			}
		}
		if strings.HasSuffix(path, "format=json") && !json.Valid([]byte(body)) {
			t.Errorf("%s is no JSON: %s", path, body)
		}
	}
	for path, want := range map[string]int{
		"/table": http.StatusNotFound, "/table?database=main/12345.db&table=x": http.StatusNotFound,
		"/jobs/nothing": http.StatusNotFound, "/schedules/nothing": http.StatusNotFound, "/jobs?state=x": http.StatusBadRequest,
		"/jobs?kind=x": http.StatusBadRequest, "/jobs?before=x": http.StatusBadRequest, "/?format=xml": http.StatusBadRequest,
	} {
		if status, body := user.get(t, path); status != want || !strings.Contains(body, "error") && !strings.Contains(body, "<strong>") {
			t.Errorf("%s: %d, want %d:\n%s", path, status, want, body)
		}
	}
}

func TestOlderJobsAreOnTheNextPage(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	all := map[string]bool{}
	for i := range 120 {
		all[s.submit(t, fmt.Sprintf("t%d", i)).ID] = true
	}
	user := s.user(t)
	pages := 0
	for path := "/jobs?format=json"; path != ""; pages++ {
		_, body := user.get(t, path)
		_, html := user.get(t, strings.Replace(path, "format=json", "", 1))
		var list struct {
			Jobs  []struct{ ID string }
			Older string
		}
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, job := range list.Jobs {
			if !all[job.ID] {
				t.Errorf("%s has job %s again, or one of nobody", path, job.ID)
			}
			delete(all, job.ID)
		}
		if link := `href="/jobs?` + list.Older + `" rel="next"`; strings.Contains(html, link) != (list.Older != "") {
			t.Errorf("%s links to the next page as %s", path, link)
		}
		if path = ""; list.Older != "" {
			path = "/jobs?format=json&" + list.Older
		}
	}
	if pages != 3 || len(all) > 0 {
		t.Errorf("%d pages, %d jobs on none", pages, len(all))
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	user := s.user(t)
	if status, body := user.post(t, "/jobs/"+job.ID+"/cancel", nil); status != http.StatusOK || !strings.Contains(body, "cancelled") {
		t.Errorf("cancel: %d, %s", status, body)
	}
	if got, err := s.queue.Job(t.Context(), job.ID); err != nil || got.State != jobs.StateCancelled {
		t.Errorf("the cancelled job is %s, %v", got.State, err)
	}
	for _, paused := range []bool{true, false} {
		action := map[bool]string{true: "pause", false: "resume"}[paused]
		if status, body := user.post(t, "/schedules/morning/"+action, nil); status != http.StatusOK {
			t.Errorf("%s: %d, %s", action, status, body)
		}
		if all, err := s.schedules.List(t.Context(), s.now(t)); err != nil || all[0].Paused != paused {
			t.Errorf("after %s: %+v, %v", action, all, err)
		}
	}
	if status, body := user.post(t, "/schedules/morning/run", nil); status != http.StatusOK || !strings.Contains(body, "morning") {
		t.Errorf("run: %d, %s", status, body)
	}
	for path, want := range map[string]int{
		"/jobs/nothing/cancel": http.StatusNotFound, "/schedules/nothing/pause": http.StatusNotFound, "/schedules/morning/drop": http.StatusNotFound,
	} {
		if status, body := user.post(t, path, nil); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
}

func TestReadOnlyPagesChangeNothing(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Mode: page.Read}, false)
	s.addSchedule(t, "morning")
	job := s.submit(t, "events")
	user := s.user(t)
	for _, path := range []string{"/jobs/" + job.ID + "/cancel", "/jobs/" + job.ID + "/retry", "/schedules/morning/pause", "/schedules/morning/run"} {
		if status, _ := user.post(t, path, nil); status < 400 {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/", "/jobs", "/jobs/" + job.ID, "/schedules", "/schedules/morning"} {
		if _, body := user.get(t, path); strings.Contains(body, `method="post"`) {
			t.Errorf("%s has a form:\n%s", path, body)
		}
	}
}

// Names come from people and from Mixpanel. None of them becomes a part of the page's HTML.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	for _, name := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, "{{.Data}}", "a\u202eb"} {
		job, err := s.queue.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: "main/12345.db", SQL: "SELECT '" + name + "'", Format: "json"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/jobs?kind=query", "/jobs/" + job.ID, "/jobs?project=" + url.QueryEscape(name), "/login?next=" + url.QueryEscape(name)} {
			_, body := user.get(t, path)
			for _, bad := range []string{"<script>alert", "<img", `href="javascript:`, "\u202e", "page.model"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s with %q has %q:\n%s", path, name, bad, body)
				}
			}
		}
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Base: "/duck", Token: secret.New("t0ken")}, false)
	user := s.visitor(t)
	status, body := user.post(t, "/duck/login", url.Values{"secret": {"t0ken"}})
	if status != http.StatusOK || !strings.Contains(body, "Overview") {
		t.Fatalf("login: %d, %s", status, body)
	}
	for _, attribute := range []string{"href=", "src=", "action="} {
		for part := range strings.SplitSeq(body, attribute) {
			if strings.HasPrefix(part, `"/`) && !strings.HasPrefix(part, `"/duck/`) {
				t.Errorf("%s leaves the base path: %.60s", attribute, part)
			}
		}
	}
	if status, _ := user.get(t, "/"); status != http.StatusNotFound {
		t.Errorf("outside of the base path: %d", status)
	}
}

func TestBeforeTheQueue(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Token: secret.New("t0ken")}, true)
	status, body := s.visitor(t).do(t, http.MethodGet, "/", http.NoBody, map[string]string{"Authorization": "Bearer t0ken"})
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "starting") {
		t.Errorf("before the queue is there: %d, %s", status, body)
	}
	s.connect(t)
	if status, _ := s.visitor(t).do(t, http.MethodGet, "/", http.NoBody, map[string]string{"Authorization": "Bearer t0ken"}); status != http.StatusOK {
		t.Errorf("when the queue is there: %d", status)
	}
}
