package workspace_test

import (
	"encoding/json"
	"slices"
	"testing"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// Commands and schedules offer every stream of package stream, so the workspace must be able to fetch each.
func TestEveryListedStreamCanBeFetched(t *testing.T) {
	t.Parallel()
	for _, i := range workspace.Streams() {
		r := workspace.StreamRequest{Stream: i.Name}
		if err := r.Check(); err != nil || r.Table != i.Table {
			t.Errorf("stream %s: table %q, %v; want table %q", i.Name, r.Table, err, i.Table)
		}
	}
}

// Freshness, schedules and the page list the tables of a stream from its description, so a fetch must fill exactly these.
func TestStreamsFillTheTablesOfTheirDescription(t *testing.T) {
	t.Parallel()
	for _, i := range workspace.Streams() {
		t.Run(i.Name, func(t *testing.T) {
			t.Parallel()
			f := newPeople(t, 3, func(p *mixpaneltest.Project, _ *workspace.Config) {
				p.Cohorts = []mixpaneltest.Cohort{{ID: 1, Name: "one", Created: "2026-10-01 10:00:00", Every: 2}}
				p.Annotations = []mixpaneltest.Annotation{{ID: 1, Date: "2026-10-01 10:00:00", Description: "x"}}
				p.Lexicon = []mixpaneltest.LexiconEntry{{Kind: "event", Name: "a", Schema: json.RawMessage(`{"properties":{}}`)}}
				p.Bookmarks = []mixpaneltest.Bookmark{{ID: 1, Type: "insights", Series: json.RawMessage(`{"a":{"b":1}}`)}}
			})
			_, err := f.FetchStream(t.Context(), workspace.StreamRequest{Stream: i.Name, Table: "other"}, func(workspace.Progress) {})
			noError(t, err)
			want := slices.Sorted(slices.Values(i.Tables("other")))
			f.wantTexts(t, "SELECT table_name FROM mixduck.tables ORDER BY table_name", want...)
			f.wantTexts(t, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY table_name", want...)
		})
	}
}
