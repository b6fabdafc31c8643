package workspace_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/day"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// Each window starts with a download and ends done; after a fault it is repeated first.
func TestWindowStates(t *testing.T) {
	t.Parallel()
	f := newFixture(t, mixpaneltest.Generator{Seed: 7, EventsPerDay: 40}, singleDays)
	r := days(t, "2026-11-01", "2026-11-03")
	f.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Status500, Days: day.Range{From: r.To, To: r.To}, Times: 1})
	fetch := func(ws *workspace.Workspace) map[day.Range][]workspace.WindowPhase {
		var mu sync.Mutex
		seen := map[day.Range][]workspace.WindowPhase{}
		rows := int64(0)
		request := workspace.FetchRequest{Table: "events", Days: r, Job: "job", OnWindow: func(w workspace.WindowState) {
			mu.Lock()
			defer mu.Unlock()
			seen[w.Days] = append(seen[w.Days], w.Phase)
			rows += w.Rows
			if (w.Phase == workspace.WindowRepeating) != (w.Err != nil) {
				t.Errorf("window %+v; want an error if it is repeated only", w)
			}
		}}
		stored := map[day.Day]int64{}
		request.OnStored = func(days []storage.Coverage) {
			if len(days) != len(stored)+1 {
				t.Errorf("%d days after a window, want %d", len(days), len(stored)+1)
			}
			for _, c := range days {
				stored[c.Day] = c.Rows
			}
		}
		p, err := ws.FetchEvents(t.Context(), request, func(workspace.Progress) {})
		if err != nil || p.Rows != rows {
			t.Fatalf("%d rows, %v; want the %d of the windows", p.Rows, err, rows)
		}
		for _, n := range stored {
			rows -= n
		}
		if len(stored) > 0 && rows != 0 {
			t.Errorf("stored days %v lack %d rows", stored, rows)
		}
		return seen
	}
	good := []workspace.WindowPhase{workspace.WindowDownloading, workspace.WindowLoading, workspace.WindowDone}
	want := map[day.Range][]workspace.WindowPhase{
		{From: r.From, To: r.From}: good, {From: r.From + 1, To: r.From + 1}: good,
		{From: r.To, To: r.To}: append([]workspace.WindowPhase{workspace.WindowDownloading, workspace.WindowRepeating}, good...),
	}
	if diff := cmp.Diff(want, fetch(f.Workspace)); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	for days := range want {
		want[days] = []workspace.WindowPhase{workspace.WindowDone}
	}
	if diff := cmp.Diff(want, fetch(f.again(t))); diff != "" {
		t.Errorf("phases of another attempt (-want +got):\n%s", diff)
	}
}
