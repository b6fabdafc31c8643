package page_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/web/page"
)

func TestJobsShowWhatHappened(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	b := s.fill(t)
	user := s.user(t)
	s.showsWindows(t, b.running)
	for path, want := range map[string][]string{
		"/jobs/" + b.running: {"2026-11-01..2026-11-21", "repeating", "the answer was cut off", "enqueue fetch events " + longName + " --project"},
		"/jobs/" + b.failed:  {"<strong>failed</strong>", "attempt 1 of 5", "where is not an expression"},
		"/jobs/" + b.done:    {"<strong>done</strong>"},
		"/jobs":              {`class="fok"`, `class="fbad"`, `class="facc"><title>`, b.failed + `" tabindex="-1"`},
	} {
		_, body := user.get(t, path)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s has no %q:\n%s", path, text, body)
			}
		}
	}
	var shown struct {
		Attempts []struct{ Outcome string }
		Windows  []jobs.WindowState
	}
	_, body := user.get(t, "/jobs/"+b.failed+"?format=json")
	if err := json.Unmarshal([]byte(body), &shown); err != nil || len(shown.Attempts) != 1 || shown.Attempts[0].Outcome != "failed" || shown.Windows == nil {
		t.Errorf("%+v, %v: %s", shown, err, body)
	}
}

// showsWindows waits until the windows of a running job are in the queue.
func (s *site) showsWindows(tb testing.TB, id string) {
	tb.Helper()
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for range ticks.C {
		windows, err := s.queue.Windows(tb.Context(), id)
		if err != nil {
			tb.Fatal(err)
		}
		if len(windows) > 0 {
			return
		}
	}
}

func TestSeveralJobsAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	var ids []string
	for _, table := range []string{"a", "b", "c"} {
		ids = append(ids, s.submit(t, table).ID)
	}
	states := func() string {
		var all []string
		for _, id := range ids {
			job, err := s.queue.Job(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(job.State))
		}
		return strings.Join(all, " ")
	}
	form := url.Values{"id": ids[:2], "query": {"state=cancelled"}}
	if status, body := user.post(t, "/jobs/cancel", form); status != http.StatusOK || !strings.Contains(body, ids[0]) || strings.Contains(body, ids[2]) {
		t.Errorf("cancel: %d, %s", status, body)
	}
	if got := states(); got != "cancelled cancelled queued" {
		t.Errorf("after cancel: %s", got)
	}
	if status, body := user.post(t, "/jobs/retry", url.Values{"id": ids}); status != http.StatusBadRequest || !strings.Contains(body, "2 jobs changed, 1 not") {
		t.Errorf("retry: %d, %s", status, body)
	}
	if got := states(); strings.Contains(got, "cancelled") {
		t.Errorf("after retry: %s", got)
	}
	for path, form := range map[string]url.Values{
		"/jobs/cancel": {}, "/jobs/drop": {"id": ids}, "/jobs/retry": {"id": make([]string, 51)},
	} {
		if status, _ := user.post(t, path, form); status < 400 || status >= 500 {
			t.Errorf("%s with %d jobs: %d", path, len(form["id"]), status)
		}
	}
}
