package page_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/analysis"
	"mixduck/jobs"
	"mixduck/web/page"
)

// Each ready-made question has a form with its parameters, takes them from the URL, and can be opened as SQL.
func TestQuestionsHaveForms(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	for _, q := range analysis.Questions() {
		status, body := user.get(t, "/ask?question="+q.Name+"&p.from=2026-01-02&p.to=2026-03-04")
		if status != http.StatusOK || !strings.Contains(body, q.About) || !strings.Contains(body, `value="2026-01-02"`) {
			t.Errorf("%s: %d\n%s", q.Name, status, body)
		}
		form := url.Values{"question": {q.Name}, "as": {"sql"}, "database": {database}}
		for _, p := range q.Params {
			if !strings.Contains(body, `name="p.`+p.Name+`"`) {
				t.Errorf("%s has no field for %s", q.Name, p.Name)
			}
			if p.Required {
				form.Set("p."+p.Name, "Sign Up")
			}
		}
		form.Set("p.from", "2026-01-02")
		form.Set("p.to", "2026-03-04")
		_, body = user.get(t, "/ask?"+form.Encode())
		for _, p := range q.Params {
			if !strings.Contains(body, `<input name="p.`+p.Name+`"`) || !strings.Contains(body, `<textarea id="sql"`) {
				t.Errorf("%s as SQL has no field for %s:\n%s", q.Name, p.Name, body)
			}
		}
	}
	if status, body := user.get(t, "/ask?question=nope"); status != http.StatusBadRequest || !strings.Contains(body, "no question") {
		t.Errorf("an unknown question: %d, %s", status, body)
	}
}

// The page of an answer has the form with which it was asked.
func TestAnswersKeepTheirQuestion(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	form := url.Values{
		"question": {"funnel"}, "database": {database}, "sql": {"SELECT 'ignored'"}, "p.from": {"2026-01-02"}, "p.to": {"2026-03-04"},
		"p.steps": {"Sign Up", "", `a "b", c`}, "p.window": {"36 hours"}, "p.property": {"plan"},
	}
	path := user.submit(t, form)
	job, err := s.queue.Job(t.Context(), strings.TrimPrefix(path, "/ask/"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"from": "2026-01-02", "to": "2026-03-04", "steps": `["Sign Up","a \"b\", c"]`, "window": "36 hours", "order": "specific", "property": "plan",
	}
	if diff := cmp.Diff(want, job.Query.Params); diff != "" || strings.Contains(job.Query.SQL, "ignored") {
		t.Errorf("the job has other parameters, -want +got:\n%s", diff)
	}
	_, body := user.get(t, path)
	for _, want := range []string{
		`name="question" value="funnel"`, `name="p.steps" value="Sign Up"`, `name="p.steps" value="a &#34;b&#34;, c"`, `name="p.steps" value=""`, `value="36 hours"`, `value="plan"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the form has no %s:\n%s", want, body)
		}
	}
	for name, change := range map[string]url.Values{
		"no steps": {"p.steps": {""}}, "no day": {"p.from": {"soon"}}, "days in the wrong order": {"p.from": {"2027-01-01"}},
		"an unknown parameter": {"p.nope": {"1"}}, "an unknown choice": {"p.order": {"x"}},
	} {
		bad := maps.Clone(form)
		maps.Copy(bad, change)
		if status, body := user.post(t, "/ask", bad); status != http.StatusBadRequest || !strings.Contains(body, `class="notice" role="alert"`) || !strings.Contains(body, `value="36 hours"`) {
			t.Errorf("%s: %d\n%s", name, status, body)
		}
	}
}

// The plots depend on the names of the columns of the questions.
func TestQuestionsHaveTheColumnsOfPlots(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string][]string{"funnel": {"value", "step", "event", "users"}, "retention": {"cohort", "interval_number", "users", "percent"}} {
		q, err := analysis.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		_, selected, _ := strings.Cut("\n"+q.SQL, "\nSELECT ")
		selected, _, _ = strings.Cut(selected, "\n")
		for _, c := range columns {
			if !slices.Contains(strings.Split(selected, ", "), c) {
				t.Errorf("%s selects %s, without %s", name, selected, c)
			}
		}
	}
}

func TestPlots(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	for name, tt := range map[string]struct{ sql, want string }{
		"days and numbers":     {"SELECT DATE '2026-01-01' + i::INT AS day, i AS n FROM range(9) t(i)", "<polyline"},
		"days, names, numbers": {"SELECT DATE '2026-01-01' + i::INT AS day, '<b>' || i % 7 AS name, i AS n FROM range(70) t(i)", "5 largest of 7 lines"},
		"steps":                {"SELECT NULL AS value, 1 AS step, 'a' AS event, 9 AS users UNION ALL SELECT NULL, 2, 'b', 3 ORDER BY 2", "33.3% go on"},
		"cohorts":              {`SELECT DATE '2026-01-01' AS cohort, 5 AS users, i AS interval_number, 100 - 20 * i AS percent FROM range(4) t(i)`, `<td class="h2">40.0%</td>`},
		"one day":              {"SELECT DATE '2026-01-01' AS day, 1 AS n", ""},
		"no numbers":           {"SELECT DATE '2026-01-01' + i::INT AS day, 'x' AS n FROM range(9) t(i)", ""},
		"no days":              {"SELECT i, i AS n FROM range(9) t(i)", ""},
		"too many rows":        {"SELECT DATE '2026-01-01' + i::INT AS day, i AS n FROM range(10001) t(i)", ""},
		"odd numbers":          {"SELECT DATE '2026-01-01' + i::INT AS day, ['nan', 'inf', '-1e308', '1e308'][1 + i % 4]::DOUBLE AS n FROM range(9) t(i)", ""},
	} {
		a := user.run(t, tt.sql)
		_, body := user.get(t, "/ask/"+a.ID)
		if drawn := strings.Contains(body, `class="plot"`) || strings.Contains(body, `class="heat"`); drawn != (tt.want != "") || !strings.Contains(body, tt.want) || strings.Contains(body, "<b>") || strings.Contains(body, "NaN") {
			t.Errorf("%s: drawn %t, want %q; %s\n%s", name, drawn, tt.want, a.Answer.State, body)
		}
	}
}

// The names of a database without events cannot be read, which the form says.
func TestSuggestedNames(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	form := url.Values{"question": {"trend"}, "database": {database}, "action": {"names"}, "p.unit": {"week"}}
	if status, body := s.user(t).post(t, "/ask", form); status != http.StatusBadRequest || !strings.Contains(body, "events does not exist") || !strings.Contains(body, "<option selected>week") {
		t.Errorf("%d\n%s", status, body)
	}
	if all, err := s.queue.List(t.Context(), listQueries); err != nil || len(all) != 1 || all[0].State != jobs.StateFailed {
		t.Errorf("%+v, %v", all, err)
	}
}
