package e2e

import (
	"strings"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

// Each window waits until a reader has seen the one before it.
func TestReadersSeeDaysArriveWhileTheFetchRuns(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 100)
	days := dates(t, "2025-10-01", "2025-11-14") // windows of 1, 6, 30 and 8 days
	var holds []*mixpaneltest.Injection
	for _, first := range []string{"2025-10-02", "2025-10-08", "2025-11-14"} {
		holds = append(holds, s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: dates(t, first, first)}))
	}
	truth := map[string]int{}
	for _, r := range s.truth(t, projectID, days).Rows {
		truth[r.Day.String()]++
	}
	j := s.submit(t, days)
	seen := 0
	for _, hold := range holds {
		eventually(t, "more days than before arrive", func() bool {
			counts, ok := s.glance(t)
			for d, n := range counts {
				if n != truth[d] {
					t.Fatalf("a reader sees %d rows of %s, want all %d or none", n, d, truth[d])
				}
			}
			more := ok && len(counts) > seen
			if more {
				seen = len(counts)
			}
			return more
		})
		if now := s.show(t, j.ID); now.State != "running" {
			t.Errorf("the job is %s while days are seen to arrive (%d), want running", now.State, seen)
		}
		hold.Remove()
	}
	s.wait(t, j.ID)
	s.checkEvents(t, days)
}

// glance tries once to count the rows of each day.
func (s *site) glance(tb testing.TB) (map[string]int, bool) {
	tb.Helper()
	began := time.Now()
	db, err := s.openDatabase(defaultDatabase)
	if err != nil {
		if !strings.Contains(err.Error(), "lock") && !strings.Contains(err.Error(), "does not exist") {
			tb.Fatal(err)
		}
		return nil, false
	}
	defer db.Close()
	counts, err := dayCounts(db, "events")
	if err != nil && !strings.Contains(err.Error(), "does not exist") {
		tb.Fatal(err)
	}
	if took := time.Since(began); took > patience/2 {
		tb.Errorf("reading took %s", took)
	}
	return counts, err == nil
}
