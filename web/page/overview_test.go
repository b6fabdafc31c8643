package page_test

import (
	"slices"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/jobs"
	"mixduck/jobs/status"
	"mixduck/web/page"
)

func TestNotices(t *testing.T) {
	t.Parallel()
	roomy := jobs.WorkerInfo{Host: "a", Volumes: []jobs.Volume{{Name: "main"}, {Name: "gone"}}, Disks: map[string]jobs.Disk{"main": {Free: 300e9, Size: 1000e9}}}
	full := jobs.WorkerInfo{Host: "b", Volumes: []jobs.Volume{{Name: "eu"}}, Disks: map[string]jobs.Disk{"eu": {Free: 40e9, Size: 1000e9}}}
	small := jobs.WorkerInfo{Host: "c", Volumes: []jobs.Volume{{Name: "us"}}, Disks: map[string]jobs.Disk{"us": {Free: 1e9, Size: 4e9}}}
	held := jobs.Record{Kind: jobs.KindFetch, Project: "web", Fetch: jobs.Fetch{Table: "events"}, Progress: jobs.Progress{Held: &jobs.Held{Program: "python3", PID: 7}}}
	stale := status.Table{Verdict: status.Stale, State: jobs.TableState{Table: "events"}}
	loading := status.Table{Verdict: status.Stale, Loading: true, Behind: 48 * time.Hour, State: jobs.TableState{Table: "events", LastComplete: new(day.Earliest)}}
	for name, tt := range map[string]struct {
		workers []jobs.WorkerInfo
		held    []jobs.Record
		tables  []status.Table
		want    []string
	}{
		"no worker": {want: []string{"No worker is running."}},
		"well":      {workers: []jobs.WorkerInfo{roomy}},
		"a long first fetch": {
			[]jobs.WorkerInfo{roomy},
			nil,
			[]status.Table{loading},
			[]string{" / events is still in its first fetch, although its schedule is 2d old."},
		},
		"the worst first": {
			[]jobs.WorkerInfo{roomy, full, small},
			[]jobs.Record{held},
			[]status.Table{stale},
			[]string{
				"The disk of volume eu on b is nearly full.", "The disk of volume us on c is nearly full.", " / events has no complete day yet, although its schedule is 0.0s old.",
				"web / events: another program has the database open.",
			},
		},
	} {
		if got := page.Notices(tt.workers, tt.held, tt.tables); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
