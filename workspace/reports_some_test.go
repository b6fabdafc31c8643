package workspace_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// fetchReports fetches some reports with a separate job.
func (f *fixture) fetchReports(tb testing.TB, ids ...int64) (workspace.Progress, error) {
	tb.Helper()
	return f.FetchStream(tb.Context(), workspace.StreamRequest{Stream: "reports", ReportIDs: ids}, func(workspace.Progress) {})
}

// stored returns the reports in both tables.
func (f *fixture) stored(tb testing.TB) []string {
	tb.Helper()
	return append(f.texts(tb, "SELECT id, name FROM reports ORDER BY id"),
		f.texts(tb, "SELECT report_id, series->>0, key, value::BIGINT FROM reports_values ORDER BY ALL")...)
}

func (f *fixture) wantStored(tb testing.TB, want ...string) {
	tb.Helper()
	if got := f.stored(tb); !slices.Equal(got, want) {
		tb.Errorf("stored:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A fetch of some reports changes only their rows; one of all reports then also removes what is gone.
func TestSomeReports(t *testing.T) {
	t.Parallel()
	f := newReports(t, nil)
	put := func(id int64, name, kind, series string) {
		t.Helper()
		noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: id, Name: name, Type: kind, Series: json.RawMessage(series)}))
	}
	p, err := f.fetchReports(t, 3, 1)
	if noError(t, err); changesOf(p) != (changes{Rows: 6, Added: 6}) || p.Requests != 3 || p.Warnings != "" {
		t.Errorf("%+v", p)
	}
	f.wantStored(t, "1|one", "3|three", "1|a|2026-11-01|1", "1|a|2026-11-02|2", "1|b|2026-11-01|3", "3|c|all|4")
	f.wantTexts(t, "SELECT table_name, full_at IS NULL FROM mixduck.keyed ORDER BY table_name", "reports|true", "reports_values|true")

	put(1, "one!", "insights", `{"a":{"2026-11-02":7}}`)
	put(3, "three!", "insights", `{"c":{"all":8}}`)
	p, err = f.fetchReports(t, 1)
	if noError(t, err); changesOf(p) != (changes{Rows: 2, Updated: 2, Removed: 2}) || p.Requests != 2 {
		t.Errorf("%+v", p)
	}
	f.wantStored(t, "1|one!", "3|three", "1|a|2026-11-02|7", "3|c|all|4")

	p, err = f.fetchReports(t, 2)
	if noError(t, err); changesOf(p) != (changes{Rows: 1, Added: 1}) || !strings.Contains(p.Warnings, "report 2 (two) has no values: it is of type funnels") {
		t.Errorf("%+v", p)
	}
	put(3, "three?", "flows", `{}`)
	p, err = f.fetchReports(t, 3)
	if noError(t, err); changesOf(p) != (changes{Rows: 1, Updated: 1, Removed: 1}) {
		t.Errorf("%+v", p)
	}
	f.wantStored(t, "1|one!", "2|two", "3|three?", "1|a|2026-11-02|7")

	noError(t, f.fake.DeleteBookmark(projectID, 2))
	f.fetchStream(t, "reports")
	f.wantReports(t)
}

// A report that does not exist fails the fetch before anything changes.
func TestUnknownReportsChangeNothing(t *testing.T) {
	t.Parallel()
	f := newReports(t, nil)
	f.fetchStream(t, "reports")
	before := f.stored(t)
	noError(t, f.fake.PutBookmark(projectID, mixpaneltest.Bookmark{ID: 1, Name: "one!", Type: "insights", Series: json.RawMessage(`{}`)}))
	noError(t, f.fake.DeleteBookmark(projectID, 3))
	p, err := f.fetchReports(t, 1, 3, 99)
	if fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(err.Error(), "no saved report 3, 99") || p.Requests != 1 {
		t.Errorf("%v; %+v", err, p)
	}
	f.wantStored(t, before...)
	for _, ids := range [][]int64{{0}, {-1}, {1, 2, 1}} {
		if p, err := f.fetchReports(t, ids...); fault.CodeOf(err) != fault.CodeUsage || p.Requests != 0 {
			t.Errorf("ids %v: %v; %+v", ids, err, p)
		}
	}
	r := workspace.StreamRequest{Stream: "cohorts", ReportIDs: []int64{1}}
	if err := r.Check(); fault.CodeOf(err) != fault.CodeUsage {
		t.Errorf("cohorts with ids of reports: %v", err)
	}
}

// After a pause, a fetch of some reports goes on with the next one; once done, the same job sends nothing.
func TestSomeReportsGoOnAfterAPause(t *testing.T) {
	t.Parallel()
	queries := &allowance{left: 1}
	f := newReports(t, func(c *workspace.Config) { c.QueryBudget = queries })
	fetch := func() (workspace.Progress, error) {
		return f.FetchStream(t.Context(), workspace.StreamRequest{Stream: "reports", ReportIDs: []int64{1, 3}, Job: "job"}, func(workspace.Progress) {})
	}
	_, err := fetch()
	if _, ok := errors.AsType[*workspace.PauseError](err); !ok {
		t.Fatalf("error = %v, want a pause", err)
	}
	queries.left = 1
	p, err := fetch()
	if noError(t, err); changesOf(p) != (changes{Rows: 6, Added: 6}) {
		t.Errorf("%+v", p)
	}
	p, err = fetch()
	if noError(t, err); changesOf(p) != (changes{Rows: 6, Added: 6}) || p.Requests != 0 {
		t.Errorf("again: %+v", p)
	}
	f.wantStored(t, "1|one", "3|three", "1|a|2026-11-01|1", "1|a|2026-11-02|2", "1|b|2026-11-01|3", "3|c|all|4")
}
