package page_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"mixduck/jobs"
	"mixduck/jobs/queue"
	"mixduck/web/page"
)

// listQueries selects all queries.
var listQueries = queue.Filter{Kind: jobs.KindQuery}

// asked is the JSON of a query's page.
type asked struct {
	ID     string `json:"-"`
	SQL    string
	Answer struct {
		ID, State                    string
		Columns                      []jobs.Column
		Rows                         [][]*string
		From, To, Total, Page, Pages int64
		Truncated                    bool
		Gone, Command                string
		Failure                      *jobs.Failure
		Place                        *struct{ Line, Column int }
	}
}

// run asks for a statement and returns its page when the query has ended.
func (b *browser) run(tb testing.TB, sql string, params ...string) asked {
	tb.Helper()
	form := url.Values{"database": {database}, "sql": {sql}}
	for i := 0; i+1 < len(params); i += 2 {
		form.Set("p."+params[i], params[i+1])
	}
	path := b.submit(tb, form)
	if err := b.site.queue.Watch(tb.Context(), strings.TrimPrefix(path, "/ask/"), func(jobs.Record) {}); err != nil {
		tb.Fatal(err)
	}
	return b.asked(tb, path)
}

// submit sends the form and returns the path of the query's page.
func (b *browser) submit(tb testing.TB, form url.Values) string {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, b.site.server.URL+"/ask", strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	resp, err := b.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	if path := resp.Request.URL.Path; resp.StatusCode == http.StatusOK && strings.HasPrefix(path, "/ask/") {
		return path
	}
	body, _ := io.ReadAll(resp.Body)
	tb.Fatalf("the query was not accepted: %s, %s", resp.Status, body)
	return ""
}

// asked returns the JSON of a query's page.
func (b *browser) asked(tb testing.TB, path string) asked {
	tb.Helper()
	query := "?format=json"
	if strings.Contains(path, "?") {
		query = "&format=json"
	}
	status, body := b.get(tb, path+query)
	var a asked
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != http.StatusOK {
		tb.Fatalf("%s: %d, %v, %s", path, status, err, body)
	}
	a.ID = a.Answer.ID
	return a
}

// texts returns the rows of an answer as one text.
func (a asked) texts() string {
	var lines []string
	for _, row := range a.Answer.Rows {
		var cells []string
		for _, c := range row {
			if c == nil {
				c = new("(NULL)")
			}
			cells = append(cells, *c)
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

func TestAnswersAreExact(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	a := user.run(t, "SELECT 9007199254740993 AS big, 1.10::DECIMAL(9,2) AS price, NULL AS nothing, '' AS empty, {'a': [1, NULL], 'b': 'x'} AS nested, 'null'::JSON AS json_null, NULL::JSON AS no_json, '[1,null]'::JSON AS json_text, '<script>alert(1)</script>' AS bad, $name AS given", "name", "o'b")
	if got, want := a.texts(), `9007199254740993|1.10|(NULL)||{"a":[1,null],"b":"x"}|null|(NULL)|[1,null]|<script>alert(1)</script>|o'b`; got != want || a.Answer.Total != 1 {
		t.Errorf("%d rows:\n%s\nwant\n%s", a.Answer.Total, got, want)
	}
	status, body := user.get(t, "/ask/"+a.ID)
	if status != http.StatusOK || !strings.Contains(body, `<span class="null">NULL</span>`) || !strings.Contains(body, "9007199254740993") || strings.Contains(body, "<script>alert") {
		t.Errorf("%d:\n%s", status, body)
	}
	if !strings.Contains(body, `name="p.name" value="o&#39;b"`) {
		t.Errorf("the form has lost the parameter:\n%s", body)
	}
	if !strings.Contains(body, `href="/ask/`+a.ID+`" aria-current="true"`) {
		t.Errorf("the query is not among the recent ones:\n%s", body)
	}
	if _, other := s.user(t).get(t, "/ask"); strings.Contains(other, a.ID) {
		t.Error("another session has the query among its recent ones")
	}
}

func TestErrorsHaveAPlace(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	for sql, want := range map[string]string{
		"SELECT 1,\r\n  nix": "2:3 nix", "SELECT 1 FRM x y z": "1:", "SELECT *\nFROM nix": "2:6 nix", "COPY x TO 'y'": "", "SELECT $a": "",
	} {
		a := user.run(t, sql)
		_, body := user.get(t, "/ask/"+a.ID)
		if a.Answer.State != "failed" || a.Answer.Failure == nil {
			t.Errorf("%q is %s", sql, a.Answer.State)
			continue
		}
		got := ""
		if p := a.Answer.Place; p != nil {
			_, marked, _ := strings.Cut(body, "<mark>")
			marked, _, _ = strings.Cut(marked, "</mark>")
			got = fmt.Sprintf("%d:%d %s", p.Line, p.Column, marked)
		}
		if !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%q fails at %q, want %q: %+v", sql, got, want, a.Answer.Failure)
		}
		if !strings.Contains(body, `role="alert"`) {
			t.Errorf("%q shows no error:\n%s", sql, body)
		}
	}
}

func TestRefusedQueriesKeepTheForm(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	form := func(database, sql string) url.Values { return url.Values{"database": {database}, "sql": {sql}} }
	if status, body := user.post(t, "/ask", form(database, "SELECT 1")); status != http.StatusServiceUnavailable || !strings.Contains(body, "no worker serves volume main") {
		t.Errorf("without a worker: %d, %s", status, body)
	}
	s.work(t)
	for name, tt := range map[string]struct {
		form url.Values
		want string
	}{
		"no statement":  {form(database, " "), "there is no statement"},
		"no database":   {form("", "SELECT 1 AS mine"), "mine"},
		"no volume":     {form("x.db", "SELECT 1 AS mine"), "mine"},
		"too long":      {form(database, "SELECT '"+strings.Repeat("x", 256<<10)+"'"), "at most 262144"},
		"much too long": {form(database, "SELECT '"+strings.Repeat("x", 2<<20)+"'"), "at most 256 KB"},
		"no UTF-8":      {form(database, "SELECT '\xff'"), "valid UTF-8"},
	} {
		if status, body := user.post(t, "/ask", tt.form); status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d, want %q in\n%.3000s", name, status, tt.want, body)
		}
	}
	if a := user.run(t, "SELECT length('"+strings.Repeat("x", 255<<10)+"')"); a.texts() != strconv.Itoa(255<<10) {
		t.Errorf("a statement of 255 KB: %s %+v", a.Answer.State, a.Answer.Failure)
	}
	if counts, err := s.queue.List(t.Context(), listQueries); err != nil || len(counts) != 1 {
		t.Errorf("%d jobs were made, want one; %v", len(counts), err)
	}
}

func TestManyRowsHavePages(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	a := user.run(t, "SELECT i, repeat('x', 20) AS x FROM range(100001) t(i)")
	if a.Answer.Total != 100_000 || !a.Answer.Truncated || a.Answer.Pages != 1000 || len(a.Answer.Rows) != 100 {
		t.Fatalf("%d rows, truncated %t, %d pages, the first of %d", a.Answer.Total, a.Answer.Truncated, a.Answer.Pages, len(a.Answer.Rows))
	}
	for _, number := range []int64{1, 2, 500, 1000} {
		got := user.asked(t, fmt.Sprintf("/ask/%s?page=%d", a.ID, number)).Answer
		first := (number - 1) * 100
		if got.From != first+1 || got.To != first+100 || *got.Rows[0][0] != strconv.FormatInt(first, 10) || *got.Rows[99][0] != strconv.FormatInt(first+99, 10) {
			t.Errorf("page %d has rows %d to %d: %s to %s", number, got.From, got.To, *got.Rows[0][0], *got.Rows[99][0])
		}
	}
	for path, want := range map[string]int{"?page=1001": http.StatusNotFound, "?page=0": http.StatusBadRequest, "?page=x": http.StatusBadRequest} {
		if status, body := user.get(t, "/ask/"+a.ID+path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
	_, body := user.get(t, "/ask/"+a.ID+"?page=2")
	for _, want := range []string{`href="?page=1"`, `href="?page=3" rel="next"`, `href="?page=1000"`, "Rows 101–200 of 100,000", "A download has all rows"} {
		if !strings.Contains(body, want) {
			t.Errorf("page 2 has no %s", want)
		}
	}
	if none := user.run(t, "SELECT 1 AS a WHERE false"); none.Answer.Total != 0 || none.Answer.Pages != 1 {
		t.Errorf("no rows: %+v", none.Answer)
	}
}

// A download has the bytes that the CLI prints.
func TestDownloads(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.work(t)
	user := s.user(t)
	const sql = "SELECT i, NULL AS n, '=cmd' AS c, i * 0.1::DECIMAL(4,1) AS d, [i] AS l, repeat('y', 90) AS pad FROM range(12000) t(i) WHERE i < $most::INT ORDER BY i"
	a := user.run(t, sql, "most", "11000")
	for _, format := range []jobs.Format{jobs.FormatCSV, jobs.FormatJSON, jobs.FormatJSONL, jobs.FormatParquet} {
		job, err := s.queue.Submit(t.Context(), jobs.Request{Kind: jobs.KindQuery, Query: jobs.Query{Database: database, SQL: sql, Params: map[string]string{"most": "11000"}, Format: format}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.queue.Watch(t.Context(), job.ID, func(now jobs.Record) { job = now }); err != nil {
			t.Fatal(err)
		}
		content, err := s.queue.OpenResult(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(content)
		if err := errors.Join(err, content.Close()); err != nil {
			t.Fatal(err)
		}
		resp, err := user.PostForm(s.server.URL+"/ask/"+a.ID+"/download", url.Values{"as": {string(format)}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v: %.500s", format, resp.Status, err, got)
		}
		if !bytes.Equal(got, want) || len(want) < 1000 {
			t.Errorf("%s: %d bytes, want the CLI's %d", format, len(got), len(want))
		}
		if h := resp.Header; h.Get("Content-Disposition") != "attachment; filename=mixduck-"+a.ID+"."+string(format) || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", format, h)
		}
	}
	for as, want := range map[string]int{"xml": http.StatusBadRequest, "": http.StatusBadRequest, "csv\r\nX: y": http.StatusBadRequest} {
		if status, body := user.post(t, "/ask/"+a.ID+"/download", url.Values{"as": {as}}); status != want || strings.Contains(body, "\r") {
			t.Errorf("%q: %d, want %d", as, status, want)
		}
	}
	bad := user.run(t, "SELECT error('no')")
	if status, body := user.post(t, "/ask/"+bad.ID+"/download", url.Values{"as": {"csv"}}); status != http.StatusServiceUnavailable && status != http.StatusBadRequest || !strings.Contains(body, "Invalid Input Error: no") {
		t.Errorf("download of a failing query: %d, %s", status, body)
	}
}
