package page_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/storage"
	"mixduck/web/page"
)

// jobsOf returns all jobs in the queue that are of a kind.
func (s *site) jobsOf(tb testing.TB, kind jobs.Kind) []jobs.Record {
	tb.Helper()
	all, err := s.queue.List(tb.Context(), queue.Filter{Kind: kind})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestFetchAgain(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.fill(t)
	user := s.user(t)
	form := func(more ...string) url.Values {
		v := url.Values{"database": {"eu/app.db"}, "table": {"events"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, tt := range []struct {
		form url.Values
		days string
		due  bool
	}{
		{form("from", "2026-10-02"), "2026-10-02", false},
		{form("from", "2026-10-02", "to", "2026-10-05"), "2026-10-02..2026-10-05", false},
		{form("from", "2026-09"), "2026-09-01..2026-09-30", false},
		{form("what", "missing"), "2026-11-19..2026-11-20", true},
	} {
		if status, body := user.post(t, "/table/fetch", tt.form); status != http.StatusOK || !strings.Contains(body, `<h1><bdi>app</bdi> / <bdi>events</bdi>`) {
			t.Errorf("%v: %d, %s", tt.form, status, body)
		}
		got := s.jobsOf(t, jobs.KindFetch)[0].Fetch
		if got.Days.String() != tt.days || (got.Due != nil) != tt.due || got.Mode != jobs.ModeSync || got.Project != "67890" || got.Database != "eu/app.db" {
			t.Errorf("%v fetches %+v", tt.form, got)
		}
	}
	before := len(s.jobsOf(t, jobs.KindFetch))
	for _, tt := range []struct {
		form url.Values
		want string
	}{
		{form(), "enter a day"},
		{form("from", "<b>"), "is not a date"},
		{form("from", "2026-10-05", "to", "2026-10-02"), "before the first"},
		{form("from", "2999-01-01"), "in the future"},
		{url.Values{"database": {"main/12345.db"}, "table": {"events"}, "what": {"missing"}}, "no day is missing"},
		{url.Values{"database": {"main/12345.db"}, "table": {"nothing"}, "from": {"7d"}}, "has been fetched or scheduled"},
	} {
		status, body := user.post(t, "/table/fetch", tt.form)
		if status < 400 || !strings.Contains(body, tt.want) || strings.Contains(body, "<b>") {
			t.Errorf("%v: %d, want %q: %s", tt.form, status, tt.want, body)
		}
	}
	if after := len(s.jobsOf(t, jobs.KindFetch)); after != before {
		t.Errorf("bad forms submitted %d jobs", after-before)
	}
}

// Without a worker for the volume, nothing is submitted, and the page says who is missing.
func TestNothingIsSubmittedWithoutAWorker(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	user := s.user(t)
	table := url.Values{"database": {"main/12345.db"}, "table": {"events"}, "from": {"2026-11-01"}, "what": {"receipts"}}
	for _, path := range []string{"/table/inspect", "/table/fetch"} {
		if status, body := user.post(t, path, table); status < 400 || !strings.Contains(body, "no worker serves volume main") {
			t.Errorf("%s: %d, %s", path, status, body)
		}
	}
	if all := s.jobsOf(t, ""); len(all) > 0 {
		t.Errorf("%d jobs were submitted", len(all))
	}
}

func TestADayIsLookedUp(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	s.workOn(t, func(e *storage.Engine) { load(t, e) })
	user := s.user(t)
	form := url.Values{"database": {"main/12345.db"}, "table": {"events"}, "day": {"2026-11-01"}, "what": {"day"}}
	status, body := user.post(t, "/table/inspect", form)
	for _, want := range []string{"2026-11-01: not stored", "<h3>Fetches</h3>", "<h3>Lines in quarantine</h3>", "<h3>Late changes</h3>"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, without %q:\n%s", status, want, body)
		}
	}
	var shown struct {
		Panels []struct{ Title, State string }
	}
	var ids []string
	for _, job := range s.jobsOf(t, jobs.KindQuery) {
		s.becomes(t, job.ID, jobs.StateDone)
		ids = append(ids, job.ID)
	}
	_, body = user.get(t, "/table?format=json&database=main/12345.db&table=events&look="+strings.Join(ids, "."))
	if err := json.Unmarshal([]byte(body), &shown); err != nil || len(shown.Panels) != 3 || shown.Panels[0].State != "done" {
		t.Errorf("%+v, %v: %s", shown, err, body)
	}
	for path, want := range map[string]int{
		"/table?database=main/12345.db&table=events&day=x": http.StatusBadRequest, "/table?database=main/12345.db&table=events&look=x": http.StatusOK,
	} {
		if status, _ := user.get(t, path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	form.Set("what", "everything")
	if status, _ := user.post(t, "/table/inspect", form); status != http.StatusBadRequest {
		t.Errorf("an unknown inspection: %d", status)
	}
}

// A look-up that waits for a load says so.
func TestLookUpsWaitForALoad(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	b := s.fill(t) // runs a fetch into eu/shop.db; nobody answers queries there
	status, body := s.user(t).post(t, "/table/inspect", url.Values{"database": {"eu/shop.db"}, "table": {"events"}, "what": {"receipts"}})
	if status != http.StatusOK || !strings.Contains(body, "Waits for a load") || !strings.Contains(body, b.running) {
		t.Errorf("%d, %s", status, body)
	}
}
