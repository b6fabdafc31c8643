package page_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"mixduck/jobs"
	"mixduck/web/page"
)

// endless is a statement that runs until it is stopped.
const endless = "SELECT sum(range) FROM range(1000000000000)"

// becomes waits until a job has one of the states.
func (s *site) becomes(tb testing.TB, id string, states ...jobs.State) jobs.Record {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	defer stop()
	var job jobs.Record
	reached := false
	err := s.queue.Watch(ctx, id, func(now jobs.Record) {
		job = now
		for _, state := range states {
			if now.State == state {
				reached = true
				stop()
			}
		}
	})
	if !reached {
		tb.Fatalf("job %s is %s, %v; want it to become %v", id, job.State, err, states)
	}
	return job
}

// start runs a query that does not end, and returns its ID.
func (s *site) start(tb testing.TB, user *browser) string {
	tb.Helper()
	id := strings.TrimPrefix(user.submit(tb, url.Values{"database": {database}, "sql": {endless}}), "/ask/")
	s.becomes(tb, id, jobs.StateRunning)
	return id
}

func TestCancelledQueriesEnd(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	id := s.start(t, user)
	_, body := user.get(t, "/ask/"+id)
	for _, want := range []string{`action="/ask/` + id + `/cancel"`, `<noscript><meta http-equiv="refresh"`, `data-live="always"`, endless} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of a running query has no %s:\n%s", want, body)
		}
	}
	if status, body := user.post(t, "/ask/"+id+"/cancel", nil); status != http.StatusOK || !strings.Contains(body, endless) {
		t.Errorf("cancel: %d, %s", status, body)
	}
	s.becomes(t, id, jobs.StateCancelled)
	if _, body := user.get(t, "/ask/"+id); strings.Contains(body, "noscript") || strings.Contains(body, "data-live") || !strings.Contains(body, "was cancelled") {
		t.Errorf("the page of a cancelled query:\n%s", body)
	}
}

// A query lives as long as a page shows it.
func TestQueriesEndWithTheirPage(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	kept := s.start(t, user) // first, so it would end first
	ctx, leave := context.WithCancel(t.Context())
	listening := user.listen(ctx, t, "/ask/"+kept)
	left := s.start(t, user)
	s.becomes(t, left, jobs.StateCancelled)
	if job, err := s.queue.Job(t.Context(), kept); err != nil || job.State != jobs.StateRunning {
		t.Errorf("the query of the open page is %s, %v", job.State, err)
	}
	leave()
	listening.Wait()
	s.becomes(t, kept, jobs.StateCancelled)
}

// listen reads the stream of a page until ctx ends.
func (b *browser) listen(ctx context.Context, tb testing.TB, path string) *sync.WaitGroup {
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.site.server.URL+path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := b.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer resp.Body.Close()
		buf := make([]byte, 1<<10)
		for {
			if _, err := resp.Body.Read(buf); err != nil {
				return
			}
		}
	})
	return &reading
}

// An open page shows the rows when the query has ended, and then listens no longer.
func TestAnswerComesByItself(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	job, err := s.queue.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: database, SQL: "SELECT 42 AS answer", Format: jobs.FormatJSONL, Attended: true}})
	if err != nil {
		t.Fatal(err)
	}
	wait, _ := user.events(t, "/ask/"+job.ID)
	if !wait("part", "no worker serves") {
		t.Fatal("the stream ended before its first state")
	}
	s.work(t)
	if !wait("part", ">42<") {
		t.Fatal("the stream ended before the rows")
	}
	if !wait("end", "") || wait("part", "never") {
		t.Fatal("the stream goes on after the answer")
	}
}

// If a client goes away during a download, the query ends.
func TestDownloadsEndWithTheirClient(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	id := s.start(t, user)
	before, err := s.queue.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/ask/"+before.ID+"/download?as=csv", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	var downloading sync.WaitGroup
	downloading.Go(func() {
		if resp, err := user.Do(req); err == nil {
			t.Errorf("the download ended: %s", resp.Status)
			_ = resp.Body.Close()
		}
	})
	again := s.second(t, id)
	s.becomes(t, again, jobs.StateRunning)
	leave()
	downloading.Wait()
	s.becomes(t, again, jobs.StateCancelled)
}

// second waits for a query other than the one with an ID, and returns its ID.
func (s *site) second(tb testing.TB, first string) string {
	tb.Helper()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for range ticks.C {
		all, err := s.queue.List(tb.Context(), listQueries)
		if err != nil {
			tb.Fatal(err)
		}
		for _, job := range all {
			if job.ID != first {
				return job.ID
			}
		}
	}
	return ""
}

// Pages that only read offer no queries: rows have what other pages do not show, and each query costs a worker's time.
func TestReadOnlyPagesAnswerNothing(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{Mode: page.Read}, false)
	s.work(t)
	user := s.user(t)
	job, err := s.queue.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: database, SQL: "SELECT 'sec' || 'ret'", Format: jobs.FormatJSONL}})
	if err != nil {
		t.Fatal(err)
	}
	s.becomes(t, job.ID, jobs.StateDone)
	for _, path := range []string{"/ask", "/ask/" + job.ID, "/ask/" + job.ID + "?format=json"} {
		if status, body := user.get(t, path); status != http.StatusNotFound || strings.Contains(body, "secret") {
			t.Errorf("%s: %d, %s", path, status, body)
		}
	}
	for _, path := range []string{"/ask", "/ask/" + job.ID + "/download", "/ask/" + job.ID + "/cancel"} {
		if status, body := user.post(t, path, url.Values{"database": {database}, "sql": {"SELECT 1"}, "as": {"csv"}}); status < 400 || strings.Contains(body, "secret") {
			t.Errorf("%s: %d, %s", path, status, body)
		}
	}
	if _, body := user.get(t, "/"); strings.Contains(body, "/ask") {
		t.Errorf("the navigation has queries:\n%s", body)
	}
}

// Values and names of a result are never a part of the page's HTML.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	for _, value := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "javascript:alert(1)", "{{.Data}}", "a\u202eb", "</textarea><b>", strings.Repeat("x", 64<<10)} {
		quoted := strings.ReplaceAll(value, `"`, `""`)
		a := user.run(t, `SELECT $v AS "`+quoted[:min(len(quoted), 1000)]+`", chr(0) || 'zero' AS zero`, "v", value)
		if len(a.Answer.Rows) != 1 || *a.Answer.Rows[0][0] != value || *a.Answer.Rows[0][1] != "\x00zero" {
			t.Errorf("%.40q: %.200v", value, a.texts())
		}
		bad := user.run(t, `SELECT error($v)`, "v", value)
		for _, path := range []string{"/ask/" + a.ID, "/ask/" + bad.ID, "/ask?sql=" + url.QueryEscape(value[:min(len(value), 8000)]) + "&database=" + url.QueryEscape(value[:min(len(value), 8000)]), "/jobs/" + bad.ID} {
			_, body := user.get(t, path)
			shown := body
			if i := strings.Index(body, "</textarea>"); i > 0 { // the statement must stay as it is
				shown = body[i:]
			}
			for _, wrong := range []string{"<script>alert", "<img", `href="javascript:`, "page.model", "\x00", "</textarea><b>"} {
				if strings.Contains(body, wrong) {
					t.Errorf("%s with %.40q has %q", path, value, wrong)
				}
			}
			if strings.Contains(shown, "\u202e") || len(body) > 200<<10 {
				t.Errorf("%s with %.40q: %d bytes, or a character that reverses text", path, value, len(body))
			}
		}
	}
	if _, body := user.get(t, "/ask?sql="+url.QueryEscape("SELECT 'a\u202eb'")); !strings.Contains(body, "characters that nobody sees") {
		t.Error("an invisible character is not pointed out")
	}
}
