package workspace_test

import (
	"testing"

	"mixduck/mixpanel/mixpaneltest"
	"mixduck/workspace"
)

// A worker can die between the swap and the end of the job. The next attempt finds everything done.
func TestReplaceAgainAfterTheSwap(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 1, EventsPerDay: 50}, singleDays)
	r := days(t, "2026-11-01", "2026-11-03")
	req := workspace.FetchRequest{Table: "events", Days: r, Mode: workspace.Replace, Job: "job"}
	for range 2 {
		if _, err := f.FetchEvents(t.Context(), req, func(workspace.Progress) {}); err != nil {
			t.Fatal(err)
		}
		f.check(t, r)
	}
	if n := len(f.fake.Requests()); n != 3 {
		t.Errorf("%d requests were sent, want 3: one a day", n)
	}
}
