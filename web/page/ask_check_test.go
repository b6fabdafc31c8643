package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/web/page"
)

// The numbers of a trend are compared with those of Mixpanel, which may leave out zeros.
func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	theirs := make(chan string, 1)
	theirs <- "SELECT 'A' AS event, '2026-01-02' AS date, 3 AS count"
	s.workAs(t, func(q jobs.Query) jobs.Query {
		switch {
		case q.Ask != nil:
			q.SQL = <-theirs
		case strings.Contains(q.SQL, "$events"):
			q.SQL, q.Params = "SELECT DATE '2026-01-02' + i::INT AS period, 'A' AS event, 3 - 3 * i AS total, 1 AS users FROM range(2) t(i)", nil
		}
		return q
	})
	user := s.user(t)
	ask := func(question, unit string, events ...string) string {
		return user.submit(t, url.Values{"question": {question}, "database": {database}, "p.from": {"2026-01-02"}, "p.to": {"2026-01-03"}, "p.unit": {unit}, "p.events": events})
	}
	path := ask("trend", "day", "A")
	s.becomes(t, strings.TrimPrefix(path, "/ask/"), jobs.StateDone)
	if _, body := user.get(t, path); !strings.Contains(body, `action="`+path+`/check"`) || !strings.Contains(body, "the 60 queries") {
		t.Errorf("no check is offered:\n%s", body)
	}
	if status, body := user.post(t, path+"/check", nil); status != http.StatusNotFound || !strings.Contains(body, "no project has the database") {
		t.Errorf("without a project: %d, %s", status, body)
	}
	if err := s.queue.PublishProjects(t.Context(), "w1", []jobs.ProjectInfo{{Name: "web", ID: 12345, Zone: "UTC", Database: database}}); err != nil {
		t.Fatal(err)
	}
	s.page.Forget()
	if status, body := user.post(t, path+"/check", nil); status != http.StatusOK || !strings.Contains(body, "Compared 2 numbers: all are equal.") {
		t.Errorf("equal numbers: %d\n%s", status, body)
	}
	all, err := s.queue.List(t.Context(), listQueries)
	if err != nil {
		t.Fatal(err)
	}
	asked := all[0].Query.Ask
	if asked == nil || asked.Project != "12345" || asked.Name != "event-counts" || asked.Days != (day.Range{From: day.New(2026, 1, 2), To: day.New(2026, 1, 3)}) || asked.Text("event") != "A" {
		t.Errorf("Mixpanel was asked for %+v", asked)
	}
	theirs <- "SELECT 'A' AS event, '2026-01-0' || i AS date, 7 AS count FROM range(2, 4) t(i)"
	if status, body := user.post(t, path+"/check", nil); status != http.StatusOK || !strings.Contains(body, "Compared 2 numbers: 2 differ from Mixpanel") || !strings.Contains(body, `<td class="num">0</td><td class="num">7</td>`) {
		t.Errorf("other numbers: %d\n%s", status, body)
	}
	other := ask("trend", "day")
	s.becomes(t, strings.TrimPrefix(other, "/ask/"), jobs.StateDone)
	if status, _ := user.post(t, other+"/check", nil); status != http.StatusBadRequest {
		t.Errorf("check of what cannot be compared: %d", status)
	}
	if status, _ := user.get(t, other+"?check="+all[0].ID); status != http.StatusNotFound {
		t.Errorf("numbers of another answer: %d", status)
	}
}
