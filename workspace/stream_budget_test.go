package workspace_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// Each stream is booked where Mixpanel counts it: for profiles only the first page, Lexicon in a separate budget, and
// annotations nowhere. An empty list, such as that of funnels, is requested twice.
func TestStreamsAreBookedWhereMixpanelCountsThem(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]struct{ queries, lexicon int }{
		"profiles": {1, 0}, "cohorts": {1, 0}, "cohort-members": {2, 0}, "annotations": {0, 0}, "funnels": {2, 0}, "lexicon": {0, 1}, "reports": {1, 0},
	} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			queries, lexicon := &allowance{left: 10}, &allowance{left: 10}
			f := newPeople(t, 30, func(p *mixpaneltest.Project, c *workspace.Config) {
				p.PageSize = 10
				p.Cohorts = []mixpaneltest.Cohort{{ID: 1, Name: "one", Created: "2026-10-01 10:00:00", Every: 2}}
				p.Annotations = []mixpaneltest.Annotation{{ID: 1, Date: "2026-10-01 10:00:00", Description: "x"}}
				p.Lexicon = []mixpaneltest.LexiconEntry{{Kind: "event", Name: "a", Schema: json.RawMessage(`{"properties":{}}`)}}
				p.Bookmarks = []mixpaneltest.Bookmark{{ID: 1, Type: "insights", Series: json.RawMessage(`{"a":{"b":1}}`)}, {ID: 2, Type: "flows"}}
				c.QueryBudget, c.LexiconBudget = queries, lexicon
			})
			f.fetchStream(t, stream)
			if got := 10 - queries.left; got != want.queries || queries.lent != 0 {
				t.Errorf("%d queries were booked, want %d; %d leases are kept", got, want.queries, queries.lent)
			}
			if got := 10 - lexicon.left; got != want.lexicon || lexicon.lent != 0 {
				t.Errorf("%d requests to Lexicon were booked, want %d; %d leases are kept", got, want.lexicon, lexicon.lent)
			}
		})
	}
}

// An exhausted budget pauses the fetch of a stream, and its table stays unchanged.
func TestSpentBudgetsPauseStreams(t *testing.T) {
	t.Parallel()
	a := &allowance{until: now.Add(40 * time.Minute)}
	f := newPeople(t, 30, func(_ *mixpaneltest.Project, c *workspace.Config) { c.QueryBudget, c.LexiconBudget = a, a })
	for _, stream := range []string{"profiles", "cohorts", "lexicon"} {
		_, err := f.FetchStream(t.Context(), workspace.StreamRequest{Stream: stream}, func(workspace.Progress) {})
		if pause, ok := errors.AsType[*workspace.PauseError](err); !ok || !pause.Until.Equal(a.until) {
			t.Errorf("%s: error = %v, want a pause until %s", stream, err, a.until)
		}
	}
	if sent := len(f.fake.Queries()); sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}
