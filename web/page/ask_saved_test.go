package page_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mixduck/web/page"
)

// export returns the file of a saved question, and its name.
func (b *browser) export(tb testing.TB, name string) (body, file string) {
	tb.Helper()
	resp, err := b.Get(b.site.server.URL + "/ask/saved/export?name=" + url.QueryEscape(name))
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		tb.Fatalf("export of %q: %s, %v, %s", name, resp.Status, err, text)
	}
	return string(text), resp.Header.Get("Content-Disposition")
}

func TestSavedQuestions(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	form := url.Values{"action": {"save"}, "name": {" Revenue by plan "}, "database": {database}, "sql": {"SELECT 1,\r\n  $a"}, "p.a": {"x\ny"}}
	status, body := user.post(t, "/ask", form)
	if status != http.StatusOK || !strings.Contains(body, `href="/ask?saved=Revenue&#43;by&#43;plan" aria-current="true"`) || !strings.Contains(body, "SELECT 1,\n  $a</textarea>") {
		t.Errorf("saved: %d\n%s", status, body)
	}
	if text, file := user.export(t, "Revenue by plan"); text != "-- Revenue by plan\n-- database: main/12345.db\n-- $a: \"x\\ny\"\n\nSELECT 1,\n  $a\n" || file != "attachment; filename=Revenue-by-plan.sql" {
		t.Errorf("export %s:\n%s", file, text)
	}
	user.post(t, "/ask", url.Values{"action": {"save"}, "name": {"Weekly"}, "database": {database}, "question": {"top-events"}, "p.from": {"2026-01-02"}, "p.to": {"2026-01-03"}})
	if _, body := s.user(t).get(t, "/ask?saved=Weekly"); !strings.Contains(body, `name="question" value="top-events"`) || !strings.Contains(body, `value="2026-01-02"`) {
		t.Errorf("a saved ready-made question:\n%s", body)
	}
	if text, _ := user.export(t, "Weekly"); !strings.Contains(text, "SELECT") || !strings.Contains(text, `-- $from: "2026-01-02"`) {
		t.Errorf("export of a ready-made question:\n%s", text)
	}
	if status, _ := user.post(t, "/ask/saved/remove", url.Values{"name": {"Weekly"}}); status != http.StatusOK {
		t.Errorf("remove: %d", status)
	}
	for _, path := range []string{"/ask?saved=Weekly", "/ask/saved/export?name=Weekly"} {
		if status, _ := user.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s of a removed question: %d", path, status)
		}
	}
	if status, _ := user.post(t, "/ask/saved/remove", url.Values{"name": {"Weekly"}}); status != http.StatusNotFound {
		t.Errorf("remove again: %d", status)
	}
}

// No name gets into a header, or into the page's HTML.
func TestHostileQuestionNames(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	user := s.user(t)
	save := func(name string) (int, string) {
		return user.post(t, "/ask", url.Values{"action": {"save"}, "name": {name}, "database": {database}, "sql": {"SELECT 1"}})
	}
	for name, want := range map[string]string{
		`<script>alert(1)</script>`: "script-alert-1-script.sql", `a"; filename="x.exe`: "a-filename-x-exe.sql", "../../etc/passwd": "etc-passwd.sql", "日本": "question.sql", "{{.}}": "question.sql",
	} {
		if status, body := save(name); status != http.StatusOK || strings.Contains(body, "<script>alert") {
			t.Errorf("save %q: %d\n%s", name, status, body)
		}
		if _, file := user.export(t, name); file != "attachment; filename="+want {
			t.Errorf("%q is exported as %s, want %s", name, file, want)
		}
	}
	for _, name := range []string{"", "a\r\nSet-Cookie: x=y", "a\u202eb", "a\x00b", strings.Repeat("x", 101)} {
		if status, body := save(name); status != http.StatusBadRequest || !strings.Contains(body, "SELECT 1</textarea>") {
			t.Errorf("save %.20q: %d", name, status)
		}
	}
	if status, body := user.post(t, "/ask", url.Values{"action": {"save"}, "name": {"x"}, "database": {database}, "sql": {" "}}); status != http.StatusBadRequest {
		t.Errorf("save nothing: %d\n%s", status, body)
	}
}
