package e2e

import (
	"strings"
	"testing"
	"time"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

func TestCancelLeavesWholeDaysAndRetryGetsTheRest(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 100))
			s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-12")
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.Stall, Days: dates(t, "2025-11-02", "2025-11-12")})
			id := s.submit(t, days).ID
			eventually(t, "a day is stored", func() bool { return s.show(t, id).WindowsDone > 0 })

			began := time.Now()
			if res := s.enqueue(t, "jobs", "cancel", id); res.code != 0 || !strings.Contains(res.stdout, "cancelled") {
				t.Fatalf("cancel: exit code %d, %q %q", res.code, res.stdout, res.stderr)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("cancel took %s", took)
			}
			if j := s.show(t, id); j.State != "cancelled" || j.FinishedAt == nil {
				t.Fatalf("job = %+v, want cancelled", j)
			}
			stored := s.rows(t, defaultDatabase, "events")
			compare(t, rowsOf(s.truth(t, projectID, dates(t, "2025-11-01", "2025-11-01"))), stored)
			s.enqueue(t, "jobs", "wait", id).mustFail(t, 1, "was cancelled", "jobs retry "+id)

			held.Remove()
			before := len(s.mixpanel.Requests())
			res := s.enqueue(t, "jobs", "retry", id, "--wait", "--format", "json")
			if j := res.job(t); res.code != 0 || j.State != "done" || j.ID != id || j.Rows != len(s.truth(t, projectID, days).Rows) {
				t.Errorf("retry: exit code %d, %+v\n%s", res.code, j, res.stderr)
			}
			asked := s.askedDays(before)
			for d := range days.All() {
				want := 1
				if d <= date(t, "2025-11-01") {
					want = 0
				}
				if asked[d] != want {
					t.Errorf("the retry asked %d times for %s, want %d", asked[d], d, want)
				}
			}
			s.checkEvents(t, days)
			s.enqueue(t, "jobs", "retry", id).mustFail(t, 3, "is done", "only failed and cancelled jobs")
		})
	}
}

func TestJobsAreListedAndFollowedByOtherProcesses(t *testing.T) {
	t.Parallel()
	for _, q := range bothQueues() {
		t.Run(string(q), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, q, newMixpanel(t, 50))
			s.startWorker(t)
			days := dates(t, "2025-11-01", "2025-11-02")
			held := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte, Project: projectID})
			one := s.submit(t, days)
			proctest.Await(t, "the first job asks", held.Reached())
			two := s.submit(t, days)
			other := s.fetch(t, days, "--project", "67890")

			for _, tt := range []struct {
				name  string
				flags []string
				want  []string // ids
			}{
				{"all, the newest first", nil, []string{other.ID, two.ID, one.ID}},
				{"by state", []string{"--state", "done"}, []string{other.ID}},
				{"by database", []string{"--database", "12345.db"}, []string{two.ID, one.ID}},
				{"by project", []string{"--project", "12345", "--limit", "1"}, []string{two.ID}},
			} {
				var ids []string
				for _, j := range s.list(t, tt.flags...) {
					ids = append(ids, j.ID)
				}
				if strings.Join(ids, " ") != strings.Join(tt.want, " ") {
					t.Errorf("%s: jobs %s, want %s", tt.name, ids, tt.want)
				}
			}
			s.enqueue(t, "jobs", "wait", two.ID, "--timeout", "100ms").mustFail(t, 6, "it continues")
			if res := s.enqueue(t, "jobs", "show", one.ID); res.code != 0 || !strings.Contains(res.stdout, "running") {
				t.Errorf("show: exit code %d, %s", res.code, res.stdout)
			}
			follower := proctest.Start(t, s.env, "enqueue", append(s.where(), "jobs", "wait", two.ID)...)
			follower.WaitFor(t, "waiting")
			held.Remove()
			if code := follower.ExitCode(t); code != 0 {
				t.Errorf("exit code %d of jobs wait", code)
			}
			follower.WaitFor(t, "done: ")
		})
	}
}
