package page_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/storage"
	"mixduck/web/page"
)

// hostileLine is no event. It has quotes, markup, text beyond ASCII, a byte that is not UTF-8, and characters nobody sees.
const hostileLine = "{\"event\":\"<script>alert('ü')</script>\"\\n \xff\x00\x1b[31m\u202e"

// load stores two lines of a day: hostileLine and an event.
func load(tb testing.TB, e *storage.Engine) {
	tb.Helper()
	if _, err := e.Prepare(tb.Context(), storage.Table{Name: "events", Project: "12345", Job: "job-1"}); err != nil {
		tb.Fatal(err)
	}
	const event = `{"event":"visit","properties":{"time":1793491300,"distinct_id":"u1","$insert_id":"b","plan":"free"}}` + "\n"
	d := day.New(2026, time.November, 1)
	if _, err := e.Load(tb.Context(), storage.Window{
		Table: "events", Days: day.Range{From: d, To: d}, Parts: []io.Reader{strings.NewReader(hostileLine + "\n" + event)}, Job: "job-1",
		FetchedAt: time.Date(2026, time.November, 22, 8, 0, 0, 0, time.UTC), Bytes: 1, Hash: "h",
		DayEnd: func(d day.Day) time.Time { return (d + 1).Start(time.UTC) },
	}); err != nil {
		tb.Fatal(err)
	}
}

// lookUp looks something up in events, and returns the JSON of its panel's rows by column and its page.
func (b *browser) lookUp(tb testing.TB, what string) (rows []map[string]string, html string) {
	tb.Helper()
	if status, body := b.post(tb, "/table/inspect", url.Values{"database": {database}, "table": {"events"}, "what": {what}}); status != http.StatusOK {
		tb.Fatalf("look up %s: %d, %s", what, status, body)
	}
	id := b.site.jobsOf(tb, jobs.KindQuery)[0].ID
	b.site.becomes(tb, id, jobs.StateDone)
	path := "/table?" + url.Values{"database": {database}, "table": {"events"}, "look": {id}}.Encode()
	_, html = b.get(tb, path)
	_, text := b.get(tb, path+"&format=json")
	var shown struct {
		Panels []struct {
			Columns []jobs.Column
			Rows    [][]*string
		}
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil || len(shown.Panels) != 1 {
		tb.Fatalf("%v: %s", err, text)
	}
	for _, row := range shown.Panels[0].Rows {
		named := map[string]string{}
		for i, cell := range row {
			if cell != nil {
				named[shown.Panels[0].Columns[i].Name] = *cell
			}
		}
		rows = append(rows, named)
	}
	return rows, html
}

func TestLookUpsOfATable(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	s.workOn(t, func(e *storage.Engine) { load(t, e) })
	user := s.user(t)

	rows, html := user.lookUp(t, "quarantine")
	want := `{"event":"<script>alert('ü')</script>"\n \xFF\x00\x1B[31m\xE2\x80\xAE`
	if len(rows) != 1 || rows[0]["line"] != want {
		t.Errorf("lines in quarantine: %q, want %q", rows, want)
	}
	if !strings.Contains(html, `{&#34;event&#34;:&#34;&lt;script&gt;alert(&#39;ü&#39;)&lt;/script&gt;&#34;\n \xFF\x00\x1B[31m\xE2\x80\xAE</bdi>`) || strings.Contains(html, "<script>alert") {
		t.Errorf("the page does not show the line as it is:\n%s", html)
	}

	rows, html = user.lookUp(t, "properties")
	found := map[string]string{}
	for _, row := range rows {
		found[row["property"]] = row["types"] + " " + row["example"]
	}
	if found["plan"] != "string free" || !strings.Contains(html, "<h2>Properties</h2>") {
		t.Errorf("the properties are %q:\n%s", found, html)
	}
}
