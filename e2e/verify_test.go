package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// A comparison waits for no lane, its exit code says what it has found, and its repair removes the difference.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 60))
			s.startWorker(t)
			s.fetch(t, dates(t, "2025-11-01", "2025-11-03"))
			if got := strings.TrimSpace(s.ask(t, "verify", "--from", "2025-11-01", "--to", "2025-11-03", "--format", "json")); got != "[]" {
				t.Errorf("no differences as json: %q", got)
			}
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Days: dates(t, "2025-11-05", "2025-11-05")})
			busy := s.submit(t, dates(t, "2025-11-05", "2025-11-05"))
			proctest.Await(t, "the fetch asks", held.Reached())
			range4 := []string{"verify", "--from", "2025-11-01", "--to", "2025-11-04"}
			r := s.enqueue(t, append(range4, "--repair", "--format", "json")...)
			var found []struct{ Day, Cause string }
			if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.code != 1 || len(found) == 0 {
				t.Fatalf("%v: exit code %d\n%s%s", err, r.code, r.stdout, r.stderr)
			}
			for _, d := range found {
				if d.Day != "2025-11-04" || d.Cause != "not_fetched" {
					t.Errorf("difference %+v", d)
				}
			}
			m := regexp.MustCompile(`job (\S+) fetches 2025-11-04 again`).FindStringSubmatch(r.stderr)
			if m == nil {
				t.Fatalf("no repair:\n%s", r.stderr)
			}
			if now := s.show(t, busy.ID); now.State != "running" {
				t.Errorf("the fetch is %s, want it to run still", now.State)
			}
			held.Remove()
			s.wait(t, busy.ID)
			s.wait(t, m[1])
			s.ask(t, range4...)
			s.checkEvents(t, dates(t, "2025-11-01", "2025-11-05"))
			s.enqueue(t, "verify", "--from", "2025-11-01", "--table", "nope").mustFail(t, 4, "no table nope")
			s.enqueue(t, "verify", "--to", "2025-11-04").mustFail(t, 3, "--from")
		})
	}
}

func TestVerifyUsesTheQueryBudget(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded, newMixpanel(t, 60))
	s.set("MIXDUCK_MIXPANEL_REQUESTS_PER_HOUR=50")
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-01"))
	s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.OverQuota, Call: "*"})
	week := []string{"verify", "--from", "2025-11-01", "--to", "2025-11-01"}
	s.enqueue(t, week...).mustFail(t, 5, "run it again after")
	asked := len(s.mixpanel.Queries())
	s.enqueue(t, week...).mustFail(t, 5, "run it again after")
	if n := len(s.mixpanel.Queries()); n != asked {
		t.Errorf("Mixpanel was asked %d times more although the budget is spent", n-asked)
	}
}
