package workspace

import (
	"testing"

	"mixduck/internal/day"
	"mixduck/storage"
)

func TestCausesOfDifferences(t *testing.T) {
	t.Parallel()
	const today, at = day.Day(20_000), day.Day(19_990)
	counts := func(n int64) map[day.Day]map[string]int64 { return map[day.Day]map[string]int64{at: {"e": n}} }
	complete := map[day.Day]storage.Coverage{at: {Day: at, State: storage.Complete}}
	tests := []struct {
		name string
		c    comparison
		want Cause
	}{
		{"more at Mixpanel", comparison{ours: storage.EventCounts{Rows: counts(3), Coverage: complete}, theirs: counts(5)}, CauseLate},
		{"fewer at Mixpanel", comparison{ours: storage.EventCounts{Rows: counts(5), Coverage: complete}, theirs: counts(3)}, CauseDeleted},
		{"a hidden event that Mixpanel does not count", comparison{
			ours: storage.EventCounts{Rows: counts(5), Coverage: complete}, hidden: map[string]bool{"e": true},
		}, CauseHidden},
		{"a hidden event that Mixpanel counts", comparison{
			ours: storage.EventCounts{Rows: counts(5), Coverage: complete}, theirs: counts(3), hidden: map[string]bool{"e": true},
		}, CauseDeleted},
		{"enough lines in quarantine", comparison{
			ours: storage.EventCounts{Rows: counts(3), Coverage: complete, Quarantined: map[day.Day]int64{at: 2}}, theirs: counts(5),
		}, CauseQuarantined},
		{"too few lines in quarantine", comparison{
			ours: storage.EventCounts{Rows: counts(3), Coverage: complete, Quarantined: map[day.Day]int64{at: 1}}, theirs: counts(5),
		}, CauseLate},
		{"a day that was never stored", comparison{theirs: counts(5)}, CauseNotFetched},
		{"a day that was stored before it ended", comparison{
			ours: storage.EventCounts{Rows: counts(3), Coverage: map[day.Day]storage.Coverage{at: {State: storage.Partial}}}, theirs: counts(5),
		}, CausePartialDay},
		{"a day that is known to be unavailable", comparison{
			ours: storage.EventCounts{Coverage: map[day.Day]storage.Coverage{at: {State: storage.Unavailable}}}, theirs: counts(5),
		}, CauseRetention},
		{"a day before the first that Mixpanel serves", comparison{ours: storage.EventCounts{Rows: counts(3), Coverage: complete}, oldest: at + 1}, CauseRetention},
		{"Mixpanel counts by the days of the project's zone", comparison{
			ours:   storage.EventCounts{Rows: counts(3), InZone: counts(5), Coverage: complete},
			theirs: counts(5), inZone: true,
		}, CauseTimeZone},
		{"the project has no zone", comparison{
			ours:   storage.EventCounts{Rows: counts(3), InZone: counts(5), Coverage: complete},
			theirs: counts(5),
		}, CauseLate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.c.today, tt.c.days = today, day.Range{From: at - 1, To: at + 1}
			found := tt.c.differences()
			if len(found) != 1 || found[0].Day != at || found[0].Cause != tt.want {
				t.Errorf("%+v, want one because of %s", found, tt.want)
			}
		})
	}
	old := comparison{
		today: at + leastRetention + 1, days: day.Range{From: at, To: at},
		ours: storage.EventCounts{Rows: counts(5), Coverage: complete},
	}
	if found := old.differences(); len(found) != 1 || found[0].Cause != CauseRetention {
		t.Errorf("an old day without events: %+v", found)
	}
}
