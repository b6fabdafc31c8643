package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/web/page"
)

// reported makes the queue know a table, as a worker reports it.
func (s *site) reported(tb testing.TB, table jobs.TableState, days jobs.Days) {
	tb.Helper()
	maps := map[string]jobs.Days{}
	if len(days) > 0 {
		maps[table.Table] = days
	}
	if err := s.queue.RebuildTables(tb.Context(), table.Database, []jobs.TableState{table}, maps, time.Now()); err != nil {
		tb.Fatal(err)
	}
}

// Without any worker, a table is shown as its last worker reported it, and the page says that none runs.
func TestWorkerIsGone(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	days := storedDays(lastStored, 150)
	s.reported(t, shopTable(days), days)
	user := s.user(t)
	if _, body := user.get(t, "/"); !strings.Contains(body, "No worker is running.") || !strings.Contains(body, "190,000") || strings.Contains(body, "All is well") {
		t.Errorf("overview:\n%s", body)
	}
	if _, body := user.get(t, shopEvents); strings.Count(body, `<a class="c `) != 150 {
		t.Errorf("the calendar is not complete:\n%s", body)
	}
	if status, body := user.post(t, "/ask", url.Values{"database": {"eu/shop.db"}, "sql": {"SELECT 1"}}); status < 400 || !strings.Contains(body, "no worker serves volume eu") {
		t.Errorf("a query without a worker: %d\n%s", status, body)
	}
}

// What a worker of an older version does not report is not known. It is neither 0 nor "no".
func TestOlderWorker(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	table := shopTable(storedDays(lastStored, 150))
	table.FileBytes, table.FetchedAt = 0, time.Time{} // and no day map
	s.reported(t, table, nil)
	s.fetchWith(t, handlerFunc(nil))
	user := s.user(t)
	user.gets(t, "/", http.StatusOK)
	_, body := user.get(t, shopEvents)
	for _, wrong := range []string{"No day has been fetched", "0 B", "This table has no days"} {
		if strings.Contains(body, wrong) {
			t.Errorf("the table says %q:\n%s", wrong, body)
		}
	}
	if !strings.Contains(body, "too old to say which days are stored") || !strings.Contains(body, "190,000") {
		t.Errorf("the table does not say what is not known:\n%s", body)
	}
}

// After the queue has lost everything, readers log in again. Tables are back when a worker has reported them.
func TestQueueIsLost(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	days := storedDays(lastStored, 150)
	s.reported(t, shopTable(days), days)
	user := s.user(t)
	user.get(t, shopEvents)
	if err := s.rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if status, body := user.get(t, shopEvents); status != http.StatusOK || !strings.Contains(body, "enqueue ui") || strings.Contains(body, "190,000") {
		t.Errorf("a session that was lost: %d\n%s", status, body)
	}
	again := s.user(t)
	s.page.Forget()
	if status, body := again.get(t, shopEvents); status != http.StatusNotFound {
		t.Errorf("a table that nobody has reported: %d\n%s", status, body)
	}
	s.reported(t, shopTable(days), days)
	s.page.Forget()
	if _, body := again.get(t, shopEvents); strings.Count(body, `<a class="c `) != 150 {
		t.Errorf("the calendar is not complete:\n%s", body)
	}
}

// While Mixpanel refuses or breaks off answers, the overview says why, for as long as nothing has succeeded.
func TestMixpanelIsDown(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"401": "Mixpanel rejects the credentials: 401 Unauthorized", "cut body": "the response ended after 1,234 of 5,678 bytes", "503": "Mixpanel is not available: 503",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, page.Config{}, false)
			s.addSchedule(t, "morning")
			failing := day.Range{From: lastStored, To: lastStored}
			table := shopTable(storedDays(lastStored, 9))
			table.Database, table.Project = "main/12345.db", "12345"
			table.Failure = &jobs.Failure{Message: message, Hint: "look at status.mixpanel.com", At: time.Now()}
			table.Failing = []jobs.FailingDays{{Days: failing, Message: message}}
			s.reported(t, table, storedDays(lastStored, 9))
			user := s.user(t)
			for _, path := range []string{"/", "/tables", "/table?database=main%2F12345.db&table=events"} {
				if _, body := user.get(t, path); !strings.Contains(body, message) || strings.Contains(body, "All is well") {
					t.Errorf("%s does not say %q:\n%s", path, message, body)
				}
			}
		})
	}
}

// A worker has a limit of open pages. Others work without live changes.
func TestTooManyOpenPages(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	var opened []func(name, text string) bool
	for range page.MaxStreams {
		wait, _ := user.events(t, "/schedules")
		opened = append(opened, wait)
	}
	if status, body := user.do(t, http.MethodGet, "/schedules", http.NoBody, map[string]string{"Accept": "text/event-stream"}); status != http.StatusServiceUnavailable {
		t.Errorf("one page more: %d, %s", status, body)
	}
	if status, _ := user.get(t, "/schedules"); status != http.StatusOK {
		t.Errorf("a page without live changes: %d", status)
	}
	s.addSchedule(t, "morning")
	for _, wait := range opened {
		if !wait("part", "morning") {
			t.Fatal("a stream ended before the new schedule")
		}
	}
}

// Many queries at once are all answered, or wait; none is lost.
func TestManyQueriesAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	const many = 12
	paths := make(chan string, many)
	for range many {
		go func() {
			status, body := user.post(t, "/ask", url.Values{"database": {database}, "sql": {"SELECT 42 AS answer"}})
			if status != http.StatusOK {
				t.Errorf("%d, %s", status, body)
			}
			paths <- body
		}()
	}
	for range many {
		<-paths
	}
	all, err := s.queue.List(t.Context(), queue.Filter{Kind: jobs.KindQuery})
	if err != nil || len(all) != many {
		t.Fatalf("%d jobs, %v", len(all), err)
	}
	for _, job := range all {
		s.becomes(t, job.ID, jobs.StateDone)
	}
}
