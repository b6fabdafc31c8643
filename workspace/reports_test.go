package workspace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// wantReports compares the tables with what the fake holds.
func (f *fixture) wantReports(tb testing.TB) {
	tb.Helper()
	all, err := f.fake.Bookmarks(projectID)
	noError(tb, err)
	var list, values []string
	for _, b := range all {
		list = append(list, fmt.Sprintf("%d|%s|%s", b.ID, b.Name, b.Type))
		var series map[string]map[string]json.Number
		if b.Series != nil {
			noError(tb, json.Unmarshal(b.Series, &series))
		}
		for event, byDay := range series {
			for at, n := range byDay {
				values = append(values, fmt.Sprintf(`%d|[%q]|%s|%s`, b.ID, event, at, n))
			}
		}
	}
	slices.Sort(values)
	slices.Sort(list)
	f.wantTexts(tb, "SELECT id, name, type FROM reports ORDER BY id", list...)
	got := f.texts(tb, "SELECT report_id, series, key, value::BIGINT FROM reports_values")
	slices.Sort(got)
	if !slices.Equal(got, values) {
		tb.Errorf("values:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(values, "\n"))
	}
}

func newReports(tb testing.TB, change func(*workspace.Config)) *fixture {
	tb.Helper()
	return newPeople(tb, 0, func(p *mixpaneltest.Project, c *workspace.Config) {
		p.Bookmarks = []mixpaneltest.Bookmark{
			{ID: 1, Name: "one", Type: "insights", Created: "2026-10-01 10:00:00", Series: json.RawMessage(`{"a":{"2026-11-01":1,"2026-11-02":2},"b":{"2026-11-01":3}}`)},
			{ID: 2, Name: "two", Type: "funnels", Created: "2026-10-01 10:00:00"},
			{ID: 3, Name: "three", Type: "insights", Created: "2026-10-01 10:00:00", Series: json.RawMessage(`{"c":{"all":4}}`)},
		}
		if change != nil {
			change(c)
		}
	})
}

// The tables of reports hold what the reports say now; only those of Insights cost a query.
func TestReportsEqualMixpanel(t *testing.T) {
	t.Parallel()
	queries := &allowance{left: 10}
	f := newReports(t, func(c *workspace.Config) { c.QueryBudget = queries })
	if p := f.fetchStream(t, "reports"); changesOf(p) != (changes{Rows: 7, Added: 7}) || p.Requests != 3 || queries.left != 8 {
		t.Fatalf("%+v, %d queries left", p, queries.left)
	}
	f.wantReports(t)

	noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: 1, Name: "one!", Type: "insights", Series: json.RawMessage(`{"a":{"2026-11-02":5,"2026-11-03":6}}`)}))
	noError(t, f.fake.DeleteBookmark(projectID, 3))
	noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: 4, Name: "four", Type: "insights", Series: json.RawMessage(`{}`)}))
	if p := f.fetchStream(t, "reports"); changesOf(p) != (changes{Rows: 5, Added: 2, Updated: 2, Removed: 4, Unchanged: 1}) {
		t.Errorf("%+v", p)
	}
	f.wantReports(t)
}

// A report that Mixpanel does not run, or that is no table of numbers, is a warning; its values stay.
func TestReportsThatCannotBeRun(t *testing.T) {
	t.Parallel()
	f := newReports(t, nil)
	f.fetchStream(t, "reports")
	noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: 1, Name: "one", Type: "insights", Series: json.RawMessage(`{"a":"text"}`)}))
	p := f.fetchStream(t, "reports")
	if !strings.Contains(p.Warnings, "report 1 (one) was not fetched") || strings.Count(p.Warnings, "not fetched") != 1 {
		t.Errorf("warnings = %q", p.Warnings)
	}
	if got := f.texts(t, "SELECT report_id, count(*) FROM reports_values GROUP BY ALL ORDER BY ALL"); !slices.Equal(got, []string{"1|3", "3|1"}) {
		t.Errorf("values = %q", got)
	}
	noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: 1, Name: "one", Type: "insights", Series: json.RawMessage(`{}`)}))
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Refused, Call: "insights", Text: `{"error":"this report is broken"}`})
	if p := f.fetchStream(t, "reports"); strings.Count(p.Warnings, "this report is broken") != 2 {
		t.Errorf("warnings = %q", p.Warnings)
	}
}

// A fetch that pauses after a report goes on with the next one.
func TestReportsGoOnAfterAPause(t *testing.T) {
	t.Parallel()
	queries := &allowance{left: 1}
	f := newReports(t, func(c *workspace.Config) { c.QueryBudget = queries })
	fetch := func() error {
		_, err := f.FetchStream(t.Context(), workspace.StreamRequest{Stream: "reports", Job: "job"}, func(workspace.Progress) {})
		return err
	}
	if _, ok := errors.AsType[*workspace.PauseError](fetch()); !ok {
		t.Fatal("no pause without budget")
	}
	queries.left = 1
	noError(t, fetch())
	f.wantReports(t)
	if queries.left != 0 || queries.lent != 0 {
		t.Errorf("%d queries left, %d lent", queries.left, queries.lent)
	}
}
