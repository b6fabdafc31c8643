package page_test

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"mixduck/storage"
	"mixduck/web/page"
)

// The editor's names are those of the database, although nothing opens it.
func TestCompletions(t *testing.T) {
	t.Parallel()
	s := open(t, page.Config{}, false)
	s.addSchedule(t, "morning")
	s.workOn(t, func(e *storage.Engine) { load(t, e) })
	user := s.user(t)
	_, form := user.get(t, "/ask")
	found := regexp.MustCompile(` data-names="([^"]+)"`).FindStringSubmatch(form)
	if found == nil {
		t.Fatalf("the form names no completions:\n%s", form)
	}
	type table struct {
		Name    string
		Columns []string
	}
	var got struct{ Tables []table }
	status, text := user.get(t, html.UnescapeString(found[1]))
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK || len(got.Tables) != 1 || got.Tables[0].Name != "events" {
		t.Fatalf("%d, %v: %s", status, err, text)
	}
	var want []string
	for _, row := range user.run(t, "DESCRIBE events").Answer.Rows {
		want = append(want, *row[0])
	}
	if !slices.Equal(got.Tables[0].Columns, want) {
		t.Errorf("columns %q, want %q", got.Tables[0].Columns, want)
	}
	if _, text := user.get(t, "/ask/completions?database=main/none.db"); text != "{\n  \"tables\": []\n}\n" {
		t.Errorf("of an unknown database: %s", text)
	}
}
