package e2e

import (
	"strings"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

func TestReadersSeeDaysArriveWhileTheFetchRuns(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 100)
	days := dates(t, "2025-10-01", "2025-11-14") // windows of 1, 6, 30 and 8 days
	last := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: dates(t, "2025-11-14", "2025-11-14")})
	truth := map[string]int{}
	for _, r := range s.truth(t, projectID, days).Rows {
		truth[r.Day.String()]++
	}
	j := s.submit(t, days)
	var seen []int // number of days each time there were more
	eventually(t, "days arrive in more than two steps", func() bool {
		counts, ok := s.glance(t)
		if !ok {
			return false
		}
		for d, n := range counts {
			if n != truth[d] {
				t.Fatalf("a reader sees %d rows of %s, want all %d or none", n, d, truth[d])
			}
		}
		if n := len(counts); len(seen) == 0 && n > 0 || len(seen) > 0 && n > seen[len(seen)-1] {
			seen = append(seen, n)
		}
		return len(seen) > 2
	})
	if now := s.show(t, j.ID); now.State != "running" {
		t.Errorf("the job is %s while days are seen to arrive (%v), want running", now.State, seen)
	}
	last.Remove()
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
